"""Executions of hooks, as they are kept for replay."""

from llmspell import values
from llmspell.errors import Corrupt
from llmspell.sessions.layout import EXECUTION, FORMAT, after, id_text, number_key, unseal
from llmspell.storage import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from llmspell.hooks.hook import Execution
    from llmspell.storage.store import ReadTransaction, WriteTransaction

FIELDS = (
    "point", "hook", "hook_id", "language", "context", "result", "at", "duration", "error", "correlation_id",
)  # fmt: skip


TYPES = {"context": bytes, "result": bytes, "at": int, "duration": float}
"""The fields that are no text."""


_TYPES = {"context": bytes, "result": bytes, "at": int, "duration": float}
"""The types of the fields that are not text: a file that is imported may say anything."""


class Recorded:
    """A recorded execution; `seq` is the number of its entry in the timeline."""

    __slots__ = ("execution", "seq")

    def __init__(self, seq: int, execution: "Execution") -> None:
        self.seq = seq
        self.execution = execution


def pack(execution: "Execution") -> bytes:
    """What is stored of an execution."""
    return values.encode({name: getattr(execution, name) for name in FIELDS})


def check(packed: object) -> None:
    """Raise Corrupt unless this is what `pack` makes."""
    if type(packed) is not bytes:
        raise Corrupt("a hook execution is damaged")
    _fields(packed, "a hook execution")


def write(main: "WriteTransaction", session: bytes, seq: int, packed: bytes) -> None:
    """Keep an execution beside the entry of the timeline that tells of it."""
    key = number_key(EXECUTION, session, seq)
    main.put(key, record.seal(key, bytes([FORMAT]), packed))


def unpack(key: bytes, value: bytes) -> Recorded:
    """An execution as it is stored; raises Corrupt."""
    from llmspell.hooks.hook import Execution

    seq = int.from_bytes(key[17:25], "big")
    what = f"the hook execution {seq} of the session {id_text(key[1:17])}"
    return Recorded(seq, Execution(**_fields(unseal(key, value, what)[1:], what)))


def sessions(txn: "ReadTransaction") -> "Iterator[bytes]":
    """The sessions of which executions are kept."""
    start = EXECUTION
    while (key := next(txn.scan_keys(start, after(EXECUTION)), None)) is not None:
        yield key[1:17]
        start = after(key[:17])


def read(txn: "ReadTransaction", session: bytes, since: int = 0) -> "Iterator[Recorded]":
    """The executions of a session after the number `since`, oldest first."""
    for key, value in txn.scan(number_key(EXECUTION, session, min(since + 1, 2**64 - 1)), after(EXECUTION + session)):
        yield unpack(key, value)


def _fields(packed: bytes, what: str) -> "dict[str, Any]":
    fields = values.decode(packed)
    if not isinstance(fields, dict) or fields.keys() != set(FIELDS):
        raise Corrupt(f"{what} is damaged")
    for name, value in fields.items():
        if type(value) is not _TYPES.get(name, str):
            raise Corrupt(f"{what} is damaged: its {name} is no {_TYPES.get(name, str).__name__}")
    for name, value in fields.items():
        if type(value) is not (TYPES.get(name, str)):
            raise Corrupt(f"{what} is damaged")
    return fields
