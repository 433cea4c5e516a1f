"""Regular expressions for the rule `pattern`, matched in linear time.

A schema may come from a script, and Python's own engine takes exponential time for some expressions, in which nothing
stops it. This one runs every alternative at once and remembers the sets of places it has been in. It knows literals,
`.`, classes, `\\d \\w \\s \\b`, groups, `|`, repetitions, `^` and `$`; there are no back references and no look-around. A
pattern may match anywhere in the text, as in JSON Schema.
"""

import re
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from warnings import catch_warnings, simplefilter

from llmspell.errors import SchemaError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Test = Callable[[str], bool]

_MAX_STATES = 2000
_MAX_KNOWN = 5000
_SPLIT, _CHAR, _START, _END, _WORD_EDGE, _NO_WORD_EDGE, _MATCH = range(7)


class Pattern:
    """A compiled expression. Raises SchemaError for one that is wrong, too large, or uses what is not known here."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._nodes: list[tuple[int, Any, list[int]]] = []
        try:
            with catch_warnings():
                simplefilter("ignore")
                tree = parser.parse(text)
        except (re.error, OverflowError, RecursionError) as error:
            raise SchemaError(f"the pattern {text[:60]!r} is no regular expression: {error}") from None
        if tree.state.flags & ~re.UNICODE:
            raise SchemaError(f"the pattern {text[:60]!r} uses flags, which are not supported")
        self._ends: list[int] = []
        end = self._add(_MATCH, None)
        try:
            self._start = self._sequence(list(tree), end)
        except RecursionError:
            raise SchemaError(f"the pattern {text[:60]!r} is nested too deeply") from None
        self._known: dict[tuple[frozenset[int], str], frozenset[int] | None] = {}

    def is_in(self, text: str) -> bool:
        """Whether it matches anywhere in `text`. Time grows with the length of the text and of the pattern, no faster."""
        places: frozenset[int] = frozenset()
        previous = ""
        known = self._known
        for char in text:
            step = (places, previous + char)
            if step in known:
                following = known[step]
            else:
                following = self._advance(places, previous, char)
                if len(known) >= _MAX_KNOWN:
                    known.clear()
                known[step] = following
            if following is None:
                return True
            places, previous = following, char
        return self._closure(places, previous, "") is None

    def _advance(self, places: frozenset[int], previous: str, char: str) -> frozenset[int] | None:
        """The places after `char`; None when a match has ended before it."""
        here = self._closure(places, previous, char)
        if here is None:
            return None
        found = set()
        for index in here:
            kind, test, following = self._nodes[index]
            if kind == _CHAR and test(char):
                found.update(following)
        return frozenset(found)

    def _closure(self, places: frozenset[int], previous: str, following: str) -> set[int] | None:
        """Everything reachable without reading; None when the match is among it. A match may begin here, too."""
        waiting = [self._start, *places]
        seen: set[int] = set()
        while waiting:
            index = waiting.pop()
            if index in seen:
                continue
            seen.add(index)
            kind, _, ways = self._nodes[index]
            if kind == _MATCH:
                return None
            if kind == _SPLIT or (kind != _CHAR and _holds(kind, previous, following)):
                waiting.extend(ways)
        return seen

    def _add(self, kind: int, test: "Any", *ways: int) -> int:
        if len(self._nodes) >= _MAX_STATES:
            raise SchemaError(f"the pattern {self.text[:60]!r} is too large")
        self._nodes.append((kind, test, list(ways)))
        return len(self._nodes) - 1

    def _sequence(self, items: "list[Any]", end: int) -> int:
        for operation, argument in reversed(items):
            end = self._item(operation, argument, end)
        return end

    def _item(self, operation: "Any", argument: "Any", end: int) -> int:
        if operation is codes.LITERAL:
            wanted = chr(argument)
            return self._add(_CHAR, wanted.__eq__, end)
        if operation is codes.NOT_LITERAL:
            refused = chr(argument)
            return self._add(_CHAR, refused.__ne__, end)
        if operation is codes.ANY:
            return self._add(_CHAR, "\n".__ne__, end)
        if operation is codes.IN:
            return self._add(_CHAR, _class(argument, self.text), end)
        if operation is codes.BRANCH:
            return self._add(_SPLIT, None, *(self._sequence(list(branch), end) for branch in argument[1]))
        if operation is codes.SUBPATTERN and not argument[1] and not argument[2]:
            return self._sequence(list(argument[3]), end)
        if operation in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            least, most, body = argument
            return self._repeat(least, most, body, end)
        if operation is codes.AT:
            kind = _PLACES.get(argument)
            if kind is not None:
                return self._add(kind, None, end)
        raise SchemaError(f"the pattern {self.text[:60]!r} uses {str(operation).lower()}, which is not supported")

    def _repeat(self, least: int, most: int, body: "Any", end: int) -> int:
        items = list(body)
        if most is codes.MAXREPEAT:
            loop = self._add(_SPLIT, None, end)
            self._nodes[loop][2].append(self._sequence(items, loop))
            start = loop
        else:
            start = end
            for _ in range(most - least):
                start = self._add(_SPLIT, None, end, self._sequence(items, start))
        for _ in range(least):
            start = self._sequence(items, start)
        return start


_PLACES = {
    codes.AT_BEGINNING: _START,
    codes.AT_BEGINNING_STRING: _START,
    codes.AT_END: _END,
    codes.AT_END_STRING: _END,
    codes.AT_BOUNDARY: _WORD_EDGE,
    codes.AT_NON_BOUNDARY: _NO_WORD_EDGE,
}


def _holds(kind: int, previous: str, following: str) -> bool:
    if kind == _START:
        return not previous
    if kind == _END:
        return not following
    return (_is_word(previous) != _is_word(following)) is (kind == _WORD_EDGE)


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


_CATEGORIES: "dict[Any, Test]" = {
    codes.CATEGORY_DIGIT: str.isdecimal,
    codes.CATEGORY_NOT_DIGIT: lambda char: not char.isdecimal(),
    codes.CATEGORY_SPACE: str.isspace,
    codes.CATEGORY_NOT_SPACE: lambda char: not char.isspace(),
    codes.CATEGORY_WORD: _is_word,
    codes.CATEGORY_NOT_WORD: lambda char: not _is_word(char),
}


def _class(members: "list[Any]", text: str) -> "Test":
    """The test of a class such as `[^a-z\\d]`."""
    tests: list[Test] = []
    negated = False
    for operation, argument in members:
        if operation is codes.NEGATE:
            negated = True
        elif operation is codes.LITERAL:
            tests.append(chr(argument).__eq__)
        elif operation is codes.RANGE:
            low, high = map(chr, argument)
            tests.append(lambda char, low=low, high=high: low <= char <= high)  # type: ignore[misc]
        elif operation is codes.CATEGORY:
            tests.append(_CATEGORIES[argument])
        else:
            raise SchemaError(f"the pattern {text[:60]!r} uses {str(operation).lower()}, which is not supported")
    return lambda char: any(test(char) for test in tests) is not negated
