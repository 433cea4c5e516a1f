"""What holds and where it came from, for `llmspell config show`."""

from llmspell.config.layer import CATALOGUE
from llmspell.config.setting import Section
from llmspell.config.wording import toml_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from llmspell.config.config import Config

REDACTED = "**redacted**"


class Shown:
    """A setting as it is shown: dotted `key`, `value` (plain data, secrets redacted), `origin`, and `help`."""

    __slots__ = ("help", "key", "origin", "value")

    def __init__(self, key: str, value: "Any", origin: str, help: str) -> None:
        self.key = key
        self.value = value
        self.origin = origin
        self.help = help

    def __str__(self) -> str:
        return f"{self.key} = {toml_value(self.value)}"


def rows(config: "Config", prefix: str = "") -> list[Shown]:
    """Every setting whose key is `prefix` or lies below it, in the order of the declaration."""
    shown = []
    for key, setting in CATALOGUE.settings.items():
        if prefix and key != prefix and not key.startswith(prefix + "."):
            continue
        value = _plain(config.get(key))
        if setting.secret and value:
            value = REDACTED
        shown.append(Shown(key, value, config.origin(key), setting.help))
    return shown


def _plain(value: "Any") -> "Any":
    if type(value) is list:
        return [_plain(item) for item in value]
    if isinstance(value, Section):
        return {name: getattr(value, name) for name in value.SETTINGS}
    return value
