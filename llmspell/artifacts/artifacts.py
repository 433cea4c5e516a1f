"""`Artifacts`: everything about the artifacts of sessions, for scripts and for Python."""

from contextlib import contextmanager, nullcontext

from llmspell.announce import silent
from llmspell.artifacts import catalogue, collection, content, file, index, search
from llmspell.artifacts.artifact import (
    ADMIN,
    BYTES,
    MAX_FILE_BYTES,
    MAX_MEMORY_BYTES,
    PERMISSIONS,
    READ,
    TEXT,
    UNKNOWN,
    WRITE,
    Artifact,
    check_fields,
    parse_id,
)
from llmspell.artifacts.attachments import ArtifactAttachments
from llmspell.artifacts.catalogue import Totals
from llmspell.artifacts.layout import PIECE_BYTES
from llmspell.artifacts.search import Query
from llmspell.artifacts.upload import BATCH_PIECES, Upload
from llmspell.errors import AccessDenied, BadArgument, NotFound, ValueTooLarge
from llmspell.sessions.layout import id_bytes
from llmspell.state.limits import check_limit, size_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from builtins import list as list_
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from llmspell.announce import Announce
    from llmspell.artifacts.check import Verified
    from llmspell.artifacts.collection import Collected
    from llmspell.artifacts.layout import Content
    from llmspell.sessions.layout import Details
    from llmspell.sessions.sessions import Sessions
    from llmspell.state.transaction import Transaction
    from llmspell.storage.store import ReadTransaction

_ONE_COMMIT_BYTES = BATCH_PIECES * PIECE_BYTES
"""Up to here a content from memory is stored within the commit of its artifact."""


class Artifacts:
    """The artifacts of `sessions`, in their store. Usable from many threads and processes, as the sessions are.

    Contents of `compression_threshold` bytes and more are compressed. Every change is one commit, or part of the transaction
    of this thread; an error leaves everything as it was. Contents are verified when they are read, and damage raises Corrupt.

    An artifact is named by its id in text form (`session/sequence/hash8`), by an Artifact, or by its name, which means the
    latest version. A `session_id` of None or "" is the current session. While a session is current, only what it owns or
    was granted can be read: the rest raises AccessDenied; without one, all can.

    >>> from llmspell import Artifacts, Sessions, StateManager
    >>> state = StateManager.with_backend("memory")
    >>> sessions = Sessions(state, state)
    >>> artifacts = Artifacts(sessions)
    >>> work = sessions.create(name="report")
    >>> first = artifacts.store(work, "agent_output", "draft.md", "# Draft", tags=["draft"])
    >>> second = artifacts.store(work, "agent_output", "draft.md", "# Draft, again", tags=["draft", "review"])
    >>> artifacts.read(work, "draft.md"), artifacts.read(work, first.id)
    ('# Draft, again', '# Draft')
    >>> [(each.name, each.version) for each in artifacts.query(tags=["draft"])]
    [('draft.md', 2), ('draft.md', 1)]
    """

    def __init__(
        self, sessions: "Sessions", *, compression_threshold: int = 10240, announce: "Announce" = silent
    ) -> None:
        self.sessions = sessions
        self.manager = sessions.home
        self.compression_threshold = compression_threshold
        self.announce = announce
        sessions.attachments.append(ArtifactAttachments(self.manager, compression_threshold))

    # Storing

    def store(
        self, session_id: str | None, type: str, name: str, data: str | bytes, *, mime_type: str = "",
        tags: "Sequence[str]" = (), description: str = "", parent_artifact: str = "", custom: "Mapping[str, Any] | None" = None,
        created_by: str = "",
    ) -> Artifact:  # fmt: skip
        """Store text or bytes, up to 100 MiB, as the next version of a name.

        Raises LimitExceeded beyond what the session may have, InvalidTransition when it is not active, ValueTooLarge,
        BadArgument and NotFound.
        """
        form = TEXT if isinstance(data, str) else BYTES
        raw = data.encode() if isinstance(data, str) else bytes(data)
        if len(raw) > MAX_MEMORY_BYTES:
            raise ValueTooLarge(
                f"the content is {size_text(len(raw))}, the limit from memory is {size_text(MAX_MEMORY_BYTES)}",
                hint="store it from a file, which may have 10 GiB",
            )
        default = "text/plain" if form == TEXT else "application/octet-stream"
        fields = _fields(name, type, mime_type or default, form, tags, description, parent_artifact, custom, created_by)
        session_id = self.sessions.resolve(session_id)
        if len(raw) > _ONE_COMMIT_BYTES and self.manager.own_transaction() is None:
            return self._upload(session_id, (raw,), len(raw), fields)

        def add(transaction: "Transaction") -> "tuple[Content, int]":
            return content.add(transaction, raw, compress=len(raw) >= self.compression_threshold)

        return self._add(session_id, len(raw), add, fields)

    def store_stream(
        self, session_id: str | None, type: str, name: str, blocks: "Iterable[bytes]", *, mime_type: str = "",
        tags: "Sequence[str]" = (), description: str = "", parent_artifact: str = "", custom: "Mapping[str, Any] | None" = None,
        created_by: str = "", expected_size: int = 0,
    ) -> Artifact:  # fmt: skip
        """Store bytes that come in blocks, up to 10 GiB, of which only a few MiB are in memory at a time.

        What is stored of it before the end is nobody's, and goes when the blocks raise or the process dies. Raises as `store`.

        >>> from llmspell import Artifacts, Sessions, StateManager
        >>> state = StateManager.with_backend("memory")
        >>> sessions = Sessions(state, state)
        >>> artifacts = Artifacts(sessions)
        >>> stored = artifacts.store_stream(sessions.create(), "log", "numbers", (b"%d\\n" % n for n in range(100_000)))
        >>> stored.size, stored.is_compressed
        (588890, True)
        """
        fields = _fields(
            name, type, mime_type or "application/octet-stream", UNKNOWN, tags, description, parent_artifact, custom, created_by
        )  # fmt: skip
        return self._upload(self.sessions.resolve(session_id), blocks, expected_size, fields)

    def store_file(
        self, session_id: str | None, path: str, type: str, *, name: str = "", mime_type: str = "",
        tags: "Sequence[str]" = (), description: str = "", parent_artifact: str = "", custom: "Mapping[str, Any] | None" = None,
        created_by: str = "", progress: "Callable[[int], object] | None" = None,
    ) -> Artifact:  # fmt: skip
        """Store a regular file, up to 10 GiB, as `store_stream` does; its name is that of the file, unless it is given.

        `progress` is called with the number of bytes read since the last call; what it raises ends the work.
        """
        from os.path import basename

        with file.Source(path) as source:
            fields = _fields(
                name or basename(path), type, mime_type or _guess(path), UNKNOWN, tags, description, parent_artifact, custom,
                created_by,
            )  # fmt: skip
            blocks = source.blocks() if progress is None else _told(source.blocks(), progress)
            return self._upload(self.sessions.resolve(session_id), blocks, source.size, fields)

    # Reading

    def info(self, session_id: str | None, artifact: "str | Artifact") -> Artifact:
        """What is known about an artifact. Raises NotFound and AccessDenied."""
        with self._reading() as txn:
            return self._find(txn, session_id, artifact, READ)

    def read(self, session_id: str | None, artifact: "str | Artifact") -> str | bytes:
        """The content, verified: text when it was stored as text, or is a file's and can be text.

        Raises ValueTooLarge above 100 MiB: `stream` and `save_to` have no such limit.
        """
        return self.get(session_id, artifact)[1]

    def get(self, session_id: str | None, artifact: "str | Artifact") -> tuple[Artifact, str | bytes]:
        """What is known about an artifact, and its content, as `read` gives it."""
        with self._reading() as txn:
            found = self._find(txn, session_id, artifact, READ)
            if found.size > MAX_MEMORY_BYTES:
                raise ValueTooLarge(
                    f"the content of {found.id} is {size_text(found.size)}, which is too much for memory",
                    hint="save it to a file",
                )
            data = content.read(txn, found.hash)
        if found.form == BYTES:
            return found, data
        try:
            return found, data.decode()
        except UnicodeDecodeError:
            return found, data

    @contextmanager
    def stream(
        self, session_id: str | None, artifact: "str | Artifact"
    ) -> "Iterator[tuple[Artifact, Iterator[bytes]]]":
        """What is known about an artifact, and its content in pieces of at most 128 KiB, each verified; for a `with` block."""
        with self._reading() as txn:
            found = self._find(txn, session_id, artifact, READ)
            yield found, content.pieces(txn, found.hash)

    def save_to(
        self, session_id: str | None, artifact: "str | Artifact", path: str, *,
        progress: "Callable[[int], object] | None" = None,
    ) -> int:  # fmt: skip
        """Write the content into a file, in place of what was there, all of it or nothing; the number of bytes."""
        with self.stream(session_id, artifact) as (_, blocks):
            return file.write(path, blocks, progress)

    def list(
        self, session_id: str | None, *, type: str | None = None, tags: "Sequence[str]" = (), name: str | None = None,
        limit: int | None = None,
    ) -> "list_[Artifact]":  # fmt: skip
        """The artifacts of a session that may be read, in the order of their sequence. `tags` must all be there."""
        check_limit(limit)
        session_id = self.sessions.resolve(session_id)
        current, wanted = self.sessions.current_id, set(tags)
        found: list_[Artifact] = []
        with self._reading() as txn:
            self.sessions.require(txn, session_id)
            session = id_bytes(session_id)
            each_one = catalogue.owned(txn, session) if name is None else iter(catalogue.versions(txn, session, name))
            for each in each_one:
                if len(found) == limit:
                    break
                fits = (type is None or each.type == type) and wanted.issubset(each.tags)
                if fits and (current is None or each.allows(current, READ)):
                    found.append(each)
        return sorted(found, key=lambda each: each.sequence)

    def versions(self, session_id: str | None, name: str) -> "list_[Artifact]":
        """The versions of a name that may be read, oldest first."""
        return sorted(self.list(session_id, name=name), key=lambda each: each.version)

    def query(
        self, *, session_id: str | None = None, type: str | None = None, name_pattern: str | None = None,
        tags: "Sequence[str]" = (), created_after: int | None = None, created_before: int | None = None,
        min_size: int | None = None, max_size: int | None = None, custom: "Mapping[str, Any] | None" = None,
        text: str | None = None, limit: int | None = None,
    ) -> "list_[Artifact]":  # fmt: skip
        """The artifacts that fit, newest first, of all sessions that may be read or of one; see `search.Query`.

        Tags, type, time and session are looked up in indexes; the rest is asked of each artifact that these leave over.
        """
        check_limit(limit)
        query = Query(
            session=None if session_id is None else id_bytes(session_id), type=type, name_pattern=name_pattern, tags=tags,
            created_after=created_after, created_before=created_before, min_size=min_size, max_size=max_size,
            custom=None if custom is None else dict(custom), text=text,
        )  # fmt: skip
        current = self.sessions.current_id
        with self._reading() as txn:
            return search.find(txn, query, None if current is None else id_bytes(current), limit)

    def stats(self, session_id: str | None) -> Totals:
        """The totals of a session's artifacts."""
        session_id = self.sessions.resolve(session_id)
        with self._reading() as txn:
            self.sessions.require(txn, session_id)
            return Totals.read(txn, id_bytes(session_id))

    # Changing

    def delete(self, session_id: str | None, artifact: "str | Artifact") -> None:
        """Delete an artifact. Its bytes go with a collection, once no artifact and no checkpoint needs them.

        Raises NotFound, and AccessDenied without the permission to write.
        """
        with self.sessions.change() as transaction:
            found = self._find(transaction.main, session_id, artifact, WRITE)
            totals = Totals.read(transaction.main, found.session)
            totals.add(found, -1)
            totals.write(transaction.main, found.session)
            catalogue.remove(transaction, found)
            self._tell(transaction, "artifact.deleted", "ArtifactDeleted", found, -1)

    def grant(self, session_id: str | None, artifact: "str | Artifact", to_session_id: str, permission: str) -> None:
        """Let another session read an artifact, write (delete it as well), or admin (grant and revoke as well).

        A later grant to the same session replaces an earlier one.
        """
        if permission not in PERMISSIONS:
            raise BadArgument(f"a permission is one of {', '.join(PERMISSIONS)}, not {permission!r:.40}")
        with self.sessions.change() as transaction:
            main = transaction.main
            found = self._find(main, session_id, artifact, ADMIN)
            self.sessions.require(main, to_session_id)
            if to_session_id == found.session_id:
                raise BadArgument("a session needs no grant for what it owns")
            found.grants[to_session_id] = permission
            catalogue.rewrite(main, found)
            main.put(index.readable_by(id_bytes(to_session_id)) + index.place(found), b"")

    def revoke(
        self, session_id: str | None, artifact: "str | Artifact", to_session_id: str, permission: str | None = None
    ) -> None:
        """Take a grant back: all of it, or a permission and those that contain it. Raises NotFound when there is none."""
        if permission is not None and permission not in PERMISSIONS:
            raise BadArgument(f"a permission is one of {', '.join(PERMISSIONS)}, not {permission!r:.40}")
        with self.sessions.change() as transaction:
            main = transaction.main
            found = self._find(main, session_id, artifact, ADMIN)
            held = found.grants.get(to_session_id)
            rest = 0 if permission is None else PERMISSIONS.index(permission)
            if held is None or PERMISSIONS.index(held) < rest:
                raise NotFound(f"the session {to_session_id} has no such grant for {found.id}")
            if rest:
                found.grants[to_session_id] = PERMISSIONS[rest - 1]
            else:
                del found.grants[to_session_id]
                main.delete(index.readable_by(id_bytes(to_session_id)) + index.place(found))
            catalogue.rewrite(main, found)

    # Upkeep

    def collect(self, *, dry_run: bool = False, progress: "Callable[[int], object] | None" = None) -> "Collected":
        """Remove the bytes that nothing needs any more: no artifact, no checkpoint, no upload of a living process.

        With `dry_run`, only say what would go. Raises BadArgument within a transaction.
        """
        if self.manager.own_transaction() is not None:
            raise BadArgument("artifacts cannot be collected within a transaction")
        return collection.collect(self.manager, dry_run=dry_run, progress=progress)

    def verify(self, *, progress: "Callable[[int], object] | None" = None) -> "Verified":
        """Read every byte of every content and count every reference. `progress` gets the bytes read since the last call."""
        from llmspell.artifacts.check import verify

        with self.manager.store.read() as txn:
            return verify(txn, progress)

    # Within

    def _upload(self, session_id: str, blocks: "Iterable[bytes]", expected: int, fields: "dict[str, Any]") -> Artifact:
        with self._reading() as txn:
            self.sessions.require(txn, session_id)  # before a long upload, not only after it
        # In a transaction, what is stored of it goes when it fails; else every batch is a commit of its own.
        part = nullcontext() if self.manager.own_transaction() is None else self.sessions.change()
        with part, Upload(self.manager, self.compression_threshold, expected) as upload:
            for block in blocks:
                upload.write(block)
                if upload.size > MAX_FILE_BYTES:
                    raise ValueTooLarge(f"the content is above {size_text(MAX_FILE_BYTES)}, the limit for an artifact")
            upload.finish()

            def add(transaction: "Transaction") -> "tuple[Content, int]":
                found = upload.hand_over(transaction)
                return found, upload.shared

            stored = self._add(session_id, upload.size, add, fields)
            upload.handed_over()
        return stored

    def _add(
        self, session_id: str, size: int, add: "Callable[[Transaction], tuple[Content, int]]", fields: "dict[str, Any]"
    ) -> Artifact:
        """Add an artifact, in one commit with its content, its place in the timeline and what is counted."""
        with self.sessions.change() as transaction:
            main, session = transaction.main, id_bytes(session_id)
            kept, shared = add(transaction)
            totals = Totals.read(main, session)
            made = Artifact.make(
                session, totals.sequence + 1, hash=kept.hash, size=size, stored_size=kept.stored, shared=shared,
                version=catalogue.next_version(main, session, fields["name"]), created_at=transaction.now, grants={},
                spans=[[transaction.version, 0]], **fields,
            )  # fmt: skip
            owner = self._tell(transaction, "artifact.stored", "ArtifactStored", made, 1)
            made.created_by = made.created_by or owner.fields.get("created_by", "")
            totals.add(made)
            totals.write(main, session)
            catalogue.put(main, made)
        return made

    def _tell(self, transaction: "Transaction", event: str, point: str, artifact: Artifact, count: int) -> "Details":
        """Count it, write it into the timeline, and announce it once it is committed. Gives what its session is."""
        data = {"artifact_id": artifact.id, "name": artifact.name, "version": artifact.version, "size": artifact.size}
        details = self.sessions.admit(
            transaction, artifact.session_id, artifacts=count, bytes=count * artifact.size, kind=event, data=data
        )
        announce = self.announce
        if announce is not silent:
            told = {"session_id": artifact.session_id, **data, "artifact_type": artifact.type}
            transaction.afterwards(lambda: announce(event, told, point=point))
        return details

    def _find(
        self, txn: "ReadTransaction", session_id: str | None, artifact: "str | Artifact", permission: str
    ) -> Artifact:
        """The artifact that is meant, if the current session, and one that is named, may do that with it."""
        text = artifact if isinstance(artifact, str) else artifact.id
        parsed = parse_id(text)
        if parsed is None:
            owner = self.sessions.resolve(session_id)
            self.sessions.require(txn, owner)
            found = catalogue.latest(txn, id_bytes(owner), text)
        else:
            owner, sequence, hash = parsed
            found = catalogue.get(txn, id_bytes(owner), sequence)
            if found is not None and found.content_hash[:8] != hash:
                found = None
        if found is None:
            raise NotFound(
                f"there is no artifact '{text:.300}'" + ("" if parsed else f" in the session {owner}"),
                hint="Artifact.list(session_id), or `llmspell artifact list`, tells which there are",
            )
        for who in dict.fromkeys((self.sessions.current_id, session_id or None)):
            if who is not None and not found.allows(who, permission):
                raise AccessDenied(
                    f"the session {who} may not {permission} the artifact {found.id}",
                    hint="its owner can allow it with Artifact.grant",
                )
        return found

    def _reading(self) -> "Any":
        """This thread's transaction, or a snapshot, for the block."""
        current = self.manager.own_transaction()
        return self.manager.store.read() if current is None else nullcontext(current.main)


def _fields(
    name: str, type: str, mime_type: str, form: int, tags: "Sequence[str]", description: str, parent_artifact: str,
    custom: "Mapping[str, Any] | None", created_by: str,
) -> "dict[str, Any]":  # fmt: skip
    """What a caller says about an artifact, checked."""
    fields: dict[str, Any] = {
        "name": name, "type": type, "mime_type": mime_type, "form": form, "tags": tags,
        "description": description, "parent_artifact": parent_artifact, "custom": dict(custom or {}), "created_by": created_by,
    }  # fmt: skip
    check_fields(fields)
    fields["tags"] = list(dict.fromkeys(tags))
    return fields


def _guess(path: str) -> str:
    from mimetypes import guess_type

    return guess_type(path)[0] or "application/octet-stream"


def _told(blocks: "Iterator[bytes]", progress: "Callable[[int], object]") -> "Iterator[bytes]":
    for block in blocks:
        yield block
        progress(len(block))
