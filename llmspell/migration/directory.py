"""Schemas in a folder of TOML files: one schema a file, with the names that scripts use."""

import os

from llmspell.errors import ConfigError, Conflict, LlmspellError, SchemaError
from llmspell.migration.names import kind
from llmspell.migration.schema import Schema
from llmspell.migration.transforms import Functions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from llmspell.migration.catalogue import Catalogue
    from llmspell.state.manager import StateManager

MAX_BYTES = 1_000_000


def read_directory(path: str) -> "dict[str, Any]":
    """The definitions in the `.toml` files of a folder, by the file's path, in the order of their versions.

    Raises ConfigError for a folder or file that cannot be read or is no TOML, and SchemaError for a wrong schema; both
    name the file.
    """
    try:
        names = sorted(name for name in os.listdir(path) if name.endswith(".toml"))
    except OSError as error:
        raise ConfigError(f"cannot read the schema_directory '{path}': {error.strerror}") from None
    found = []
    for name in names:
        file = os.path.join(path, name)
        definition = read_file(file)
        try:
            version = Schema.read(definition, Functions()).version
        except LlmspellError as error:
            raise SchemaError(f"{file}: {error.message}", hint=error.hint) from None
        found.append((version, file, definition))
    return {file: definition for _, file, definition in sorted(found, key=lambda entry: entry[:2])}


def read_file(path: str) -> "dict[str, Any]":
    """The definition in a TOML file. Raises ConfigError, naming it."""
    import tomllib

    try:
        with open(path, "rb") as file:
            text = file.read(MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            raise ConfigError(f"the schema '{path}' is larger than {MAX_BYTES} bytes")
        return {name: _plain(value, path) for name, value in tomllib.loads(text.decode()).items()}
    except OSError as error:
        raise ConfigError(f"cannot read the schema '{path}': {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"the schema '{path}' is no TOML: {error}") from None


def register_directory(manager: "StateManager", catalogue: "Catalogue", path: str) -> None:
    """Register every schema of a folder that is not registered yet. What is wrong is told with the file's name."""
    for file, definition in read_directory(path).items():
        try:
            catalogue.register(manager, definition)
        except (SchemaError, Conflict) as error:
            raise type(error)(f"{file}: {error.message}", hint=error.hint) from None


def _plain(value: "Any", path: str) -> "Any":
    """A value of TOML as a value of llmspell: its times become RFC 3339 text."""
    if isinstance(value, dict):
        return {name: _plain(item, path) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, path) for item in value]
    if isinstance(value, str | int | float | bool):
        return value
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise ConfigError(f"the schema '{path}' holds {kind(value)}")
