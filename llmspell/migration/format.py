"""The format of a schema file, as a JSON Schema: for editors that check TOML, and as the reference of its names."""

from llmspell.migration.fields import ALIASES, TYPES
from llmspell.migration.schema import COMPATIBILITY
from llmspell.migration.transforms import CONVERTED, KINDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PATH = {"type": "string", "pattern": r"^[^.]+(\.[^.]+)*$", "description": "a name, or names with dots"}
_PATHS = {"type": "array", "items": _PATH, "minItems": 1}
_VERSION = {
    "oneOf": [
        {"type": "string", "pattern": r"^[0-9]{1,5}(\.[0-9]{1,5}){0,2}$"},
        {"type": "integer", "minimum": 0, "maximum": 65535},
    ],
    "description": "a semantic version; the bare integer 2 means 2.0.0",
}
_ENTRIES: "dict[str, Any]" = {
    "field": _PATH, "to": _PATH, "fields": _PATHS, "value": {}, "separator": {"type": "string"}, "name": {"type": "string"},
    "function": {"type": "string", "description": "the name of a function that the run brings"},
    "type": {"enum": list(CONVERTED)}, "keep": {"type": "boolean", "default": False},
}  # fmt: skip
_NEEDED = {
    "copy": ("field", "to"), "rename": ("field", "to"), "move": ("field", "to"), "convert": ("field", "type"),
    "default": ("field", "value"), "remove": ("field",), "split": ("field", "separator", "to"), "merge": ("fields", "to"),
    "function": (),
}  # fmt: skip
_LENGTH = {"type": "integer", "minimum": 0}


def _transformation(kind: str) -> "dict[str, Any]":
    entries = {name: _PATHS if (kind, name) == ("split", "to") else _ENTRIES[name] for name in KINDS[kind]}
    return {
        "properties": {"transform": {"const": kind}, **entries},
        "required": ["transform", *_NEEDED[kind]],
        "additionalProperties": False,
    }


JSON_SCHEMA: "dict[str, Any]" = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "A schema of llmspell: the documents of one version",
    "type": "object",
    "properties": {
        "version": _VERSION,
        "description": {"type": "string"},
        "scope": {"type": "string", "description": "a pattern with *; without it, every scope"},
        "key": {"type": "string", "description": "a pattern with *; without it, every key"},
        "compatibility": {"enum": list(COMPATIBILITY)},
        "additional": {"type": "boolean", "default": True, "description": "whether undeclared fields are allowed"},
        "fields": {"$ref": "#/$defs/fields"},
        "migration_path": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "from_version": _VERSION,
                    "to_version": _VERSION,
                    "transformations": {"type": "array", "items": {"$ref": "#/$defs/transformation"}},
                },
                "required": ["from_version"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["version"],
    "additionalProperties": False,
    "$defs": {
        "fields": {"type": "object", "additionalProperties": {"$ref": "#/$defs/field"}},
        "field": {
            "oneOf": [
                {"enum": [*TYPES, *ALIASES]},
                {
                    "type": "object",
                    "properties": {
                        "type": {"enum": [*TYPES, *ALIASES]},
                        "required": {"type": "boolean", "default": False},
                        "default": {},
                        "enum": {"type": "array"},
                        "max_length": _LENGTH,
                        "min_length": _LENGTH,
                        "min": {"type": "number"},
                        "max": {"type": "number"},
                        "pattern": {"type": "string"},
                        "items": {"$ref": "#/$defs/field"},
                        "fields": {"$ref": "#/$defs/fields"},
                        "additional": {"type": "boolean", "default": True},
                    },
                    "additionalProperties": False,
                },
            ]
        },
        "transformation": {"type": "object", "oneOf": [_transformation(kind) for kind in KINDS]},
    },
}
"""The names in their snake_case spelling; camelCase is accepted as well."""


def render() -> str:
    """The text of `types/llmspell-schema.json`."""
    import json

    return json.dumps(JSON_SCHEMA, indent=2) + "\n"
