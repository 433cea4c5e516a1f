"""What is generated from the declarations is in the repository as it would be generated now."""

from pathlib import Path
from typing import Any

import pytest

from llmspell.config import GENERATED
from llmspell.config.json_schema import json_schema
from llmspell.config.layer import CATALOGUE
from llmspell.config.profiles import profile_names, profile_text
from llmspell.config.reference import reference_text

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", GENERATED)
def test_a_generated_file_is_fresh(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == GENERATED[path]()


def test_the_reference_has_every_key_and_every_spelling() -> None:
    text = reference_text()
    for key, setting in CATALOGUE.settings.items():
        section, _, name = key.rpartition(".")
        if section:
            assert f"### `[{section}]`" in text
        assert f"| `{name}` | " in text
        assert setting.help in text
    for key in (*CATALOGUE.spellings, *CATALOGUE.ignored):
        assert f"| `{key}` | " in text
    for name in profile_names():
        assert f"- `{name}`: " in text


def test_the_reference_has_no_hole() -> None:
    text = reference_text()
    assert "None" not in text
    assert "|  |" not in text


def refused(schema: dict[str, Any], value: Any) -> str:
    """Why a JSON Schema, as far as ours go, refuses a value; "" when it accepts it."""
    kinds: dict[str, Any] = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
    kinds["number"] = (int, float)
    if "anyOf" in schema:
        return "" if any(not refused(choice, value) for choice in schema["anyOf"]) else f"{value}: no choice fits"
    if "type" in schema and not isinstance(value, kinds[schema["type"]]):
        return f"{value}: no {schema['type']}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{value}: not in {schema['enum']}"
    if "minimum" in schema and not schema["minimum"] <= value <= schema.get("maximum", value):
        return f"{value}: out of range"
    if isinstance(value, list):
        return next(filter(None, (refused(schema["items"], item) for item in value)), "")
    if isinstance(value, dict) and schema.get("type") == "object":
        missing = [name for name in schema.get("required", ()) if name not in value]
        others = schema["additionalProperties"]
        for name, item in value.items():
            inner = schema.get("properties", {}).get(name, others)
            missing += [name] if inner is False else filter(None, [refused(inner, item)])
        return " ".join(missing)
    return ""


def test_the_schema_accepts_every_sample_and_the_listing() -> None:
    import tomllib

    texts = [profile_text(name) for name in profile_names()]
    texts.append((Path(__file__).parent / "data" / "listing.toml").read_text())
    for text in texts:
        assert refused(json_schema(), tomllib.loads(text)) == ""


@pytest.mark.parametrize(
    "table",
    [
        {"state": {"pth": "x"}},
        {"state": {"path": 5}},
        {"state": {"max_value_bytes": 0}},
        {"engines": {"lua": {"stdlib": "ful"}}},
        {"state": {"classes": {"a": "gone"}}},
        {"state": {"access": [{"principal": "a", "scope": "b"}]}},
        {"runtime": {"security": {"allow_env": "x"}}},
        {"runtime": {"state_persistence": {"x": 1}}},
        {"x": 1},
    ],
)
def test_the_schema_refuses_what_loading_refuses(table: dict[str, Any]) -> None:
    assert refused(json_schema(), table)


def test_the_schema_knows_every_key_and_marks_old_ones() -> None:
    def found(key: str) -> dict[str, Any]:
        schema = json_schema()
        for part in key.split("."):
            schema = schema["properties"][part]
        return schema

    for key, setting in CATALOGUE.settings.items():
        assert found(key)["default"] == setting.default
        assert not found(key).get("deprecated", False)
    for key in (*CATALOGUE.spellings, *CATALOGUE.ignored):
        assert found(key)["deprecated"]


def test_the_schema_is_json() -> None:
    import json

    assert json.loads(json.dumps(json_schema())) == json_schema()
