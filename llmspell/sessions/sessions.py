"""`Sessions`: everything about sessions, for scripts and for Python."""

from llmspell.announce import silent
from llmspell.errors import InvalidTransition
from llmspell.ids import new_id
from llmspell.sessions import checkpoints, copies, executions, index, inputs, layout, timeline
from llmspell.sessions.current import CurrentSession
from llmspell.sessions.layout import (
    CHECKPOINT,
    COPY,
    EXECUTION,
    SESSION,
    TIMELINE,
    USAGE,
    Details,
    Usage,
    id_bytes,
    id_text,
)
from llmspell.sessions.policies import Policies
from llmspell.sessions.session import LIMITS, Checkpoint, Session, check_not_archived, check_step
from llmspell.state import kept
from llmspell.state.scope import Scope
from llmspell.state.transaction import Transaction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from builtins import list as list_
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from llmspell.announce import Announce
    from llmspell.sessions.executions import Recorded
    from llmspell.sessions.session import Entry
    from llmspell.state.manager import StateManager
    from llmspell.storage.record import Record
    from llmspell.storage.store import ReadTransaction


class Sessions(CurrentSession):
    """The sessions in one store. Usable from many threads and, when the store is, from many processes at once.

    `home` is the manager over the store that the sessions are in, and `state` the one whose changes are recorded: the same
    one when they share a store, so that a change and its timeline entry are one commit; another one when they do not, and
    the entry follows; None when there is no state. Times are µs since 1970, by the clock of `home`; durations are seconds.
    Every change is one commit, or part of the transaction of this thread. An error leaves everything as it was.

    A session that is over its time is suspended from that moment, whoever looks; the store learns of it a little later.

    >>> from llmspell import Sessions, StateManager
    >>> state = StateManager.with_backend("memory")
    >>> sessions = Sessions(state, state)
    >>> work = sessions.create(name="report", tags=["weekly"])
    >>> sessions.set_current(work)
    >>> state.set(f"session:{work}", "step", "collect")
    >>> done = sessions.save(work, label="collected")
    >>> state.set(f"session:{work}", "step", "broken")
    >>> sessions.load(work, checkpoint="collected") == work, state.get(f"session:{work}", "step")
    (True, 'collect')
    >>> [entry.kind for entry in sessions.timeline(work)]
    ['session.created', 'state.saved', 'checkpoint.saved', 'state.saved', 'checkpoint.loaded']
    """

    def __init__(
        self, home: "StateManager", state: "StateManager | None" = None, *, policies: Policies = Policies(),  # noqa: B008 - it is never changed
        announce: "Announce" = silent,
    ) -> None:  # fmt: skip
        super().__init__(home, state, policies, announce)

    # The sessions

    def create(
        self, *, name: str = "", description: str = "", tags: "Sequence[str]" = (), metadata: "Mapping[str, Any] | None" = None,
        parent_session_id: str | None = None, created_by: str = "", max_duration: float | None = None,
        max_idle_time: float | None = None, max_artifacts: int | None = None, max_artifact_bytes: int | None = None,
        max_operations: int | None = None, max_rate: int | None = None,
    ) -> str:  # fmt: skip
        """Make an active session; its id. Limits that are not given are those of the policies.

        Raises LimitExceeded when there are `max_sessions` open ones already, and NotFound when there is no such parent.
        """
        fields = inputs.fields_of(
            name=name, description=description, tags=tags, metadata=metadata, created_by=created_by,
            max_duration=max_duration, max_idle_time=max_idle_time, max_artifacts=max_artifacts,
            max_artifact_bytes=max_artifact_bytes, max_operations=max_operations, max_rate=max_rate,
        )  # fmt: skip
        with self.change() as transaction:
            transaction.touch()
            if parent_session_id is not None:
                self.require(transaction.main, parent_session_id)
                fields["parent"] = parent_session_id
            return self._make(transaction, fields, "session.created", {"name": name} if name else {})

    def get(self, session_id: str) -> Session:
        """A session as it is now. Raises NotFound."""
        with self._reading() as txn:
            found = self.require(txn, session_id)
        if found.status == "suspended":
            self._settle([session_id])
        return found

    def update(
        self, session_id: str, *, name: str | None = None, description: str | None = None,
        tags: "Sequence[str] | None" = None, metadata: "Mapping[str, Any] | None" = None, max_duration: float | None = None,
        max_idle_time: float | None = None, max_artifacts: int | None = None, max_artifact_bytes: int | None = None,
        max_operations: int | None = None, max_rate: int | None = None,
    ) -> None:  # fmt: skip
        """Change what is given; `metadata` is merged, and None in it removes a field.

        A session that was suspended because its time was over is active again when the new limits let it go on. Raises
        InvalidTransition for an archived one.
        """
        given = inputs.fields_of(
            name=name, description=description, tags=tags, metadata=metadata, max_duration=max_duration,
            max_idle_time=max_idle_time, max_artifacts=max_artifacts, max_artifact_bytes=max_artifact_bytes,
            max_operations=max_operations, max_rate=max_rate,
        )  # fmt: skip
        with self.change() as transaction:
            session, details, usage = self._stored(transaction, session_id)
            check_not_archived(session_id, details)
            fields = details.fields | given
            if metadata is not None:
                merged = details.fields.get("metadata", {}) | given["metadata"]
                fields["metadata"] = {name: value for name, value in merged.items() if value is not None}
            inputs.check_size(fields, self.home.max_value_bytes)
            changed = Details(fields)
            is_over = bool(self.policies.overtime(changed, usage, transaction.now))
            if details.fields.get("overtime") and not is_over:
                fields["status"], fields["overtime"] = "active", ""
                self._record(transaction, session, usage, "session.resumed", {})
                self.tell(transaction, "session.resumed", session_id, "SessionResume")
            usage.updated_at = max(transaction.now, usage.updated_at)
            self.put(transaction, session, details, changed, usage)

    def list(
        self, *, status: str | None = None, tags: "Sequence[str]" = (), name: str | None = None,
        parent_session_id: str | None = None, created_after: int | None = None, created_before: int | None = None,
        text: str | None = None, sort_by: str = "created_at", descending: bool = False, limit: int | None = None,
        offset: int = 0,
    ) -> "list_[Session]":  # fmt: skip
        """The sessions that fit; without `status` the active and suspended ones, with "all" those of any status.

        `tags` must all be there; `name` is the whole name, `text` a part of name or description, without regard to case.
        """
        query = inputs.Query(
            status,
            tags,
            name,
            parent_session_id,
            created_after,
            created_before,
            text,
            sort_by,
            descending,
            limit,
            offset,
        )
        found, overdue = [], []
        with self._reading() as txn:
            for session in index.find(
                txn, query.searched, name, parent_session_id, query.earliest, query.latest, query.is_reversed
            ):
                each = self._view(txn, session)
                if each.status == "suspended":
                    overdue.append(each.id)
                if query.fits(each):
                    found.append(each)
                    if len(found) == query.enough:
                        break
        self._settle(overdue)
        return query.page(found)

    def suspend(self, session_id: str) -> None:
        """Put an active session aside."""
        self._step(session_id, "suspended", "SessionSuspend")

    def resume(self, session_id: str) -> None:
        """Let a suspended session go on; its times begin anew."""
        self._step(session_id, "active", "SessionResume")

    def complete(self, session_id: str) -> None:
        """End a session well."""
        self._step(session_id, "completed", "SessionEnd")

    def fail(self, session_id: str, reason: str = "") -> None:
        """End a session, and say why."""
        inputs.check_text("reason", reason, inputs.LONGEST_TEXT, is_line=False)
        self._step(session_id, "failed", "SessionEnd", reason)

    def archive(self, session_id: str) -> None:
        """Put an ended session away; nothing about it can change any more, but it can be read, forked and deleted."""
        self._step(session_id, "archived", "")

    def delete(self, session_id: str, *, force: bool = False) -> None:
        """Remove a session with its scope, its checkpoints, its timeline and what else it owns.

        Raises InvalidTransition for an active one, unless `force` is given. What its scope held stays in the journal.
        """
        with self.change() as transaction:
            session, details, _ = self._stored(transaction, session_id)
            status = details.fields["status"]
            if status == "active" and not force:
                raise InvalidTransition(
                    f"the session {session_id} is active and cannot be deleted",
                    hint="complete it, or delete it with force",
                )
            for each in self.attachments:
                each.delete(transaction, session_id)
            main = transaction.main
            if self.state is not None:
                with self.in_state(transaction) as scope_transaction:
                    prefix = Scope.session(session_id).prefix
                    self.silence(scope_transaction, checkpoints.restore_scope(scope_transaction, prefix, ()))
            own = [
                key
                for space in (CHECKPOINT, TIMELINE, EXECUTION, COPY, SESSION, USAGE)
                for key in main.scan_keys(space + session, layout.after(space + session))
            ]
            for key in own:
                main.delete(key)
            kept.prune(main, Scope.session(session_id).prefix)
            index.change(main, session, details, None)
            self._leave(transaction, session)
            self.tell(transaction, "session.deleted", session_id, "SessionEnd" if status == "active" else "")

    # Checkpoints

    def save(self, session_id: str, *, label: str = "") -> Checkpoint:
        """Make a checkpoint: of what the session is, of its scope, and of what it owns.

        It costs one small record: what does not change is shared. Within a transaction it is of the whole commit. Raises
        InvalidTransition for an archived session.
        """
        inputs.check_text("label", label, inputs.LONGEST_NAME)
        with self.change() as transaction:
            session, details, usage = self._stored(transaction, session_id)
            check_not_archived(session_id, details)
            made = Checkpoint(
                session_id, transaction.version, new_id(), label, transaction.now, transaction.version,
                usage.artifact_count, usage.artifact_bytes,
            )  # fmt: skip
            if self.state is not None and not self.is_shared:
                made.scope_version = self._copy_scope(transaction, session)
            checkpoints.write(transaction.main, session, made)
            usage.checkpoint_count += 1
            usage.updated_at = usage.active_at = max(transaction.now, usage.active_at)
            data = {"checkpoint_id": made.id, "version": made.version}
            self._record(transaction, session, usage, "checkpoint.saved", data | ({"label": label} if label else {}))
            self._put_usage(transaction, session, usage)
            self.tell(transaction, "checkpoint.saved", session_id, "SessionSave", checkpoint_id=made.id, label=label)
        return made

    def checkpoints(self, session_id: str) -> "list_[Checkpoint]":
        """The checkpoints of a session, oldest first."""
        with self._reading() as txn:
            self.require(txn, session_id)
            return list(checkpoints.read(txn, id_bytes(session_id)))

    def load(self, session_id: str, *, checkpoint: str | None = None) -> str:
        """The id of a session that is there. With `checkpoint`, an id or a label, the session is put back to it.

        In one commit its scope, what it is (its status too, so a failed one goes on from where it was well) and what it owns
        are what they were; the timeline goes on, and so do the counters of operations and checkpoints. Of checkpoints with
        the same label the newest one counts. Raises NotFound, and InvalidTransition for an archived session.
        """
        if checkpoint is None:
            self.get(session_id)
            return session_id
        with self.change() as transaction:
            session, details, usage = self._stored(transaction, session_id)
            check_not_archived(session_id, details)
            found = checkpoints.find(transaction.main, session, checkpoint)
            before = checkpoints.details_at(transaction.main, session, details, found.version)
            if self.state is not None:
                with self.in_state(transaction) as scope_transaction:
                    prefix = Scope.session(session_id).prefix
                    records = list(self._records(transaction.main, session, found))
                    self.silence(scope_transaction, checkpoints.restore_scope(scope_transaction, prefix, records))
            for each in self.attachments:
                each.restore(transaction, session_id, found.version)
            usage.artifact_count, usage.artifact_bytes = found.artifact_count, found.artifact_bytes
            usage.updated_at = usage.active_at = usage.started_at = max(transaction.now, usage.active_at)
            data = {"checkpoint_id": found.id, "version": found.version}
            self._record(
                transaction, session, usage, "checkpoint.loaded", data | ({"label": found.label} if found.label else {})
            )
            restored = Details(dict(before.fields))
            if index.is_open(restored) and not index.is_open(details):
                self.check_room(transaction.main)
            self.put(transaction, session, details, restored, usage)
            self.tell(
                transaction,
                "checkpoint.loaded",
                session_id,
                "SessionRestore",
                checkpoint_id=found.id,
                label=found.label,
            )
        return session_id

    def fork(self, session_id: str, *, checkpoint: str | None = None, name: str | None = None) -> str:
        """Start a new active session from another one as it is now, or was at a checkpoint; its id.

        It has the scope's values, the metadata, tags and limits, and what the origin owned; its parent is the origin, and
        its timeline is its own. Any session can be forked.
        """
        given = {} if name is None else inputs.fields_of(name=name)
        with self.change() as transaction:
            main = transaction.main
            session, details, usage = self._stored(transaction, session_id)
            found = None if checkpoint is None else checkpoints.find(main, session, checkpoint)
            count, size, data = usage.artifact_count, usage.artifact_bytes, {"forked_from": session_id}
            if found is not None:
                details = checkpoints.details_at(main, session, details, found.version)
                count, size = found.artifact_count, found.artifact_bytes
                data["checkpoint_id"] = found.id
            inherited = ("name", "description", "tags", "metadata", "created_by", *LIMITS)
            fields = {name: details.fields[name] for name in inherited if name in details.fields}
            fields |= {**given, "parent": session_id}
            new = self._make(transaction, fields, "session.created", data, count, size)
            if self.state is not None:
                with self.in_state(transaction) as scope_transaction:
                    old_prefix, prefix = Scope.session(session_id).prefix, Scope.session(new).prefix
                    if found is None:
                        records = list(checkpoints.records_of(scope_transaction.main, old_prefix))
                    else:
                        records = list(self._records(main, session, found))
                    for each in records:
                        each.key = prefix + each.key[len(old_prefix) :]
                    self.silence(scope_transaction, checkpoints.restore_scope(scope_transaction, prefix, records))
            for attached in self.attachments:
                attached.fork(transaction, session_id, new, None if found is None else found.version)
        return new

    def delete_checkpoint(self, session_id: str, checkpoint: str) -> None:
        """Remove a checkpoint, by id or label, and let go of what only it needed."""
        with self.change() as transaction:
            main = transaction.main
            session, details, usage = self._stored(transaction, session_id)
            found = checkpoints.find(main, session, checkpoint)
            main.delete(layout.number_key(CHECKPOINT, session, found.version))
            usage.checkpoint_count -= 1
            left = checkpoints.versions(main, session)
            checkpoints.prune_details(main, session, details)
            kept.prune(main, Scope.session(session_id).prefix)
            copies.prune(main, session, left)
            for each in self.attachments:
                each.prune(transaction, session_id, left)
            self._put_usage(transaction, session, usage)

    # What happened

    def timeline(
        self, session_id: str, *, kinds: "Sequence[str] | None" = None, since: int = 0, limit: int | None = None
    ) -> "list_[Entry]":
        """What happened in a session after the number `since`, oldest first; of some kinds only, or of all."""
        inputs.check_count("since", since)
        inputs.check_count("limit", limit)
        self.flush()
        with self._reading() as txn:
            correlation_id = self.require(txn, session_id).correlation_id
            return list(timeline.read(txn, id_bytes(session_id), correlation_id, kinds, since, limit))

    def executions(self, session_id: str, *, since: int = 0) -> "list_[Recorded]":
        """The hook executions recorded in a session after the timeline's number `since`, in order."""
        self.flush()
        with self._reading() as txn:
            self.require(txn, session_id)
            return list(executions.read(txn, id_bytes(session_id), since))

    def replayable(self, session_id: str | None = None) -> "list_[str]":
        """The ids of the sessions of which hook executions are recorded, oldest first; of all of them, or this one at most."""
        self.flush()
        with self._reading() as txn:
            if session_id is None:
                return [id_text(session) for session in executions.sessions(txn)]
            return [session_id] if any(executions.read(txn, id_bytes(session_id))) else []

    # Within

    def _make(
        self, transaction: Transaction, fields: "dict[str, Any]", kind: str, data: "dict[str, Any]", count: int = 0, size: int = 0
    ) -> str:  # fmt: skip
        """Add an active session, with what it owns from the beginning."""
        self.check_room(transaction.main)
        inputs.check_size(fields, self.home.max_value_bytes)
        session_id = new_id()
        session = id_bytes(session_id)
        fields = {"status": "active", "created_at": transaction.now, "correlation_id": new_id(), **fields}
        usage = Usage(transaction.now)
        usage.artifact_count, usage.artifact_bytes = count, size
        self._record(transaction, session, usage, kind, data)
        self.put(transaction, session, None, Details(fields), usage)
        self.tell(transaction, kind, session_id, "SessionStart", name=fields.get("name", ""))
        return session_id

    def _step(self, session_id: str, status: str, point: str, reason: str = "") -> None:
        with self.change() as transaction:
            session, details, usage = self._stored(transaction, session_id)
            check_step(session_id, details.fields["status"], status)
            now = max(transaction.now, usage.updated_at)
            fields = details.fields | {"status": status, "overtime": ""}
            if status == "active":
                usage.started_at = usage.active_at = now
            elif status != "suspended":
                fields["ended_at"] = details.fields.get("ended_at") or now
                self._leave(transaction, session)
            if status == "failed":
                fields["reason"] = reason
            usage.updated_at = now
            kind = "session.resumed" if status == "active" else f"session.{status}"
            data = {"reason": reason} if reason else {}
            self._record(transaction, session, usage, kind, data)
            self.put(transaction, session, details, Details(fields), usage)
            self.tell(transaction, kind, session_id, point, **data)

    def _records(self, txn: "ReadTransaction", session: bytes, checkpoint: Checkpoint) -> "Iterator[Record]":
        """What the scope held at a checkpoint."""
        prefix = Scope.session(checkpoint.session_id).prefix
        if self.is_shared:
            return kept.records_at(txn, prefix, checkpoint.version)
        return copies.records_at(txn, session, prefix, checkpoint.version)

    def _copy_scope(self, transaction: Transaction, session: bytes) -> int:
        """Copy what has changed in the scope; the version of the state that was copied."""
        prefix = Scope.session(id_text(session)).prefix
        with self.in_state(transaction) as scope_transaction:
            present = list(scope_transaction.main.scan(prefix, prefix[:-1] + b"\1"))
            version: int = scope_transaction.head.version
        copies.add(transaction.main, session, transaction.version, prefix, present)
        return version
