"""`Runtime`: one configured whole. The only place where config, store, domain, globals and languages meet.

What every run opens stands here; a part that a configuration can leave out is opened by a module of its own beside it.
"""

import os
import time

from llmspell.errors import BadArgument, Interrupted, LlmspellError, NotEnabled, ScriptError, StorageError
from llmspell.globals.json import JSON
from llmspell.globals.log import Log
from llmspell.globals.process import Process
from llmspell.globals.state import State
from llmspell.ids import new_id
from llmspell.languages.grants import Grants
from llmspell.languages.language import Language, Limits, Services, Stop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from llmspell.artifacts.artifacts import Artifacts
    from llmspell.backup.backups import Backups
    from llmspell.config import Config
    from llmspell.events.events import Events
    from llmspell.hooks.hooks import Hooks
    from llmspell.migration.engine import Migrations
    from llmspell.sessions.sessions import Sessions
    from llmspell.state.manager import StateManager
    from llmspell.storage.store import Store
    from llmspell.surface.model import Global
    from llmspell.telemetry.telemetry import Telemetry

LEVELS = ("debug", "info", "warn", "error")


class Runtime:
    """The services that a configuration asks for, and the means to run scripts on them.

    Opens the store at once; `close` syncs and closes it, and so does the end of a `with` block. `principal` names on
    whose behalf scripts run. `timeout` is the time limit in seconds that the configuration sets, 0 for none; whoever
    runs a script keeps it, by calling `interrupt`.
    """

    def __init__(
        self, config: "Config", *, principal: str | None = None, log_format: str = "text", log_level: str = "info"
    ) -> None:
        if principal is not None and not config.state.security.access_control_enabled:
            raise NotEnabled(
                f"a principal ('{principal}') is named, but this version has no access control yet",
                hint="leave --principal out; every script may do all",
            )
        self.config = config
        self.timeout = float(config.runtime.script_timeout_seconds)
        self._stop = Stop()
        self._language: Language | None = None
        self._log_format = log_format
        self._log_level = LEVELS.index(log_level)
        self._lost_output = False
        self._facts: dict[str, Any] = {}
        """What is announced of the script that is running."""
        self._correlation_id = ""
        self._backups: Backups | None = None
        self._events: Events | None = None
        self._hooks: Hooks | None = None
        self._sessions: Sessions | None = None
        self._artifacts: Artifacts | None = None
        self._output_failure: StorageError | None = None
        self.store: Store | None = open_store(config) if config.state.enabled else None
        self._state = open_state(config, self.store) if self.store is not None else None
        self._migrations: Migrations | None = None
        self._telemetry: Telemetry | None = None
        if config.runtime.otel.enabled:
            try:
                from llmspell.runtime.telemetry import open_telemetry

                self._telemetry = open_telemetry(
                    config, self._state, warn=lambda message, fields: self._log("warn", message, fields)
                )
            except BaseException:
                self.close()
                raise
        if self._state is not None and config.state.migration.enabled:
            try:
                from llmspell.runtime.migrations import open_migrations

                self._migrations = open_migrations(
                    config, self._state, self._back_up, lambda: self._stop.reason is not None, self.announce
                )
            except BaseException:
                self.close()
                raise
        wanted = config.state.hooks
        if wanted.change_log or wanted.agent_state or wanted.schema_validation or wanted.critical_keys:
            try:
                self._add_builtin_hooks()
            except BaseException:
                self.close()
                raise

    @property
    def state(self) -> "StateManager":
        """The state. Raises NotEnabled when the configuration switches it off."""
        if self._state is None:
            raise NotEnabled("the state is switched off", hint="set enabled = true in [state]")
        return self._state

    @property
    def migrations(self) -> "Migrations":
        """Schemas and migrations. Raises NotEnabled when the configuration switches them off."""
        if self._migrations is None:
            raise NotEnabled("migrations are switched off", hint="set enabled = true in [state.migration]")
        return self._migrations

    @property
    def backups(self) -> "Backups":
        """The backups of the state's store. Raises NotEnabled when the configuration switches the state off."""
        if self._backups is None:
            from llmspell.runtime.backups import open_backups
            from llmspell.runtime.sessions import has_store_on_disk

            home = self.sessions.home if has_store_on_disk(self.config) else None
            self._backups = open_backups(self.config, self.state, self.announce, home)
        return self._backups

    @property
    def hooks(self) -> "Hooks":
        """The hooks of this runtime. Raises NotEnabled when the configuration switches them off."""
        if self._hooks is None:
            if not self.config.runtime.hooks.enabled:
                raise NotEnabled("hooks are switched off", hint="set enabled = true in [runtime.hooks]")
            from llmspell.runtime.hooks import open_hooks

            self._hooks = open_hooks(
                self.config,
                self._state,
                summon=lambda: self._stop.summon(),
                warn=lambda message, fields: self._log("warn", message, fields),
                wait=lambda seconds: self._stop.wait(seconds),
                is_stopping=lambda: self._stop.reason is not None,
            )
            self._attend_to_hooks()
            self._connect("hooks")
        return self._hooks

    @property
    def events(self) -> "Events":
        """The event bus. Raises NotEnabled when the configuration switches it off."""
        if self._events is None:
            if not self.config.runtime.events.enabled:
                raise NotEnabled("events are switched off", hint="set enabled = true in [runtime.events]")
            from llmspell.runtime.events import open_events

            self._events = open_events(
                self.config, self._state, warn=lambda message, fields: self._log("warn", message, fields)
            )
            self._events.correlation_id = self._correlation_id
            self._connect("events")
        return self._events

    @property
    def sessions(self) -> "Sessions":
        """The sessions. Raises NotEnabled when the configuration switches them off."""
        if self._sessions is None:
            if not self.config.runtime.sessions.enabled:
                raise NotEnabled("sessions are switched off", hint="set enabled = true in [runtime.sessions]")
            from llmspell.runtime.sessions import open_artifacts, open_sessions

            self._sessions = open_sessions(self.config, self._state, self.announce)
            self._artifacts = open_artifacts(self.config, self._sessions)
            self._connect("sessions")
        return self._sessions

    @property
    def artifacts(self) -> "Artifacts":
        """The artifacts of the sessions. Raises NotEnabled when the configuration switches them off."""
        sessions = self.sessions
        if self._artifacts is None or self._artifacts.sessions is not sessions:
            raise NotEnabled("artifacts are those of sessions, which are closed")
        return self._artifacts

    def announce(self, event: str, data: "dict[str, Any]", *, point: str = "") -> None:
        """Tell the event bus, and then the hooks of `point`, what a service has done (see `llmspell.announce`)."""
        if self._telemetry is not None:
            self._telemetry.announce(event, data, self._current_correlation_id())
        if self.config.runtime.events.enabled:
            self.events.emit(event, data, language="runtime")
        if point and self._hooks is not None:
            self._hooks.announce(point, data)

    def run(
        self, source: bytes, *, name: str, language: str = "", args: "Sequence[str]" = (), session_id: str | None = None,
        farewell: "Callable[[], None] | None" = None,
    ) -> bytes:  # fmt: skip
        """Run a script to its end; the payload of its result (see `llmspell.values`).

        `name` is its path, for messages and for the modules beside it; `language` is `lua` or `javascript`, by default
        what the name's ending says, else `default_engine`. With `session_id` that session is current from the beginning.
        `farewell` is called in this thread when the script has ended well and its hooks are still there. Raises
        NotFound and InvalidTransition when the session cannot be current, ScriptError, ScriptExit, LimitExceeded, whatever
        `interrupt` was given, and StorageError when what it printed could not be written. What a script saved before it failed
        stays saved.
        """
        self._stop = Stop()
        self._lost_output, self._output_failure = False, None
        self._correlation_id = new_id()
        if self._state is not None:
            self._state.correlation_id = self._correlation_id
        elif self._events is not None:
            self._events.correlation_id = self._correlation_id
        if self._hooks is not None:
            self._attend_to_hooks()
        if session_id is not None:
            self.sessions.set_current(session_id)
        if self.config.runtime.hooks.record:
            from llmspell.runtime.sessions import record

            record(
                self.hooks, self.sessions, name, self._stop, lambda message, fields: self._log("warn", message, fields)
            )
        try:
            running = self._language = self._open_language(language or language_of(name) or self.config.default_engine)
        except BaseException:
            self._let_go()
            raise
        if self._migrations is not None:
            self._migrations.catalogue.first_index = running.first_index
        self._facts = {"script": name, "language": running.name}
        self._tell_system("system.startup", "SystemStartup")
        try:
            result = self._watched(running, source, name, args)
            if farewell is not None:
                self._say(farewell)
            if self._output_failure is not None:
                raise self._output_failure
            return result
        except ScriptError as error:
            self._explain(error, source, name, running.name)
            raise
        finally:
            self._language = None
            try:
                self._let_go()
            finally:
                running.close()

    def _let_go(self) -> None:
        """End what belongs to one script: its hooks, and that a session is current."""
        try:
            for finish in self._stop.afterwards:
                finish()
            self._tell_end()
        finally:
            if self._sessions is not None:
                self._sessions.close()

    def _watched(self, running: Language, source: bytes, name: str, args: "Sequence[str]") -> bytes:
        """Run the script, as a span when there is telemetry."""
        telemetry = self._telemetry
        if telemetry is None:
            return running.run(source, name, args)
        with telemetry.run(name, running.name, self._current_correlation_id()):
            return running.run(source, name, args)

    def _say(self, farewell: "Callable[[], None]") -> None:
        """Call it; an interrupt is what counts, whatever it has raised because of that."""
        try:
            farewell()
        except LlmspellError:
            if self._stop.reason is None:
                raise
        if self._stop.reason is not None:
            raise self._stop.reason

    def interrupt(self, reason: "LlmspellError | None" = None) -> None:
        """End the running script, from any thread; `run` raises `reason`, by default Interrupted."""
        reason = reason or Interrupted("interrupted")
        self._stop.request(reason)
        running = self._language  # looked at after the request: a script that begins now sees the reason by itself
        if running is not None:
            running.interrupt(reason)

    def wait(self, seconds: float) -> bool:
        """Sleep; true, and at once, when the script is to end."""
        return self._stop.wait(seconds)

    def flush(self) -> None:
        """After it everything saved so far is on disk."""
        if self.store is not None:
            self.store.sync()

    def close(self) -> None:
        """Sync and close, once hooks in the background have been told everything. Closing twice is harmless."""
        if self._hooks is not None:
            self._hooks.close()
        sessions, self._sessions = self._sessions, None
        try:
            if sessions is not None:
                sessions.close()
                if not sessions.is_shared:
                    sessions.home.close()
        finally:
            if self.store is not None:
                self.store.close()
            if self._telemetry is not None:
                self._telemetry.close()

    def __enter__(self) -> "Runtime":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def globals(self, language: str = "") -> "list[Global]":
        """The globals that this configuration gives to scripts, here of a language."""
        bound: list[Global] = [JSON(), Log(self._log), Process(self._stop.wait)]
        if self._state is not None:
            bound.append(State(self._state, self._stop.wait, self._hook_figures))
            if self._migrations is not None:
                from llmspell.globals.migration import Migration

                bound.append(Migration(self._migrations))
            if self.config.state.backup.enabled:
                from llmspell.globals.backup import Backup

                bound.append(Backup(self.backups, self._stop))
        if self.config.runtime.sessions.enabled:
            from llmspell.globals.artifact import Artifact
            from llmspell.globals.session import Session
            from llmspell.runtime.replays import replay_globals

            bound.append(Session(self.sessions))
            bound.append(Artifact(self.artifacts, lambda path: self._grants().check_open(path), self._stop))
            bound.extend(replay_globals(self, self._stop.wait, language))
        if self.config.runtime.events.enabled:
            from llmspell.globals.event import Event

            bound.append(Event(lambda: self.events, self._stop, language))
        if self.config.runtime.hooks.enabled:
            from llmspell.globals.hook import Hook

            bound.append(Hook(lambda: self.hooks, language))
        return bound

    def _hook_figures(self) -> "dict[str, int]":
        if self._hooks is None:
            return {}
        return self._hooks.figures()

    def _tell_system(self, event: str, point: str) -> None:
        """Announce the beginning or the end of a script to whoever is there to hear it; nothing is opened for that."""
        if self._events is not None:
            self._events.emit(event, self._facts, language="runtime")
        if self._hooks is not None:
            self._hooks.announce(point, self._facts)

    def _tell_end(self) -> None:
        """Announce the end of the script, once: while its hooks are still there, unless it was ended from outside."""
        if self._facts:
            self._tell_system("system.shutdown", "SystemShutdown")
            self._facts = {}

    def _add_builtin_hooks(self) -> None:
        if self._state is None or not self.config.runtime.hooks.enabled:
            return
        from llmspell.runtime.hooks import add_builtin_hooks

        add_builtin_hooks(
            self.config,
            self.hooks,
            self._state,
            log=lambda message, fields: self._log("info", message, fields),
            migrations=lambda: self.migrations,
            back_up=self._back_up,
        )

    def _attend_to_hooks(self) -> None:
        """Let the script's thread run its hooks that wait in the background, between its steps and at its end."""
        hooks = self.hooks
        self._stop.afterwards.append(hooks.end_script)
        self._stop.farewells.append(self._tell_end)
        background = hooks.background
        if background is not None:
            self._stop.errands.append(background.run_script_hooks)
            self._stop.farewells.append(background.end_script)

    def _current_correlation_id(self) -> str:
        return self._correlation_id if self._state is None else self._state.current_correlation_id()

    def _connect(self, opened: str) -> None:
        """Let sessions and telemetry record what hooks and events do, and timelines ask them, once they are there."""
        if self._telemetry is not None:
            if opened == "hooks" and self._hooks is not None:
                self._hooks.recorders.append(self._telemetry.record_execution)
            if opened == "events" and self._events is not None:
                self._events.recorders.append(self._telemetry.record_event)
        if self._events is not None:
            from llmspell.runtime.events import ask_sessions, remember_hooks

            if self._hooks is not None and opened != "sessions":
                remember_hooks(self._events, self._hooks)
            if self._sessions is not None and opened != "hooks":
                ask_sessions(self._events, self._sessions)
        if self._sessions is not None and (self._hooks is not None or self._events is not None):
            from llmspell.runtime.sessions import connect

            connect(self._sessions, self._hooks, self._events)

    def _open_language(self, name: str) -> Language:
        grants, engines = self._grants(), self.config.engines
        services = Services(write=self._write, report_bug=self._report_bug, grants=grants, stop=self._stop)
        if name == "lua":
            from llmspell.languages.lua import Lua

            lua = engines.lua
            limits = Limits(memory=lua.memory_limit, instructions=lua.max_instructions, stdlib=lua.stdlib)
            return Lua(self.globals(name), limits, services)
        if name == "javascript":
            from llmspell.languages.javascript import JavaScript

            javascript = engines.javascript
            limits = Limits(memory=javascript.memory_limit, modules=javascript.modules)
            return JavaScript(self.globals(name), limits, services)
        raise BadArgument(f"there is no language '{name}'; there are lua and javascript", exit_status=2)

    def _grants(self) -> Grants:
        security, state = self.config.runtime.security, self.config.state
        return Grants(
            files=security.allow_file_access,
            environment=security.allow_env,
            package_paths=self.config.engines.lua.package_paths,
            secret_names=[name for name in (state.encryption.key_env, state.postgres.dsn_env) if name],
            secret_files=[path for path in (state.encryption.key_file,) if path],
            stores=self._store_paths(),
        )

    def _store_paths(self) -> list[str]:
        """The folders of the stores on disk, which no script may open as files."""
        state, sessions = self.config.state, self.config.runtime.sessions
        paths = [state.path] if state.enabled and state.backend == "disk" else []
        kind = sessions.storage_backend
        if kind == "state" and not state.enabled:
            kind = state.backend  # see `runtime.sessions.open_home`
        return [*paths, sessions.path] if sessions.enabled and kind == "disk" else paths

    def _explain(self, error: ScriptError, source: bytes, name: str, language: str) -> None:
        """Add the remedy when the line that failed uses a function that no global has."""
        if error.code != "script" or error.hint or error.file != name:
            return
        lines = source.decode(errors="replace").split("\n")
        if 0 < error.line <= len(lines):
            from llmspell.globals import ALL
            from llmspell.surface.hint import missing_hint

            absent = {
                "State": "enabled = true in [state]",
                "Event": "enabled = true in [runtime.events]",
                "Hook": "enabled = true in [runtime.hooks]",
                **dict.fromkeys(("Session", "Artifact", "Replay"), "enabled = true in [runtime.sessions]"),
            }
            error.hint = missing_hint(lines[error.line - 1], self.globals(), ALL, absent, language)

    def _back_up(self, description: str) -> str:
        return self.backups.create(description=description).id

    def _write(self, stream: int, data: bytes) -> None:
        """Write all of `data`; once the reader has gone, what follows is dropped: a script's work is not undone by that."""
        view = memoryview(data)
        while view and not (self._lost_output and stream == 1):
            try:
                view = view[os.write(stream, view) :]
            except BlockingIOError:
                time.sleep(0.001)
            except OSError as error:
                if stream == 1:
                    self._lost_output = True
                    if not isinstance(error, BrokenPipeError):
                        self._output_failure = StorageError(
                            f"the script's output could not be written: {error.strerror}"
                        )
                return

    def _log(self, level: str, message: str, fields: "dict[str, Any]") -> None:
        if LEVELS.index(level) < self._log_level:
            return
        from llmspell.logline import logline

        self._write(2, logline(level, message, fields, as_json=self._log_format == "json"))

    def _report_bug(self, error: BaseException) -> None:
        import traceback

        text = "".join(traceback.format_exception(error))
        self._log("error", "internal error", {"traceback": text})


def language_of(name: str) -> str:
    """The language that a file name's ending says, or nothing."""
    lower = name.lower()
    if lower.endswith(".lua"):
        return "lua"
    return "javascript" if lower.endswith((".js", ".mjs")) else ""


def open_store(config: "Config") -> "Store":
    """The store that `[state]` names."""
    state = config.state
    if state.backend == "memory":
        from llmspell.storage.memory import MemoryStore

        return MemoryStore()
    if state.backend == "disk":
        from llmspell.storage.lmdb import LmdbStore

        store: Store = LmdbStore(state.path)
    else:
        raise NotEnabled(f"[state] backend = '{state.backend}' is not built into this version", hint="use 'disk'")
    if state.flush_every_ms:
        from llmspell.storage.grouped import GroupedStore

        store = GroupedStore(store, state.flush_every_ms)
    return store


def open_state(config: "Config", store: "Store") -> "StateManager":
    """The state on `store` as `[state]` and its tables say."""
    from llmspell.state.journal import JournalPolicy
    from llmspell.state.manager import StateManager

    state = config.state
    journal = state.journal
    return StateManager(
        store,
        max_value_bytes=state.max_value_bytes,
        classes=state.classes,
        journal=JournalPolicy(
            enabled=journal.enabled, keep_days=journal.keep_days, keep_versions=journal.keep_versions
        ),
        schema_version=state.schema_version,
        transaction_timeout_ms=state.transaction_timeout_ms,
    )
