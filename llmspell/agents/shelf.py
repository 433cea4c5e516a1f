"""`Shelf`: where one agent is kept, as keys of its scope."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from llmspell import values
from llmspell.agents.merge import merge
from llmspell.agents.message import Message
from llmspell.agents.state import Origin, PersistentAgentState
from llmspell.errors import Conflict, LimitExceeded, NotFound, SchemaError
from llmspell.state import moment
from llmspell.state.key import state_key
from llmspell.state.manager import StateManager
from llmspell.state.scope import Scope
from llmspell.state.view import Bounds, View

OURS = "agent."
"""What the keys of an agent's record begin with; the rest of its scope belongs to whoever uses it."""
HEADER = "agent.state"
MESSAGE = "agent.message."
DROPPED = "dropped_messages"
"""In the header: the number of the newest message that was ever dropped. No number is used twice."""
_DIGITS = 12
_LAST_NUMBER = 10**_DIGITS - 1
_PAGE = 500


class Shelf:
    """Reads and writes one agent: `agent.state` is its record without history, `agent.message.<number>` one message each.

    Messages are numbered from 1 without gaps; 12 digits keep them in order. Raises SchemaError, naming agent and path,
    when what is stored is no agent.
    """

    def __init__(self, state: StateManager, agent_id: str) -> None:
        self._state = state
        self._id = agent_id
        self._scope = Scope.agent(agent_id)

    def load(self) -> PersistentAgentState | None:
        """The record as of one moment, its history unread; None when there is none."""
        with View(self._state) as view:
            found = view.find(state_key(self._scope, HEADER))
            if found is None:
                return None
            state, dropped = self._read_header(found.payload)
            first, after = self._find_messages(view, dropped)
            newest = self._time_of(view, after - 1)
        state.origin = Origin(found.payload, values.encode(_header_of(state)), dropped, state.updated_at)
        state.updated_at = max(state.updated_at, newest)
        state.history.bind(first, after, self._read_messages)
        return state

    def save(self, state: PersistentAgentState, *, must_be_new: bool = False) -> None:
        """Store the changes of a record, or the whole when it was made; see `AgentStates.save`."""
        header = _header_of(state)
        mine = merged = values.encode(header)
        with self._state.transaction() as transaction:
            now = self._find_origin(state.origin)
            if must_be_new and now.stored:
                raise Conflict(f"there is an agent '{self._id}' already", hint="load it, or delete it first")
            if state.origin is not None and now is not state.origin:
                header = merge(values.decode(state.origin.header), header, values.decode(now.header))
                merged = values.encode(header)
            first, after = self._write_history(state, now.dropped)
            if merged != now.header or (first == after and first - 1 != now.dropped):
                now = self._write_header(header, merged, first - 1, transaction.now)
            with View(self._state) as view:
                newest = self._time_of(view, after - 1)
        # Only now, when it is stored: a save that failed has left the record as it was.
        if merged != mine:
            _copy_fields(self._read_header(now.stored)[0], state)
        state.origin = now
        state.updated_at = max(now.updated_at, newest)
        state.history.bind(first, after, self._read_messages)

    def append(self, messages: Iterable[Message]) -> None:
        """Store more messages."""
        with self._state.transaction(), View(self._state) as view:
            found = view.find(state_key(self._scope, HEADER))
            if found is None:
                raise NotFound(f"there is no agent '{self._id}'", hint="create it first")
            dropped = 0
            if not view.list_keys(Bounds(self._scope, MESSAGE), 1):
                _, dropped = self._read_header(found.payload)
            _, after = self._find_messages(view, dropped)
            self._write_messages(after, messages)

    def _find_origin(self, known: Origin | None) -> Origin:
        """What is stored now; `known` itself when nobody has changed it. Raises Conflict when that is gone."""
        stored = self._state.load(self._scope, HEADER)
        if known is not None and known.stored == stored:
            return known
        if stored is None:
            if known is not None:
                raise Conflict(f"the agent '{self._id}' was deleted meanwhile", hint="make a new one, or let it go")
            return Origin(b"", b"", 0, 0)
        theirs, dropped = self._read_header(stored)
        return Origin(stored, values.encode(_header_of(theirs)), dropped, theirs.updated_at)

    def _write_header(self, header: dict[Any, Any], encoded: bytes, dropped: int, now: int) -> Origin:
        record = header | {"updated_at": moment.text(now)}
        self._read(record)
        if dropped:
            record[DROPPED] = dropped
        stored = values.encode(record)
        self._state.save(self._scope, HEADER, stored)
        return Origin(stored, encoded, dropped, now)

    def _write_history(self, state: PersistentAgentState, dropped: int) -> tuple[int, int]:
        """Store what was added to and dropped from the history. Gives the numbers of the first message and after the last."""
        with View(self._state) as view:
            first, after = self._find_messages(view, dropped)
        keep_from, added = min(max(first, state.history.first), after), state.history.added
        if state.origin is None:
            keep_from, added = first, list(state.history)
            known = self._read_messages(first, after)
            if _encode_all(added[: len(known)]) == _encode_all(known):
                del added[: len(known)]
            else:
                keep_from = after
        while keep_from > first:
            page = self._state.list_keys(self._scope, prefix=MESSAGE, limit=_PAGE)
            gone = [key for key in page if self._number(key) < keep_from]
            for key in gone:
                self._state.delete(self._scope, key)
            if len(gone) < _PAGE:
                break
        self._write_messages(after, added)
        return keep_from, after + len(added)

    def _write_messages(self, number: int, messages: Iterable[Message]) -> None:
        for message in messages:
            if number > _LAST_NUMBER:
                raise LimitExceeded(
                    f"the agent '{self._id}' has had {_LAST_NUMBER} messages, and there are no more numbers"
                )
            self._state.save(self._scope, _message_key(number), values.encode(message.to_value()))
            number += 1

    def _read_messages(self, start: int, stop: int) -> list[Message]:
        """The messages with the numbers from `start` up to `stop`. Raises NotFound when one is not there any more."""
        after = _message_key(start - 1)
        found = self._state.list(self._scope, prefix=MESSAGE, after=after, limit=stop - start)
        numbers = [self._number(key) for key, _ in found]
        missing = next((wanted for wanted, number in enumerate(numbers, start) if wanted != number), start + len(found))
        if missing < stop:
            raise NotFound(
                f"message {missing} of agent '{self._id}' is not there any more", hint="load the agent again"
            )
        messages = []
        for number, (_, payload) in zip(numbers, found, strict=True):
            try:
                messages.append(Message.from_value(values.decode(payload)))
            except SchemaError as error:
                raise SchemaError(f"message {number} of agent '{self._id}': {error.message}") from None
        return messages

    def _find_messages(self, view: View, dropped: int) -> tuple[int, int]:
        """The number of the first stored message, and the one after the last; `dropped` is the last one ever dropped."""
        oldest = view.list_keys(Bounds(self._scope, MESSAGE), 1)
        newest = view.list_keys(Bounds(self._scope, MESSAGE, reverse=True), 1)
        if not oldest:
            return dropped + 1, dropped + 1
        return self._number(oldest[0]), self._number(newest[0]) + 1

    def _time_of(self, view: View, number: int) -> int:
        """When a message was stored, in µs; 0 when it is not there."""
        found = view.find(state_key(self._scope, _message_key(number)))
        return 0 if found is None else found.updated_at

    def _number(self, key: str) -> int:
        digits = key.removeprefix(MESSAGE)
        if len(digits) != _DIGITS or not (digits.isascii() and digits.isdigit()) or int(digits) == 0:
            raise SchemaError(f"the key '{key}' of agent '{self._id}' is no number of a message")
        return int(digits)

    def _read_header(self, payload: bytes) -> tuple[PersistentAgentState, int]:
        """The record of a stored header, without history, and the number of the newest message ever dropped."""
        value = values.decode(payload)
        dropped = value.pop(DROPPED, 0) if type(value) is dict else 0
        if type(dropped) is not int or not 0 <= dropped <= _LAST_NUMBER:
            raise SchemaError(f"the record of agent '{self._id}': $.{DROPPED} must be the number of a message")
        return self._read(value), dropped

    def _read(self, value: object) -> PersistentAgentState:
        try:
            state = PersistentAgentState.from_value(value)
        except SchemaError as error:
            raise SchemaError(f"the record of agent '{self._id}': {error.message}") from None
        if state.agent_id != self._id:
            raise SchemaError(f"the record of agent '{self._id}' is that of '{state.agent_id}'")
        return state


def _message_key(number: int) -> str:
    return f"{MESSAGE}{number:0{_DIGITS}}"


def _header_of(state: PersistentAgentState) -> dict[Any, Any]:
    """What is compared and merged: the time of the last change follows from the others."""
    header = state.header()
    del header["updated_at"]
    return header


def _copy_fields(source: PersistentAgentState, target: PersistentAgentState) -> None:
    for known in fields(PersistentAgentState):
        if known.name not in ("history", "origin"):
            setattr(target, known.name, getattr(source, known.name))


def _encode_all(messages: Iterable[Message]) -> list[bytes]:
    return [values.encode(message.to_value()) for message in messages]
