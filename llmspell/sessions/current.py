"""The current session: what happens while there is one is recorded under it."""

from contextlib import suppress

from llmspell.errors import InvalidTransition, LlmspellError, NotFound
from llmspell.sessions import executions, timeline
from llmspell.sessions.layout import (
    Details,
    Usage,
    id_bytes,
    id_text,
)
from llmspell.sessions.ledger import Ledger
from llmspell.sessions.policies import Policies
from llmspell.state.entry import DELETE, EXPIRE
from llmspell.state.transaction import Transaction
from llmspell.storage import keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from builtins import list as list_
    from typing import Any

    from llmspell.announce import Announce
    from llmspell.hooks.hook import Execution
    from llmspell.state.manager import StateManager


_MAX_NOTES = 1000
"""With more notes than this waiting for a commit, they get one of their own."""


class Note:
    """Something that happened in a session and waits for the next commit."""

    __slots__ = ("at", "correlation_id", "data", "execution", "kind", "session")

    def __init__(
        self, session: bytes, at: int, kind: str, correlation_id: str, data: "dict[str, Any]", execution: bytes = b""
    ) -> None:
        self.session = session
        self.at = at
        self.kind = kind
        self.correlation_id = correlation_id
        self.data = data
        self.execution = execution


class CurrentSession(Ledger):
    """Which session is current, and what is recorded under it: with the commits of the state, and with those after an event."""

    def __init__(
        self, home: "StateManager", state: "StateManager | None", policies: Policies, announce: "Announce"
    ) -> None:
        super().__init__(home, state, policies, announce)
        self._current: bytes | None = None
        self._own_keys = b""
        """What the record keys of the current session's scope begin with."""
        self._outer_correlation_ids: tuple[str, ...] = ()
        self._notes: list[Note] = []
        home.participants.append(self._join)
        if state is not None and not self.is_shared:
            state.participants.append(self._foresee)

    @property
    def current_id(self) -> str | None:
        """The id of the session under which everything is recorded now."""
        return None if self._current is None else id_text(self._current)

    def set_current(self, session_id: str | None) -> None:
        """From now on record changes under this session, with its correlation id; with None, under none.

        Holds for this object, in all of its threads. A suspended session can be current, but nothing can be recorded under
        it until it is resumed. Raises NotFound, and InvalidTransition for a session that has ended.
        """
        if session_id is None:
            self._forget_current()
            return
        with self._reading() as txn:
            found = self.require(txn, session_id)
        if found.ended_at is not None:
            raise InvalidTransition(
                f"the session {session_id} is {found.status}, so it cannot be the current one",
                hint="fork it to go on from it",
            )
        managers = self._managers()
        if self._current is None:
            self._outer_correlation_ids = tuple(each.correlation_id for each in managers)
        self._current = id_bytes(session_id)
        self._own_keys = keys.scope_prefix(f"session:{session_id}")
        for each in managers:
            each.correlation_id = found.correlation_id

    def resolve(self, session_id: str | None) -> str:
        """The id itself, or that of the current session for None and ""; raises NotFound when there is none."""
        if session_id:
            return session_id
        current = self.current_id
        if current is None:
            raise NotFound("there is no current session", hint="name a session, or call Session.set_current(id) before")
        return current

    def note(self, kind: str, data: "dict[str, Any]", *, correlation_id: str = "") -> None:
        """Keep what happened for the current session's timeline; does nothing without one.

        It is written with the next commit, at the latest by `flush`, `close`, or when a timeline is read.
        """
        if self._current is not None:
            self._add(Note(self._current, self.home.clock(), kind, correlation_id or self._correlation_id(), data))

    def record_execution(self, execution: "Execution", session_id: str | None = None) -> None:
        """Keep a run of a hook for the timeline and the replay of a session, or of the current one; as `note`."""
        session = self._current if session_id is None else id_bytes(session_id)
        if session is None:
            return
        data = {"point": execution.point, "hook": execution.hook, "duration": execution.duration}
        if execution.error:
            data["error"] = execution.error
        packed = executions.pack(execution)
        self._add(Note(session, execution.at, "hook.executed", execution.correlation_id, data, packed))

    def flush(self) -> None:
        """Write what waits for a commit."""
        if self._notes and (self.home.own_transaction() is None):
            with self.change() as transaction:
                transaction.touch()

    def close(self) -> None:
        """Write what waits, and let go of the current session. The managers stay open."""
        try:
            self.flush()
        finally:
            self._forget_current()

    # Within

    def _forget_current(self) -> None:
        if self._current is not None:
            self._current = None
            for manager, outer in zip(self._managers(), self._outer_correlation_ids, strict=True):
                manager.correlation_id = outer

    def _leave(self, transaction: Transaction, session: bytes) -> None:
        """A session that ends is not current any more, once that is committed."""
        if self._current == session:
            transaction.afterwards(lambda: self._forget_current() if self._current == session else None)

    def _add(self, note: Note) -> None:
        self._notes.append(note)
        if len(self._notes) >= _MAX_NOTES:
            self.flush()

    def _join(self, transaction: Transaction) -> None:
        """Write into a commit of the home store what happened in it and before it."""
        # Taken out before the lock is let go: the next commit may come before this one has told that it is done.
        notes = self._notes[:]
        if notes:
            del self._notes[: len(notes)]
            transaction.otherwise(lambda: self._notes.__setitem__(slice(0), notes))
            self._write_notes(transaction, notes)
        if self.is_shared and self._current is not None:
            changes = self._changes_in(transaction)
            if changes:
                session, main, now = self._current, transaction.main, transaction.now
                details, usage = self._details(main, session), self._usage(main, session)
                self._check(session, details, usage, now, len(changes))
                usage.add(now, len(changes))
                correlation_id = self._foreign(details, self._correlation_id())
                for kind, key in changes:
                    usage.sequence += 1
                    scope, name = keys.split(key)
                    timeline.write_change(
                        main, session, usage.sequence, now, kind, correlation_id,
                        "" if key.startswith(self._own_keys) else scope, name, transaction.version,
                    )  # fmt: skip
                self._put_usage(transaction, session, usage)

    def _foresee(self, transaction: Transaction) -> None:
        """Before a commit of the state in another store: raise when the current session may not do that, else record it then."""
        if self._current is None:
            return
        changes = self._changes_in(transaction)
        if changes:
            with self._reading() as txn:
                session, details, usage = self.stored(txn, id_text(self._current))
            self._check(session, details, usage, transaction.now, len(changes))
            correlation_id = self._foreign(details, self._correlation_id())
            notes = []
            for kind, key in changes:
                scope, name = keys.split(key)
                data = {"scope": scope, "key": name, "version": transaction.version}
                notes.append(Note(session, transaction.now, kind, correlation_id, data))
            transaction.afterwards(lambda: self._follow(notes))

    def _follow(self, notes: "list_[Note]") -> None:
        """After a commit of the state in another store: record it. What cannot be recorded now waits for the next commit."""
        self._notes.extend(notes)
        with suppress(LlmspellError):
            self.flush()

    def _check(self, session: bytes, details: Details, usage: Usage, now: int, operations: int) -> None:
        session_id = id_text(session)
        self.policies.check_active(session_id, details, usage, now)
        self.policies.check(session_id, details, usage, now, operations)

    def _changes_in(self, transaction: Transaction) -> "list_[tuple[str, bytes]]":
        """What a transaction of the state has changed, as kinds of entries and record keys; not what merely expired."""
        quiet = self._quiet[1] if self._quiet[0] is transaction else ()
        return [
            ("state.deleted" if operation == DELETE else "state.saved", key)
            for key, operation in transaction.changes.items()
            if operation != EXPIRE and key not in quiet
        ]

    def _write_notes(self, transaction: Transaction, notes: "list_[Note]") -> None:
        """Write what waited; what belongs to a session that is gone, goes."""
        usages: dict[bytes, tuple[Details, Usage]] = {}
        gone: set[bytes] = set()
        for note in notes:
            session = note.session
            if session in gone:
                continue
            if session not in usages:
                try:
                    usages[session] = self._details(transaction.main, session), self._usage(transaction.main, session)
                except NotFound:
                    gone.add(session)
                    continue
            details, usage = usages[session]
            usage.sequence += 1
            if note.kind in timeline.STATE_KINDS:
                usage.add(note.at, 1)
            timeline.write(
                transaction.main, session, usage.sequence, note.at, note.kind, self._foreign(details, note.correlation_id),
                note.data,
            )  # fmt: skip
            if note.execution:
                executions.write(transaction.main, session, usage.sequence, note.execution)
        for session, (_, usage) in usages.items():
            self._put_usage(transaction, session, usage)
