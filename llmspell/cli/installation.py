"""`llmspell info` and `doctor`: what is configured here, and whether it can work."""

import importlib.metadata
import os
import platform
import stat
import sys
from collections.abc import Callable, Iterator
from typing import Any

import typer

from llmspell import __version__
from llmspell.cli.app import command
from llmspell.cli.call import Call
from llmspell.config import Config
from llmspell.config.cache import Slot
from llmspell.errors import LlmspellError, StorageError
from llmspell.languages.language import Language

NO_FILE = "no file, the defaults"
PACKAGES = ("lupa", "quickjs-ng", "lmdb", "msgpack", "typer", "rich")


def add_to(app: typer.Typer) -> None:
    """Add `info` and `doctor`."""
    command(app, "info")(info)
    command(app, "doctor")(doctor)


def info(call: Call) -> None:
    """Say what is configured: the file, the language, where the state is kept, what is switched on."""
    config = call.config(allow_unbuilt=True)
    call.report.result(
        {
            "version": __version__,
            "config": config.source or (NO_FILE if call.report.output == "text" else None),
            "profile": config.profile,
            "default_engine": config.default_engine,
            "state": _state(config),
            "backend": config.state.backend if config.state.enabled else None,
            "path": os.path.abspath(config.state.path) if _is_on_disk(config) else None,
            "timeout_seconds": config.runtime.script_timeout_seconds,
            "journal": config.state.journal.enabled,
            "migration": config.state.enabled and config.state.migration.enabled,
            "backup": config.state.enabled and config.state.backup.enabled,
            "sessions": config.runtime.sessions.enabled,
            "hooks": config.runtime.hooks.enabled,
            "events": config.runtime.events.enabled,
            "not_built": config.unbuilt(),
        }
    )


def doctor(call: Call) -> int:
    """Check that everything llmspell needs is there and works; exit status 0 when it does."""
    rows, status = [], 0
    for name, look in CHECKS.items():
        try:
            rows += [{"check": f"{name}{part}", "status": how, "detail": detail} for part, how, detail in look(call)]
        except LlmspellError as error:
            rows.append({"check": name, "status": "failed", "detail": str(error)})
            status = status or error.exit_status
        except (ImportError, OSError) as error:
            rows.append({"check": name, "status": "failed", "detail": str(error)})
            status = status or 1
    call.report.result(rows)
    return status


Finding = tuple[str, str, str]
"""What follows the name of the check, `ok` or `warning`, and what was found."""


def _python(_call: Call) -> Iterator[Finding]:
    yield (
        "",
        "ok",
        f"llmspell {__version__}, Python {platform.python_version()} on {platform.system()} {platform.machine()}",
    )
    for name in PACKAGES:
        yield f".{name}", "ok", importlib.metadata.version(name)


def _engines(_call: Call) -> Iterator[Finding]:
    from llmspell.languages.javascript import JavaScript
    from llmspell.languages.lua import Lua

    languages: tuple[type[Language], ...] = (Lua, JavaScript)
    for language in languages:
        for name, how in language.mechanisms().items():
            slow = "cannot" in how or "unusable" in how
            yield f".{language.name}.{name}", "warning" if slow else "ok", how


def _config(call: Call) -> Iterator[Finding]:
    config = call.config()
    yield "", "ok", config.source or NO_FILE
    for notice in config.notices:
        yield "", "warning", notice


def _cache(_call: Call) -> Iterator[Finding]:
    folder = Slot("", os.environ).folder
    if not folder:
        yield "", "ok", "none: a configuration file is parsed at every start"
    elif os.path.isdir(folder) and (os.stat(folder).st_uid != os.geteuid() or os.stat(folder).st_mode & 0o022):
        yield "", "warning", f"{folder} is not used, because others may write it: chmod 700 it"
    else:
        yield "", "ok", f"parsed configuration files are kept in {folder}"


def _store(call: Call) -> Iterator[Finding]:
    config = call.config()
    path = os.path.abspath(config.state.path)
    if _is_on_disk(config) and not os.path.exists(path):
        above = os.path.dirname(path)
        while not os.path.exists(above):
            above = os.path.dirname(above)
        if not os.access(above, os.W_OK | os.X_OK):
            raise StorageError(f"{path} cannot be made: {above} is not writable")
        yield "", "ok", f"{path} is not there yet; the first run makes it"
        return
    with call.runtime() as runtime:
        if runtime.store is None:
            yield "", "ok", "the state is switched off"
            return
        facts = runtime.store.info()
        yield "", "ok", f"{_state(config)}, {facts['entries']} entries, {facts['bytes_used']} bytes"
    if _is_on_disk(config):
        exposed = [name for name in (path, *_files(path)) if os.stat(name).st_mode & _forbidden(name)]
        for name in exposed:
            yield ".permissions", "warning", f"others may reach {name}: chmod go-rwx it"
        if not exposed:
            yield ".permissions", "ok", "nobody else may read or change it"


def _files(folder: str) -> list[str]:
    return [entry.path for entry in os.scandir(folder) if entry.is_file()]


def _forbidden(name: str) -> int:
    """What others must not have: of a folder the right to change it, of a file any."""
    return stat.S_IWGRP | stat.S_IWOTH if os.path.isdir(name) else stat.S_IRWXG | stat.S_IRWXO


def _output(_call: Call) -> Iterator[Finding]:
    encoding = sys.getfilesystemencoding()
    is_plain = encoding.lower().replace("-", "") != "utf8"
    detail = f"file names are {encoding}; scripts, values and output are UTF-8 in any case"
    yield "", "warning" if is_plain else "ok", detail


CHECKS: dict[str, Callable[[Call], Iterator[Finding]]] = {
    "python": _python,
    "engine": _engines,
    "config": _config,
    "cache": _cache,
    "store": _store,
    "encoding": _output,
}


def _is_on_disk(config: Config) -> bool:
    return bool(config.state.enabled) and config.state.backend in ("disk", "rocksdb")


def _state(config: Config) -> Any:
    if not config.state.enabled:
        return "off"
    if config.state.backend == "memory":
        return "on, in memory: nothing outlives the process"
    return f"on, {config.state.backend}" + (f" at {config.state.path}" if _is_on_disk(config) else "")
