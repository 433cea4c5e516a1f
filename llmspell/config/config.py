"""Config: the settings that hold, where each came from, and how they are loaded."""

import os

from llmspell.config.layer import CATALOGUE, Given, Layer, always
from llmspell.config.not_built import missing, sentence
from llmspell.config.sections import Root
from llmspell.errors import NotEnabled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from llmspell.config.show import Shown

COMMAND_LINE = "command line"


class Config(Root):
    """The settings that hold: one attribute per TOML key, `config.state.journal.keep_days`.

    A setting that has two spellings is an attribute under its main one only. Lists and tables belong to this object.
    """

    source: str | None
    """The path of the file, when there is one."""

    profile: str | None
    """The name of the profile, when one was asked for."""

    notices: list[str]
    """A sentence for each key that was accepted and is used for nothing."""

    def __init__(self, layers: list[Layer], source: str | None = None, profile: str | None = None) -> None:
        super().__init__()
        self.source = source
        self.profile = profile
        self.notices = [notice for layer in layers for notice in layer.notices]
        self._given: dict[str, Given] = {}
        for layer in layers:
            self._given.update(layer.given)
        for key, given in self._given.items():
            self._set(key, given.value)

    def is_given(self, key: str) -> bool:
        """Was the setting behind `key`, in any spelling, given by any source? KeyError when there is no such key."""
        return any(name in self._given for name in _names(key))

    def get(self, key: str) -> "Any":
        """The value of the setting behind `key`, in any spelling. KeyError when there is no such key."""
        value: Any = self
        for part in _names(key)[0].split("."):
            value = getattr(value, part)
        return value

    def origin(self, key: str) -> str:
        """Where the value of a setting came from: `default`, `file:line`, a variable, `profile NAME:line`, or
        `command line`. KeyError when there is no such key."""
        given = self._given.get(_names(key)[0])
        return given.origin if given else "default"

    def unbuilt(self) -> list[str]:
        """A sentence for each key that switches on what this version does not have yet."""
        return [
            sentence(key, given.value, given.origin) for key, given in self._given.items() if missing(key, given.value)
        ]

    def refuse_unbuilt(self) -> None:
        """Raise NotEnabled when a key switches on what this version does not have yet."""
        for refusal in self.unbuilt():
            raise NotEnabled(refusal, hint="leave the key out, or use a later version")

    def show(self, prefix: str = "") -> "list[Shown]":
        """Every setting whose key is `prefix` or lies below it, with its value and origin; secrets are redacted."""
        from llmspell.config.show import rows

        return rows(self, prefix)

    def _set(self, key: str, value: "Any") -> None:
        *path, name = key.split(".")
        section: Any = self
        for part in path:
            section = getattr(section, part)
        setting = CATALOGUE.settings[key]
        if setting.item is not None:
            items = []
            for table in value:
                item = setting.item()
                item.__dict__.update(table)
                items.append(item)
            value = items
        setattr(section, name, value)


def _names(key: str) -> list[str]:
    names = [setting.key for setting, _ in CATALOGUE.find(key)]
    if not names:
        raise KeyError(key)
    return names


def load(
    path: str | None = None,
    *,
    profile: str | None = None,
    overrides: "Mapping[str, object] | None" = None,
    environ: "Mapping[str, str]" = os.environ,
    cwd: str | None = None,
    allow_unbuilt: bool = False,
) -> Config:
    """The configuration: defaults < profile < file < environment < `overrides` (dotted keys, from the command line).

    The file is `path`, else the one `LLMSPELL_CONFIG` names, else the first of `llmspell.toml` and `.llmspell.toml` in
    `cwd` (default: the working directory) and the two in the user's folders; without any there is none.

    Raises ConfigError for a file that is missing or broken and for a key that is unknown or wrong, naming its place;
    and, unless `allow_unbuilt`, NotEnabled for a key that switches on what this version does not have yet.
    """
    from llmspell.config.source import file_layer, find

    layers: list[Layer] = []
    if profile is not None:
        from llmspell.config.profiles import profile_path

        layers.append(file_layer(profile_path(profile), environ, f"profile {profile}"))
    source = find(path, environ, cwd or "")
    if source is not None:
        layers.append(file_layer(source, environ))
    variables = [name for name in environ if name.startswith("LLMSPELL_")]
    if variables:
        from llmspell.config.environment import environment_layer

        layers.append(environment_layer(variables, environ, layers))
    if overrides:
        layer = Layer()
        for key, value in overrides.items():
            layer.give(key, value, always(COMMAND_LINE))
        layer.settle()
        layers.append(layer)
    config = Config(layers, source, profile)
    if not allow_unbuilt:
        config.refuse_unbuilt()
    return config
