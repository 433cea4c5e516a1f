"""Files as a source: where they are found, how they are read, and their layer."""

import os

from llmspell.config.layer import Layer
from llmspell.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST = 1 << 20
"""Bytes a file may have."""


def find(path: str | None, environ: "Mapping[str, str]", folder: str) -> str | None:
    """The path of the file to load: the one named, or the first that exists; None when there is none.

    A file that was named need not exist for this; it has to be read to know.
    """
    named = environ.get("LLMSPELL_CONFIG", "") if path is None else path
    if named or path is not None:
        return os.path.join(folder, named)
    home = environ.get("HOME", "")
    places = [os.path.join(folder, "llmspell.toml"), os.path.join(folder, ".llmspell.toml")]
    user = environ.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(user):
        user = os.path.join(home, ".config") if home else ""
    if user:
        places.append(os.path.join(user, "llmspell", "config.toml"))
    if home:
        places.append(os.path.join(home, ".llmspell", "config.toml"))
    for place in places:
        # A link that leads nowhere counts as a file: to pass it over would run with settings that nobody chose.
        if os.path.lexists(place):
            return place
    return None


def read(path: str, hint: str = "") -> bytes:
    """The bytes of a configuration file; raises ConfigError, naming it, when it cannot be read or is no such file."""
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise ConfigError(f"there is no configuration file {printable(path)}", hint=hint) from None
    except IsADirectoryError:
        raise ConfigError(f"the configuration file {printable(path)} is a folder") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigError(f"the configuration file {printable(path)} cannot be read: {reason}") from None
    if len(data) > LARGEST:
        raise ConfigError(f"the configuration file {printable(path)} is larger than {LARGEST} bytes")
    return data


def printable(path: str) -> str:
    """The path as errors name it: with quotes and escapes when it would not print."""
    return path if path.isprintable() and path else repr(path)


def file_layer(path: str, environ: "Mapping[str, str]", name: str = "") -> Layer:
    """What the file at `path` says. `name` (default: the path) stands for it in errors and origins: `name:3`."""
    from llmspell.config import cache

    name = name or printable(path)
    data = read(path, "LLMSPELL_CONFIG names it" if path == environ.get("LLMSPELL_CONFIG") else "")
    slot = cache.Slot(path, environ)
    known = slot.recall(data)
    if known is None:
        from llmspell.config.parse import parse

        tree, lines = parse(data, name)
    else:
        tree, lines = known

    def place(key: str) -> str:
        while key and key not in lines:
            key = key.rpartition(".")[0]
        return f"{name}:{lines[key]}" if key else name

    layer = Layer()
    layer.read(tree, place)
    layer.settle()
    if known is None and not layer.has_secrets:
        slot.remember(data, tree, lines)
    return layer
