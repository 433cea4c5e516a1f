"""What callers give: checked before anything is done with it."""

from math import isfinite

from llmspell import values
from llmspell.errors import BadArgument, ValueTooLarge
from llmspell.sessions.layout import STATUSES
from llmspell.sessions.session import LIMITS
from llmspell.state.limits import size_text
from llmspell.state.scope import has_control_character, is_utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from llmspell.sessions.session import Session

LONGEST_NAME = 255
LONGEST_TEXT = 65_536
MAX_TAGS = 1000
SORTS = ("created_at", "updated_at", "name", "artifact_count", "operation_count")
SEARCHED = {"": ("active", "suspended"), "all": STATUSES, "suspended": ("active", "suspended")}
"""The stored statuses among which to look; one that is over its time is still stored as active."""
_LATEST = 2**63 - 1


def check_text(name: str, text: object, longest: int, *, is_line: bool = True) -> None:
    """Raise BadArgument unless `text` is text of at most so many bytes, and of one line."""
    if not isinstance(text, str):
        raise BadArgument(f"{name} must be text, got {type(text).__name__}")
    if not is_utf8(text):
        raise BadArgument(f"{name} is not valid Unicode text (it holds a lone surrogate)")
    if len(text.encode()) > longest:
        raise BadArgument(f"{name} has {len(text.encode())} bytes, the limit is {longest}")
    if is_line and has_control_character(text):
        raise BadArgument(f"{name} {text[:60]!r} holds a control character")


def check_count(name: str, count: object) -> None:
    """Raise BadArgument unless `count` is None or a whole number from 0."""
    if count is not None and (type(count) is not int or count < 0):
        raise BadArgument(f"{name} must be a whole number from 0, got {count!r}")


def fields_of(**given: "Any") -> "dict[str, Any]":
    """What was given of a session's fields, checked; None is not given."""
    fields: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    for name, value in fields.items():
        if name in ("name", "created_by"):
            check_text(name, value, LONGEST_NAME)
        elif name == "description":
            check_text(name, value, LONGEST_TEXT, is_line=False)
        elif name == "tags":
            fields[name] = _tags(value)
        elif name == "metadata":
            if not isinstance(value, dict):
                raise BadArgument(f"metadata must be a map, got {type(value).__name__}")
            values.check(value)
        elif name in LIMITS:
            _check_limit(name, value)
    return fields


def check_size(fields: "dict[str, Any]", limit: int) -> None:
    """Raise ValueTooLarge when what a session is would be larger than a value may be."""
    if fields.get("metadata") or fields.get("description"):
        size = len(values.encode(fields))
        if size > limit:
            raise ValueTooLarge(
                f"the session's metadata and description have {size_text(size)}, the limit is {size_text(limit)}",
                hint="raise max_value_bytes in [state], or store it as an Artifact",
            )


class Query:
    """What `Sessions.list` is asked for, checked."""

    def __init__(
        self, status: str | None, tags: "Sequence[str]", name: str | None, parent: str | None, created_after: int | None,
        created_before: int | None, text: str | None, sort_by: str, descending: bool, limit: int | None, offset: int,
    ) -> None:  # fmt: skip
        if status is not None and status not in ("all", *STATUSES):
            raise BadArgument(f"there is no status {status!r}", hint=f"the statuses are {', '.join(STATUSES)} and all")
        if sort_by not in SORTS:
            raise BadArgument(f"sessions cannot be sorted by {sort_by!r}", hint=f"sort_by is one of {', '.join(SORTS)}")
        check_count("limit", limit)
        check_count("offset", offset)
        for label, wanted in (("name", name), ("text", text)):
            if wanted is not None:
                check_text(label, wanted, LONGEST_TEXT, is_line=False)
        self.statuses: tuple[str, ...] = SEARCHED["all" if status == "all" else ""]
        if status not in (None, "all"):
            self.statuses = (status,)
        self.searched: tuple[str, ...] = SEARCHED.get(status or "", (status or "",))
        self.tags = set(_tags(tags))
        self.name = name
        self.parent = parent
        self.text = None if text is None else text.casefold()
        self.earliest = 0 if created_after is None else created_after + 1
        self.latest = _LATEST if created_before is None else created_before - 1
        self.is_by_time = sort_by == "created_at"
        self.is_reversed = descending and self.is_by_time
        self.enough = None if limit is None or not self.is_by_time else offset + limit
        self._sort_by = sort_by
        self._descending = descending
        self._limit = limit
        self._offset = offset

    def fits(self, session: "Session") -> bool:
        """Whether a session is one of those that are wanted."""
        if session.status not in self.statuses:
            return False
        if self.name is not None and session.name != self.name:
            return False
        if self.parent is not None and session.parent_session_id != self.parent:
            return False
        if self.tags and not self.tags.issubset(session.tags):
            return False
        text = self.text
        return text is None or text in session.name.casefold() or text in session.description.casefold()

    def page(self, found: "list[Session]") -> "list[Session]":
        """Those that fit, in their order, without those before and after the page."""
        if not self.is_by_time:
            name = self._sort_by
            found.sort(key=lambda session: (getattr(session, name), session.created_at), reverse=self._descending)
        end = None if self._limit is None else self._offset + self._limit
        return found[self._offset : end]


def _tags(tags: object) -> list[str]:
    if not isinstance(tags, list | tuple):
        raise BadArgument(f"tags must be a list of text, got {type(tags).__name__}")
    if len(tags) > MAX_TAGS:
        raise BadArgument(f"there are {len(tags)} tags, the limit is {MAX_TAGS}")
    for tag in tags:
        check_text("a tag", tag, LONGEST_NAME)
        if not tag:
            raise BadArgument("a tag is empty")
    return list(dict.fromkeys(tags))


def _check_limit(name: str, value: object) -> None:
    is_time = name in ("max_duration", "max_idle_time")
    kind = int | float if is_time else int
    if isinstance(value, bool) or not isinstance(value, kind) or not isfinite(value) or value < 0:
        what = "a number of seconds" if is_time else "a whole number"
        raise BadArgument(f"{name} must be {what} from 0, got {value!r}")
