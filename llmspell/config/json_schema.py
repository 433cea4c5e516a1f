"""The configuration as a JSON Schema (draft 2020-12), for editors and for `llmspell config schema`."""

from llmspell.config.layer import CATALOGUE
from llmspell.config.sections import Root
from llmspell.config.setting import Section, Setting, Spelling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Schema = dict[str, Any]

STRINGS: "Schema" = {"type": "array", "items": {"type": "string"}}
TYPES: "dict[str, Schema]" = {
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "string": {"type": "string"},
    "strings": STRINGS,
    "grant": {"anyOf": [{"type": "boolean"}, STRINGS]},
    "table": {"type": "object", "additionalProperties": {"type": "string"}},
    "tables": {"type": "array"},
}


def json_schema() -> "Schema":
    """A schema for the files that `load` accepts, with the old spellings (marked as deprecated), and no other keys.

    It says less than `load` checks: what regular expressions and versions look like, and that two spellings of one
    setting agree.
    """
    schema = _section(Root)
    for key, targets in CATALOGUE.spellings.items():
        _put(schema, key, _spelling(*targets[0]))
    for key, reason in CATALOGUE.ignored.items():
        _put(schema, key, {"description": f"Not used: {reason}", "deprecated": True})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "llmspell configuration",
        **schema,
    }


def _section(section: type[Section]) -> "Schema":
    properties: Schema = {name: _setting(setting) for name, setting in section.SETTINGS.items()}
    for name, child in section.SECTIONS.items():
        properties[name] = _section(child)
    required = [name for name, setting in section.SETTINGS.items() if setting.required]
    return {
        "type": "object",
        "description": section.__doc__,
        "properties": properties,
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }


def _setting(setting: Setting) -> "Schema":
    schema: Schema = {"description": setting.help + (f" ({setting.unit})" if setting.unit else "")}
    schema.update(TYPES[setting.kind])
    if setting.item is not None:
        schema["items"] = _section(setting.item)
    if setting.minimum is not None:
        schema["minimum"] = setting.minimum
    if setting.maximum is not None:
        schema["maximum"] = setting.maximum
    if setting.choices:
        choices = [*setting.choices, *(setting.synonyms or ())]
        if setting.kind == "table":
            schema["additionalProperties"] = {"enum": choices}
        elif setting.open:
            schema["examples"] = choices
        else:
            schema["enum"] = choices
    if not setting.required:
        schema["default"] = setting.default
    if setting.example is not None:
        schema["examples"] = [setting.example]
    return schema


def _spelling(setting: Setting, spelling: Spelling | None) -> "Schema":
    kind = spelling.kind if spelling else ""
    schema = dict(TYPES[kind]) if kind else _setting(setting)
    schema.pop("default", None)
    return {**schema, "description": f"Another name of {setting.key}", "deprecated": True}


def _put(schema: "Schema", key: str, value: "Schema") -> None:
    *path, name = key.split(".")
    for part in path:
        empty = {"type": "object", "properties": {}, "additionalProperties": False, "deprecated": True}
        schema = schema["properties"].setdefault(part, empty)
    schema["properties"][name] = value
