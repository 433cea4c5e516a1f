"""`Comparator`: in what two values differ, and how alike they are."""

from llmspell import values
from llmspell.replay.path import field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

MINOR, MAJOR, CRITICAL = "minor", "major", "critical"
SEVERITIES = (CRITICAL, MAJOR, MINOR)
"""critical: something is missing or is of another kind. major: it has another value, or was added. minor: it is the same number
as another kind of number, or nearly the same number."""
NEARLY = 1e-9
"""Numbers that differ by less than this share, and are not both integers, are nearly the same."""
MAX_DIFFERENCES = 1000
_SHOWN = 60


class Difference:
    """One place where two values differ; `path` begins with `$`."""

    __slots__ = ("description", "path", "severity")

    def __init__(self, path: str, description: str, severity: str) -> None:
        self.path = path
        self.description = description
        self.severity = severity


class Comparison:
    """What a comparison found. `similarity_score` is 1 for identical values only, and 0 when nothing is alike.

    It is the share of the leaves (what is no list or map, or is an empty one) that are the same; a minor difference counts
    half. `differences` are the first MAX_DIFFERENCES of `total`.
    """

    __slots__ = ("differences", "identical", "similarity_score", "summary", "total")

    def __init__(self, differences: list[Difference], counts: dict[str, int], similarity_score: float) -> None:
        self.differences = differences
        self.total = sum(counts.values())
        self.identical = self.total == 0
        self.similarity_score = 1.0 if self.identical else similarity_score
        self.summary = "identical"
        if not self.identical:
            kinds = ", ".join(f"{counts[severity]} {severity}" for severity in SEVERITIES if counts[severity])
            self.summary = f"{self.total} difference{'s' * (self.total != 1)} ({kinds}), {similarity_score:.0%} similar"


class Comparator:
    """Compares values exactly: identical means the same to the type of each number; only the order of a map does not count.

    Lists in paths count from `first_index`. What stands at the beginning and at the end of two lists alike is left out first,
    so that one item put into a long list is one difference.

    >>> comparison = Comparator().compare({"a": 1, "b": [1, 2]}, {"a": 1, "b": [1, 5, 2]})
    >>> comparison.identical, [(each.path, each.description) for each in comparison.differences]
    (False, [('$.b[1]', 'was added: 5')])
    """

    def __init__(self, *, first_index: int = 0) -> None:
        self._first_index = first_index

    def compare(self, expected: "Any", actual: "Any") -> Comparison:
        """What is different in `actual`. Raises BadValue for what is no value."""
        walk = _Walk(self._first_index)
        walk.visit(values.decode(values.encode(expected)), values.decode(values.encode(actual)), "$")
        return Comparison(walk.differences, walk.counts, walk.alike / walk.leaves)


class _Walk:
    def __init__(self, first_index: int) -> None:
        self.first_index = first_index
        self.differences: list[Difference] = []
        self.counts = dict.fromkeys(SEVERITIES, 0)
        self.leaves = 0.0
        self.alike = 0.0

    def visit(self, expected: "Any", actual: "Any", path: str) -> None:
        kind = type(expected)
        if kind is type(actual) and kind is dict and (expected or actual):
            self._visit_map(expected, actual, path)
        elif kind is type(actual) and kind is list and (expected or actual):
            self._visit_list(expected, actual, path)
        elif _is_same(expected, actual):
            self._count(1, 1)
        else:
            self._visit_leaf(expected, actual, path)

    def _visit_map(self, expected: "dict[Any, Any]", actual: "dict[Any, Any]", path: str) -> None:
        # Lua's tables have no order, so the keys are sorted: the same differences every time.
        for key in sorted(expected.keys() | actual.keys(), key=lambda key: (type(key) is str, key)):
            if key not in actual:
                self._add_missing(expected[key], field(path, key))
            elif key not in expected:
                self._add_new(actual[key], field(path, key))
            else:
                self.visit(expected[key], actual[key], field(path, key))

    def _visit_list(self, expected: "list[Any]", actual: "list[Any]", path: str) -> None:
        shorter = min(len(expected), len(actual))
        start = 0
        while start < shorter and _is_same(expected[start], actual[start]):
            start += 1
        end = 0
        while end < shorter - start and _is_same(expected[-1 - end], actual[-1 - end]):
            end += 1
        alike = sum(_leaves(item) for item in (*expected[:start], *expected[len(expected) - end :]))
        self._count(alike, alike)
        here, there = expected[start : len(expected) - end], actual[start : len(actual) - end]
        for index in range(max(len(here), len(there))):
            place = f"{path}[{start + index + self.first_index}]"
            if index >= len(there):
                self._add_missing(here[index], place)
            elif index >= len(here):
                self._add_new(there[index], place)
            else:
                self.visit(here[index], there[index], place)

    def _visit_leaf(self, expected: "Any", actual: "Any", path: str) -> None:
        if _is_number(expected) and _is_number(actual):
            has_fraction = isinstance(expected, float) or isinstance(actual, float)
            is_near = has_fraction and abs(expected - actual) <= NEARLY * max(abs(expected), abs(actual))
            self._count(1, 0.5 if is_near else 0)
            described = f"was {_shown(expected)}, is {_shown(actual)}"
            if expected == actual and type(expected) is not type(actual):
                described = f"was the {_kind(expected)} {_shown(expected)}, is the {_kind(actual)} {_shown(actual)}"
            self._add(path, described, MINOR if is_near else MAJOR)
        elif type(expected) is type(actual):
            self._count(max(_leaves(expected), _leaves(actual)), 0)
            self._add(path, f"was {_shown(expected)}, is {_shown(actual)}", MAJOR)
        else:
            self._count(max(_leaves(expected), _leaves(actual)), 0)
            self._add(path, f"was {_a(expected)}, is {_a(actual)}", CRITICAL)

    def _add_missing(self, item: "Any", path: str) -> None:
        self._count(_leaves(item), 0)
        self._add(path, f"is missing; it was {_shown(item)}", CRITICAL)

    def _add_new(self, item: "Any", path: str) -> None:
        self._count(_leaves(item), 0)
        self._add(path, f"was added: {_shown(item)}", MAJOR)

    def _add(self, path: str, description: str, severity: str) -> None:
        self.counts[severity] += 1
        if len(self.differences) < MAX_DIFFERENCES:
            self.differences.append(Difference(path, description, severity))

    def _count(self, leaves: float, alike: float) -> None:
        self.leaves += leaves
        self.alike += alike


def _is_same(one: "Any", other: "Any") -> bool:
    kind = type(one)
    if kind is not type(other):
        return False
    if kind is dict:
        return len(one) == len(other) and all(key in other and _is_same(item, other[key]) for key, item in one.items())
    if kind is list:
        return len(one) == len(other) and all(map(_is_same, one, other))
    if kind is float:
        return bool(one.hex() == other.hex())  # 0.0 and -0.0 are equal, but not the same
    return bool(one == other)


def _leaves(value: "Any") -> int:
    items: Iterator[Any] = iter(())
    if isinstance(value, dict):
        items = iter(value.values())
    elif isinstance(value, list):
        items = iter(value)
    return sum(map(_leaves, items)) or 1


def _is_number(value: "Any") -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_KINDS = {
    type(None): "nothing", bool: "boolean", int: "integer", float: "number", str: "text", bytes: "bytes", list: "list",
    dict: "map",
}  # fmt: skip


def _kind(value: "Any") -> str:
    return _KINDS[type(value)]


def _a(value: "Any") -> str:
    """A kind, with its article."""
    kind = _kind(value)
    return kind if kind in ("nothing", "text", "bytes") else f"{'an' if kind == 'integer' else 'a'} {kind}"


def _shown(value: "Any") -> str:
    """A value on one short line."""
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, list | dict):
        return f"{_a(value)} of {len(value)} item{'s' * (len(value) != 1)}"
    text = values.dump_json(value).decode().strip() if isinstance(value, str) else repr(value)
    text = {"None": "nothing", "True": "true", "False": "false"}.get(text, text)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
