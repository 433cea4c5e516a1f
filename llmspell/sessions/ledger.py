"""The ledger of the sessions: what is stored of each, read and changed within the transactions of others."""

from contextlib import nullcontext

from llmspell.announce import silent
from llmspell.errors import LimitExceeded, LlmspellError, NotFound
from llmspell.sessions import checkpoints, index, timeline
from llmspell.sessions.layout import (
    SESSION,
    USAGE,
    WHICH,
    Details,
    Usage,
    id_bytes,
    id_text,
)
from llmspell.sessions.policies import Policies
from llmspell.sessions.session import Session, check_not_archived
from llmspell.state.transaction import Savepoint, Transaction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from builtins import list as list_
    from collections.abc import Iterable
    from typing import Any

    from llmspell.announce import Announce
    from llmspell.sessions.attachments import Attachments
    from llmspell.state.manager import StateManager
    from llmspell.storage.store import ReadTransaction


class Ledger:
    """Reading and changing what is stored of sessions, in the store of `home`.

    Whatever gets a transaction writes into it, so that it commits with what it belongs to.
    """

    def __init__(
        self, home: "StateManager", state: "StateManager | None", policies: Policies, announce: "Announce"
    ) -> None:
        self.home = home
        self.state = state
        self.is_shared = state is home
        self.policies = policies
        self.announce = announce
        self.attachments: list[Attachments] = []
        self._quiet: tuple[Transaction | None, set[bytes]] = (None, set())
        """Record keys whose change, in that transaction, is part of what the timeline tells as a whole."""
        self._known: tuple[bytes, Details] = (b"", Details({}))
        """The stored form of the details that were read last."""

    def require(self, txn: "ReadTransaction", session_id: str) -> Session:
        """A session as `txn` shows it; raises NotFound."""
        return self._view(txn, id_bytes(session_id))

    def admit(
        self, transaction: Transaction, session_id: str, *, operations: int = 1, artifacts: int = 0, bytes: int = 0,
        kind: str = "", data: "dict[str, Any] | None" = None,
    ) -> Details:  # fmt: skip
        """Count operations and artifacts (negative when they go) in a session, within the commit that does them.

        With `kind`, write an entry of the timeline as well, as `record` does. Gives what the session is.
        Raises NotFound, LimitExceeded beyond a limit or when the session is over its time, and InvalidTransition when it is
        not active; only taking away from a session is allowed as long as it is not archived.
        """
        transaction.touch()
        session, details, usage = self.stored(transaction.main, session_id)
        if artifacts < 0:
            check_not_archived(session_id, details)
        else:
            self.policies.check_active(session_id, details, usage, transaction.now)
            self.policies.check(session_id, details, usage, transaction.now, operations, artifacts, bytes)
        usage.add(transaction.now, operations, artifacts, bytes)
        if kind:
            self._record(transaction, session, usage, kind, data or {}, self._foreign(details, self._correlation_id()))
        self._put_usage(transaction, session, usage)
        return details

    def record(self, transaction: Transaction, session_id: str, kind: str, data: "dict[str, Any]") -> None:
        """Write an entry of the timeline within the commit that it tells of."""
        transaction.touch()
        session, details, usage = self.stored(transaction.main, session_id)
        self._record(transaction, session, usage, kind, data, self._foreign(details, self._correlation_id()))
        self._put_usage(transaction, session, usage)

    def change(self) -> "Transaction | Savepoint":
        """A part of this thread's transaction, or one of its own, for the block."""
        current = self.home.own_transaction()
        return Transaction(self.home) if current is None else Savepoint(current)

    def in_state(self, transaction: Transaction) -> "Any":
        """The transaction of the state, for the block: the one there is, when the sessions share its store."""
        if self.is_shared or self.state is None:
            return nullcontext(transaction)
        current = self.state.own_transaction()
        return Transaction(self.state) if current is None else Savepoint(current)

    def stored(self, txn: "ReadTransaction", session_id: str) -> tuple[bytes, Details, Usage]:
        """A session's id, details and usage, as they are stored."""
        session = id_bytes(session_id)
        return session, self._details(txn, session), self._usage(txn, session)

    def put(
        self, transaction: Transaction, session: bytes, old: Details | None, new: Details, usage: Usage, since: int = 0
    ) -> None:  # fmt: skip
        """Store what a session is from this commit on (or from the version `since`), and what is counted of it."""
        main, key = transaction.main, SESSION + session
        if old is not None:
            checkpoints.keep_details(main, session, old, transaction.version)
        index.change(main, session, old, new)
        new.version = since or transaction.version
        main.put(key, new.pack(key))
        self._put_usage(transaction, session, usage)

    def tell(self, transaction: Transaction, event: str, session_id: str, point: str, **data: "Any") -> None:
        """Announce it, once it is committed."""
        announce = self.announce
        if announce is not silent:
            transaction.afterwards(lambda: announce(event, {"session_id": session_id, **data}, point=point))

    def check_room(self, txn: "ReadTransaction") -> None:
        limit = self.policies.max_sessions
        if index.open_count(txn) >= limit:
            raise LimitExceeded(
                f"there are {limit} active or suspended sessions already",
                hint="complete some, or raise max_sessions in [runtime.sessions]",
            )

    def silence(self, transaction: Transaction, changed: "set[bytes]") -> None:
        """The timeline tells of these changes as a whole, not of each."""
        before = self._quiet[1] if self._quiet[0] is transaction else set()
        self._quiet = (transaction, before | changed)

    # Within

    def _reading(self) -> "Any":
        """This thread's transaction, or a snapshot, for the block."""
        current = self.home.own_transaction()
        return self.home.store.read() if current is None else nullcontext(current.main)

    def _managers(self) -> "list_[StateManager]":
        return [self.home] if self.state is None or self.is_shared else [self.home, self.state]

    def _details(self, txn: "ReadTransaction", session: bytes) -> Details:
        key = SESSION + session
        value = txn.get(key)
        if value is None:
            raise NotFound(f"there is no session '{id_text(session)}'", hint=WHICH)
        if self._known[0] == value:
            return self._known[1]
        details = Details.unpack(key, value)
        self._known = (value, details)
        return details

    def _usage(self, txn: "ReadTransaction", session: bytes) -> Usage:
        key = USAGE + session
        value = txn.get(key)
        return Usage.unpack(key, b"" if value is None else value)

    def _stored(self, transaction: Transaction, session_id: str) -> tuple[bytes, Details, Usage]:
        """A session's id, details and usage, to be changed. A session that is over its time is suspended first."""
        transaction.touch()
        session, details, usage = self.stored(transaction.main, session_id)
        if details.fields["status"] == "active":
            reason = self.policies.overtime(details, usage, transaction.now)
            if reason:
                details = self._suspend_overdue(transaction, session, details, usage, reason)
        return session, details, usage

    def _suspend_overdue(
        self, transaction: Transaction, session: bytes, details: Details, usage: Usage, reason: str
    ) -> Details:
        self._record(transaction, session, usage, "session.suspended", {"reason": reason})
        suspended = Details(details.fields | {"status": "suspended", "overtime": reason})
        self.put(transaction, session, details, suspended, usage)
        self.tell(transaction, "session.suspended", id_text(session), "SessionSuspend", reason=reason)
        return suspended

    def _settle(self, session_ids: "Iterable[str]") -> None:
        """Let the store know of sessions that are over their time; inside a transaction it can wait."""
        for session_id in session_ids:
            try:
                if self.home.own_transaction() is None and self._is_overdue(session_id):
                    with self.change() as transaction:
                        self._stored(transaction, session_id)
            except LlmspellError:
                pass  # it is told by whoever changes something next

    def _is_overdue(self, session_id: str) -> bool:
        """Whether the store still calls a session active that is over its time."""
        with self._reading() as txn:
            _, details, usage = self.stored(txn, session_id)
            return details.fields["status"] == "active" and bool(
                self.policies.overtime(details, usage, self.home.clock())
            )

    def _view(self, txn: "ReadTransaction", session: bytes) -> Session:
        details, usage = self._details(txn, session), self._usage(txn, session)
        overtime = ""
        if details.fields["status"] == "active":
            overtime = self.policies.overtime(details, usage, self.home.clock())
        return Session(id_text(session), details, usage, overtime)

    def _put_usage(self, transaction: Transaction, session: bytes, usage: Usage) -> None:
        key = USAGE + session
        transaction.main.put(key, usage.pack(key))

    def _record(
        self, transaction: Transaction, session: bytes, usage: Usage, kind: str, data: "dict[str, Any]",
        correlation_id: str = "",
    ) -> None:  # fmt: skip
        usage.sequence += 1
        timeline.write(transaction.main, session, usage.sequence, transaction.now, kind, correlation_id, data)

    def _correlation_id(self) -> str:
        return (self.state or self.home).current_correlation_id()

    def _foreign(self, details: Details, correlation_id: str) -> str:
        """A correlation id, or "" for the session's own, which need not be stored with each entry."""
        return "" if correlation_id == details.fields["correlation_id"] else correlation_id
