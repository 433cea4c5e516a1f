"""A correlation is a trace: its id decides that of the trace, in every process."""

from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import blake2b
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

if TYPE_CHECKING:
    from collections.abc import Iterator

_wanted: ContextVar[int] = ContextVar("llmspell trace id", default=0)


def trace_id_of(correlation_id: str) -> int:
    """The number of a UUID; of any other id a hash. Never 0, which is no trace."""
    digits = correlation_id.replace("-", "")
    if len(correlation_id) == 36 and len(digits) == 32:
        try:
            return int(digits, 16) or 1
        except ValueError:
            pass
    return int.from_bytes(blake2b(correlation_id.encode(errors="replace"), digest_size=16).digest()) or 1


class TraceIds(RandomIdGenerator):
    """Gives a new trace the id that its beginner wants."""

    def generate_trace_id(self) -> int:
        return _wanted.get() or super().generate_trace_id()


@contextmanager
def new_trace(correlation_id: str) -> "Iterator[None]":
    """A span that begins without a parent in the block begins, or joins, the trace of this correlation."""
    token = _wanted.set(trace_id_of(correlation_id) if correlation_id else 0)
    try:
        yield
    finally:
        _wanted.reset(token)
