"""The declared surface, ordered for writing down: what the stubs, the reference page and the JSON dump have in common."""

from collections.abc import Iterable, Iterator

from llmspell.surface.model import Choice, Function, Global, Handle, Native, Record, Type, camel_case, clean_doc

VALUE_KINDS = frozenset(("anything", "payload"))
"""The kinds that stand for any value."""

Named = type[Record] | type[Choice] | type[Handle]


class Section:
    """One global as it is written down: the classes of its name, put together in their order."""

    def __init__(self, parts: list[type[Global]]) -> None:
        first = parts[0]
        self.name = first.name
        self.is_bare = first.is_bare
        self.languages = first.languages
        self.doc = "\n\n".join(clean_doc(part.__doc__ or "") for part in parts)
        self.natives: tuple[Native, ...] = sum((part.natives for part in parts), ())
        self.constants: tuple[Function, ...] = sum((part.constants for part in parts), ())
        self.functions: tuple[Function, ...] = sum((part.functions for part in parts), ())
        self.groups: list[Section] = []

    @property
    def above(self) -> str:
        """The global that a group is a member of, or ""."""
        return self.name.rpartition(".")[0]

    @property
    def member(self) -> str:
        """The name within what is above."""
        return self.name.rpartition(".")[2]


def sections(globals_: Iterable[type[Global]], language: str = "") -> Iterator[tuple[Section, list[Named]]]:
    """Every global (of one language), each with the records, choices and handles that it is the first to mention.

    A type comes after those that it mentions, a group after what it is a member of. Raises TypeError when two different classes
    have one name: scripts know them by nothing else.
    """
    seen: dict[str, Named] = {}
    parts: dict[str, list[type[Global]]] = {}
    for part in globals_:
        if not language or language in part.languages:
            parts.setdefault(part.name, []).append(part)
    whole = {name: Section(parts[name]) for name in parts}
    for owner in whole.values():
        if owner.above:
            whole[owner.above].groups.append(owner)
    for owner in whole.values():
        fresh: list[Named] = []
        _collect_all((*owner.constants, *owner.functions), seen, fresh)
        yield owner, fresh


def _collect_all(functions: Iterable[Function], seen: dict[str, Named], fresh: list[Named]) -> None:
    for function in functions:
        for field in (*function.parameters, *function.options):
            _collect(field.type, seen, fresh)
        _collect(function.result, seen, fresh)


def _collect(type_: Type, seen: dict[str, Named], fresh: list[Named]) -> None:
    if type_.item is not None:
        _collect(type_.item, seen, fresh)
    named = type_.python
    if named is None or seen.get(named.__name__) is named:
        return
    if named.__name__ in seen:
        raise TypeError(f"two types that scripts see are called {named.__name__}")
    seen[named.__name__] = named
    if type_.kind in ("record", "reference"):
        for field in named.fields:
            _collect(field.type, seen, fresh)
    elif type_.kind == "handle":
        _collect_all(named.functions, seen, fresh)
    fresh.append(named)


def spellings(name: str) -> tuple[str, ...]:
    """The name, and its camelCase twin when that differs."""
    return tuple(dict.fromkeys((name, camel_case(name))))


def summary(doc: str) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join(doc.split("\n\n")[0].split())


def pascal_case(name: str) -> str:
    """`list_keys` → `ListKeys`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def documentation(function: Function) -> str:
    """The docstring, and the setting without which the function is absent."""
    key = function.requires
    return f"{function.doc}\n\nAbsent unless the configuration sets `{key}`.".strip() if key else function.doc
