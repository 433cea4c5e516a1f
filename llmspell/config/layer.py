"""Layer: what one source (a profile, a file, the environment, the command line) says, checked."""

from llmspell.config.catalogue import Catalogue
from llmspell.config.sections import Root
from llmspell.config.setting import Complaint, Setting, Spelling, fits
from llmspell.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Place = Callable[[str], str]
    """Where a key stands, in words."""

CATALOGUE = Catalogue(Root)


class Given:
    """A value that a source gives a setting, and where: `file:line`, a variable, or "command line"."""

    __slots__ = ("key", "origin", "spelling", "value")

    def __init__(self, value: "Any", origin: str, key: str, spelling: Spelling | None) -> None:
        self.value = value
        self.origin = origin
        self.key = key
        self.spelling = spelling


class Layer:
    """What is `given`, under the dotted names of the settings, and `notices` of keys that are used for nothing.

    With `has_secrets` a value is, or may be, one that must not be written down anywhere else.
    """

    def __init__(self) -> None:
        self.given: dict[str, Given] = {}
        self.notices: list[str] = []
        self.has_secrets = False
        self._more: dict[str, list[Given]] = {}

    def read(self, table: "dict[str, Any]", place: "Place", prefix: str = "") -> None:
        """Take what stands in a TOML table; raises ConfigError at the first key that is unknown or wrong."""
        for name, value in table.items():
            key = prefix + name
            if "." in name:
                raise unknown(key, name, place)
            if key not in CATALOGUE.tables:
                self.give(key, value, place)
            elif type(value) is dict:
                self.read(value, place, key + ".")
            else:
                from llmspell.config.wording import describe

                raise ConfigError(f"{place(key)}: {key} must be a table, got {describe(value)}")

    def give(self, key: str, value: "Any", place: "Place") -> None:
        """Take one value, under any spelling of its key."""
        targets = CATALOGUE.find(key)
        if not targets:
            reason = CATALOGUE.reason(key)
            if not reason:
                table, _, name = key.rpartition(".")
                raise unknown(key, name if table in CATALOGUE.tables else key, place)
            ignored = next(known for known in CATALOGUE.ignored if key == known or key.startswith(known + "."))
            self.has_secrets = self.has_secrets or type(value) is dict
            self.notices.append(f"{place(key)}: {ignored} is accepted and not used ({reason})")
            return
        origin = place(key)
        for setting, spelling in targets:
            try:
                converted = value if spelling is None else convert(spelling, value)
                if spelling is not None and converted is None:
                    continue
                converted = setting.check(converted)
            except Complaint as complaint:
                now = "" if spelling is None else f" (now {setting.key})"
                raise ConfigError(f"{place(key + complaint.below)}: {key}{now} {complaint}") from None
            given = Given(converted, origin, key, spelling)
            self.has_secrets = self.has_secrets or (setting.secret and bool(converted))
            if setting.key in self.given:
                self._more.setdefault(setting.key, [self.given[setting.key]]).append(given)
            else:
                self.given[setting.key] = given

    def settle(self) -> None:
        """Decide between several spellings of one setting; raises ConfigError when they differ and may not."""
        for key, several in self._more.items():
            self.given[key] = decide(CATALOGUE.settings[key], several)
        self._more.clear()


def always(origin: str) -> "Place":
    """The place of a source that has no lines."""
    return lambda _key: origin


def convert(spelling: Spelling, value: "Any") -> "Any":
    """What `value` under this spelling means for the setting; None when it says nothing about it."""
    if spelling.kind and not fits(spelling.kind, value):
        from llmspell.config.setting import PHRASES
        from llmspell.config.wording import describe

        raise Complaint(f"must be {PHRASES[spelling.kind]}, got {describe(value)}")
    return value if spelling.convert is None else spelling.convert(value)


def decide(setting: Setting, several: list[Given]) -> Given:
    """The one of `several` spellings that holds; those that have to agree come first, then those that combine."""
    several = sorted(several, key=lambda given: given.spelling is not None and given.spelling.combine is not None)
    held = several[0]
    for other in several[1:]:
        combine = other.spelling.combine if other.spelling else None
        if combine is None:
            if other.value != held.value:
                from llmspell.config.wording import describe

                shown = "" if setting.secret else f" ({describe(held.value)} and {describe(other.value)})"
                raise ConfigError(
                    f"{held.key} ({held.origin}) and {other.key} ({other.origin}) are one setting"
                    f" and have different values{shown}"
                )
        elif combine(held.value, other.value) != held.value:
            held = other
    return held


def unknown(key: str, name: str, place: "Place") -> ConfigError:
    """The error for a key that does not exist; `name` is the end of it that needs quotes when it is no plain name."""
    from llmspell.config.wording import quoted

    shown = key.removesuffix(name) + quoted(name)
    near = CATALOGUE.nearest(key)
    return ConfigError(f"{place(shown)}: there is no key {shown[:200]}; the nearest known key is {near}")
