"""Search: artifacts by what is known about them, newest first, over all sessions that the caller may read."""

from llmspell.artifacts import content, index
from llmspell.artifacts.artifact import BYTES, Artifact
from llmspell.errors import Corrupt
from llmspell.state.moment import LATEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from llmspell.storage.store import ReadTransaction

    Fits = Callable[[Artifact], bool]

MAX_TEXT_BYTES = 1 << 20
"""The content of larger artifacts is not searched for a text."""


class Query:
    """What is looked for; times are µs since 1970, and what is None does not matter.

    `text` is any part of name, description, or of a textual content of up to 1 MiB, without regard to case. `custom` is a map:
    each of its fields must have that value. `name_pattern` is a glob when it has `*` or `?`, else a part of the name, without
    regard to case. `created_after` and `created_before` are exclusive.
    """

    __slots__ = (
        "created_after", "created_before", "custom", "max_size", "min_size", "name_pattern", "session", "tags", "text", "type",
    )  # fmt: skip

    def __init__(
        self, *, session: bytes | None = None, type: str | None = None, name_pattern: str | None = None,
        tags: "Sequence[str]" = (), created_after: int | None = None, created_before: int | None = None,
        min_size: int | None = None, max_size: int | None = None, custom: "dict[str, Any] | None" = None,
        text: str | None = None,
    ) -> None:  # fmt: skip
        self.session = session
        self.type = type
        self.name_pattern = name_pattern
        self.tags = tuple(tags)
        self.created_after = created_after
        self.created_before = created_before
        self.min_size = min_size
        self.max_size = max_size
        self.custom = custom
        self.text = text


def find(txn: "ReadTransaction", query: Query, reader: bytes | None, limit: int | None) -> list[Artifact]:
    """The newest artifacts that fit and that the session `reader` may read (None: all). Raises Corrupt.

    The cost follows what the indexes of tags, type, time and session leave over, up to `limit` of those that fit.
    """
    prefixes = [index.with_tag(tag) for tag in dict.fromkeys(query.tags)]
    if query.type is not None:
        prefixes.append(index.with_type(query.type))
    prefixes += [index.readable_by(each) for each in dict.fromkeys((reader, query.session)) if each is not None]
    after = 0 if query.created_after is None else query.created_after + 1
    before = LATEST if query.created_before is None else query.created_before - 1
    fits = list(_filters(txn, query))
    found: list[Artifact] = []
    for place in index.common(txn, prefixes or [index.EVERYTHING], after, before):
        if len(found) == limit:
            break
        if query.session is None or place[8:24] == query.session:
            artifact = fetch(txn, place)
            if all(fit(artifact) for fit in fits):
                found.append(artifact)
    return found


def fetch(txn: "ReadTransaction", place: bytes) -> Artifact:
    """The artifact that the end of an index entry names. Raises Corrupt."""
    key = index.key_of(place)
    stored = txn.get(key)
    if stored is None:
        raise Corrupt("an index of the artifacts names one that is not there")
    return Artifact.unpack(key, stored)


def _filters(txn: "ReadTransaction", query: Query) -> "Iterator[Fits]":
    """What has to be asked of every artifact that the indexes give; the cheapest first."""
    least, most = query.min_size or 0, query.max_size
    if least > 0 or most is not None:
        yield lambda artifact: least <= artifact.size and (most is None or artifact.size <= most)
    if query.name_pattern is not None:
        matches = name_matcher(query.name_pattern)
        yield lambda artifact: matches(artifact.name)
    if query.custom:
        wanted = query.custom.items()
        yield lambda artifact: all(
            name in artifact.custom and _is_same(artifact.custom[name], value) for name, value in wanted
        )
    if query.text:
        part = query.text.casefold()
        yield (
            lambda artifact: (
                part in artifact.name.casefold()
                or part in artifact.description.casefold()
                or part in _text_of(txn, artifact).casefold()
            )
        )


def name_matcher(pattern: str) -> "Callable[[str], bool]":
    """Whether a name fits a pattern: a glob with `*` and `?`, else a part of it; without regard to case."""
    wanted = pattern.casefold()
    if "*" not in wanted and "?" not in wanted:
        return lambda name: wanted in name.casefold()
    from fnmatch import translate
    from re import compile as compile_pattern

    matches = compile_pattern(translate(wanted.replace("[", "[[]"))).match
    return lambda name: matches(name.casefold()) is not None


def _text_of(txn: "ReadTransaction", artifact: Artifact) -> str:
    if artifact.form == BYTES or artifact.size > MAX_TEXT_BYTES:
        return ""
    return content.read(txn, artifact.hash).decode(errors="replace")


def _is_same(one: object, other: object) -> bool:
    """Equal, where a boolean equals no number."""
    return one == other and isinstance(one, bool) is isinstance(other, bool)
