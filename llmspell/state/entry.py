"""What the state tells about its values and changes. Times are µs since 1970."""

from llmspell import values
from llmspell.storage.record import CLASS_NAMES, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SAVE, DELETE, EXPIRE = 1, 2, 3
OPERATIONS = ("", "save", "delete", "expire")


class Entry:
    """A stored value with what is known about it. `expires_at` is None when it stays."""

    __slots__ = ("class_name", "created_at", "expires_at", "payload", "schema_version", "updated_at", "version")

    def __init__(self, record: Record) -> None:
        self.payload = record.payload
        self.version = record.version
        self.created_at = record.created_at
        self.updated_at = record.updated_at
        self.expires_at = record.expires_at or None
        self.class_name = class_name(record.class_code)
        self.schema_version = "{}.{}.{}".format(*record.schema)

    @property
    def value(self) -> "Any":
        """The value, decoded."""
        return values.decode(self.payload)


class Revision:
    """One change of one key: `operation` is save, delete or expire; `payload` is None unless it was a save."""

    __slots__ = ("at", "class_name", "correlation_id", "operation", "payload", "version")

    def __init__(self, version: int, at: int, operation: int, correlation_id: str, saved: Record | None) -> None:
        self.version = version
        self.at = at
        self.operation = OPERATIONS[operation]
        self.correlation_id = correlation_id
        self.payload = None if saved is None else saved.payload
        self.class_name = "" if saved is None else class_name(saved.class_code)

    @property
    def value(self) -> "Any":
        """The value that was saved, decoded; None unless it was a save."""
        return None if self.payload is None else values.decode(self.payload)


class Change:
    """One key that a commit changed."""

    __slots__ = ("at", "correlation_id", "key", "operation", "scope", "version")

    def __init__(self, version: int, at: int, operation: str, scope: str, key: str, correlation_id: str) -> None:
        self.version = version
        self.at = at
        self.operation = operation
        self.scope = scope
        self.key = key
        self.correlation_id = correlation_id


class Commit:
    """One commit: its version, time and correlation id, and the operation on every record key it changed."""

    __slots__ = ("at", "correlation_id", "operations", "version")

    def __init__(self, version: int, at: int, correlation_id: str, operations: dict[bytes, int]) -> None:
        self.version = version
        self.at = at
        self.correlation_id = correlation_id
        self.operations = operations


def class_name(code: int) -> str:
    """The name of a stored class code, also of one that a later llmspell wrote."""
    return CLASS_NAMES[code] if 0 < code < len(CLASS_NAMES) else f"class {code}"
