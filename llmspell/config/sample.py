"""The sample file: every key with its default, and what it is for."""

from llmspell.config.layer import CATALOGUE
from llmspell.config.not_built import missing
from llmspell.config.setting import Setting
from llmspell.config.wording import quoted, toml_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

COLUMN = 40
"""Where the comments begin, unless the line is longer."""


def sample_text() -> str:
    """A TOML file with every key. It gives every key its default, so it changes nothing.

    What is empty by default has an example beside it; what this version cannot switch on is commented out.
    """
    lines = ["# Every key with its default. What is not said has its default: keep only the lines you change.", ""]
    lines += _settings("")
    for name, section in CATALOGUE.tables.items():
        if section and section.SETTINGS:
            lines += ["", f"# {section.__doc__}", f"[{name}]", *_settings(name)]
    for key, setting in CATALOGUE.settings.items():
        if setting.kind == "table":
            lines += ["", f"# {setting_comment(setting)}", f"[{key}]", *_pairs(setting.example)]
        elif setting.item is not None:
            example = {name: item.example for name, item in setting.item.SETTINGS.items()}
            lines += ["", f"# {setting_comment(setting)}", f"# [[{key}]]", *_pairs(example)]
    return "\n".join(lines) + "\n"


def setting_comment(setting: Setting) -> str:
    """What the setting is for, and what is allowed."""
    parts = [setting.help]
    if setting.choices:
        parts.append(" | ".join(setting.choices))
    elif setting.unit:
        parts.append(setting.unit)
    if setting.example is not None and setting.kind != "table":
        parts.append(f"for example {toml_value(setting.example)}")
    return "; ".join(parts)


def _settings(table: str) -> list[str]:
    lines = []
    for key, setting in CATALOGUE.settings.items():
        parent, _, name = key.rpartition(".")
        if parent != table or setting.kind in ("table", "tables"):
            continue
        lack = missing(key, setting.default)
        text = f"{'# ' if lack else ''}{name} = {toml_value(setting.default)}"
        later = f"; this version has no {lack} yet" if lack else ""
        lines.append(f"{text.ljust(COLUMN)} # {setting_comment(setting)}{later}")
    return lines


def _pairs(example: "dict[str, Any]") -> list[str]:
    return [f"# {quoted(name)} = {toml_value(value)}" for name, value in example.items()]
