"""Classes of values: ephemeral, trusted, standard, sensitive, external."""

from llmspell.errors import BadArgument, ConfigError
from llmspell.storage.record import CLASS_NAMES, STANDARD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmspell.state.scope import Scope

CODES = {name: code for code, name in enumerate(CLASS_NAMES) if name}
_CACHE_SIZE = 4096


def class_code(name: str) -> int:
    """The stored code of a class; raises BadArgument for an unknown one."""
    code = CODES.get(name)
    if code is None:
        raise BadArgument(f"unknown class {name!r}; the classes are {', '.join(CODES)}")
    return code


class ClassRules:
    """Which class a value has when its caller names none: that of the first pattern that matches, else standard.

    In a pattern `*` stands for any characters, also none. A pattern with a `/` is matched on `scope/key`, any other on
    the key alone.
    """

    def __init__(self, patterns: "Mapping[str, str]") -> None:
        self._rules: list[tuple[bool, tuple[str, ...], int]] = []
        self._cache: dict[tuple[str, str], int] = {}
        for pattern, name in patterns.items():
            if name not in CODES:
                raise ConfigError(
                    f"[state.classes] '{pattern}' names no class: {name!r} (there are {', '.join(CODES)})"
                )
            self._rules.append(("/" in pattern, tuple(pattern.split("*")), CODES[name]))

    def resolve(self, scope: "Scope", key: str) -> int:
        """The class code for `key` in `scope`."""
        place = (scope.text, key)
        code = self._cache.get(place)
        if code is None:
            full = f"{scope.text}/{key}"
            matching = (code for whole, parts, code in self._rules if matches(parts, full if whole else key))
            code = next(matching, STANDARD)
            if len(self._cache) >= _CACHE_SIZE:
                self._cache.clear()
            self._cache[place] = code
        return code


def matches(parts: tuple[str, ...], text: str) -> bool:
    """Whether `text` is the parts in order with anything between them. Linear: the leftmost place is always right."""
    if len(parts) == 1:
        return text == parts[0]
    first, *middle, last = parts
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    position, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True
