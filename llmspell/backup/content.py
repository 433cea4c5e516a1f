"""What a backup holds, put together from its chain: the backups that it builds on, down to a complete one."""

import heapq
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from llmspell.backup import chunk
from llmspell.backup.chunk import Entry
from llmspell.backup.folder import Folder
from llmspell.backup.manifest import Manifest, Reader, Ref
from llmspell.backup.pack import PackReader, Progress, read_copy, silent, spread
from llmspell.backup.seal import Keys, Seal, open_keys
from llmspell.backup.secret import Secret
from llmspell.backup.snapshot import TRACKED
from llmspell.errors import Corrupt, NotFound
from llmspell.storage import keys
from llmspell.storage.scan import overlay

AskSecret = Callable[[], Secret]
"""Finds the key; raises EncryptionError. Only called for encrypted backups."""

_VERSION_BYTES = 8
_RUN_BYTES, _RUN_ENTRIES = 1 << 20, 5000
_NO_VERSION = bytes(_VERSION_BYTES)


class Loss:
    """A chunk that cannot be read: what is lost with it, in `backup_id`, and why.

    `is_change` says that older values may stand in for what is lost, since the chunk held changes.
    """

    __slots__ = ("backup_id", "entries", "first", "is_change", "last", "reason")

    def __init__(self, backup_id: str, ref: Ref, reason: str) -> None:
        self.backup_id = backup_id
        self.entries = ref.entries
        self.first = ref.first
        self.last = ref.last
        self.is_change = ref.is_change
        self.reason = reason

    def __str__(self) -> str:
        entries = f"{self.entries} entr{'y' if self.entries == 1 else 'ies'}"
        told = name_key(self.first) if self.first == self.last else f"{name_key(self.first)} to {name_key(self.last)}"
        return f"{self.reason}: {entries} of the backup {self.backup_id} affected, {told}"


class Member:
    """One backup of a chain, opened: its manifest, its index, and its pack (None when that is missing)."""

    def __init__(self, folder: Folder, reader: Reader, ask_secret: AskSecret) -> None:
        self.manifest: Manifest = reader.manifest
        self.keys: Keys | None = None
        told = self.manifest.encryption
        if told is not None:
            self.keys = open_keys(ask_secret(), told.derivation, told.check, self.manifest.id)
        self.seal = Seal(self.manifest.compression, keys=self.keys)
        self.refs = reader.refs(self.keys)
        self.fault = ""
        try:
            self.pack: PackReader | None = PackReader(folder, self.manifest)
        except Corrupt as error:
            self.pack = None
            self.fault = error.message

    @property
    def own_refs(self) -> list[Ref]:
        """The chunks that lie in its own pack."""
        return [ref for ref in self.refs if ref.source == 0]

    def read(self, ref: Ref) -> list[Entry]:
        """The entries of one of its own chunks."""
        if self.pack is None:
            raise Corrupt(self.fault)
        entries = chunk.decode(self.pack.read(ref, self.seal))
        if len(entries) != ref.entries or entries[0][0] != ref.first or entries[-1][0] != ref.last:
            raise Corrupt("a chunk holds other keys than the manifest says")
        if not ref.is_change and any(value is None for _, value in entries):
            raise Corrupt("a chunk has a key without a value")
        return entries

    def close(self) -> None:
        if self.pack is not None:
            self.pack.close()


class Content:
    """The content of the backup `backup_id`: its own chunks and those of the backups that it builds on.

    Raises NotFound when there is no such backup, Corrupt when one of them is missing or damaged in its manifest, and
    EncryptionError. With `tolerant`, damaged packs raise nothing here, and a manifest may be read from its copy. Close it;
    meanwhile the folder must not be changed by others.
    """

    def __init__(self, folder: Folder, backup_id: str, ask_secret: AskSecret, *, tolerant: bool = False) -> None:
        self._folder = folder
        self._ask_secret = ask_secret
        self._tolerant = tolerant
        self.members: dict[str, Member] = {}
        self.faults: dict[str, str] = {}
        """What is wrong with manifests that were read from their copy, by the id of the backup."""
        self.chain: list[Member] = []
        """The backup itself, the one it builds on, and so on to a complete one."""
        try:
            self._collect(backup_id)
        except BaseException:
            self.close()
            raise

    @property
    def manifest(self) -> Manifest:
        return self.chain[0].manifest

    def __enter__(self) -> "Content":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for member in self.members.values():
            member.close()

    def refs(self) -> Iterator[tuple[Member, Ref]]:
        """Every chunk that the content needs, with the backup whose manifest names it."""
        for member, ref in self._plain():
            yield member, ref
        for member in self.chain[:-1]:
            for ref in member.refs:
                if ref.is_change:
                    yield member, ref

    def owner(self, member: Member, ref: Ref) -> Member:
        """The backup whose pack holds a chunk that the manifest of `member` names."""
        return member if ref.source == 0 else self.members[member.manifest.sources[ref.source - 1]]

    def entries(
        self, start: bytes = b"", end: bytes | None = None, *, losses: list[Loss] | None = None,
        progress: Progress = silent,
    ) -> Iterator[tuple[bytes, bytes]]:  # fmt: skip
        """Its entries with `start <= key < end`, in key order, every byte of them verified.

        Damage raises Corrupt, naming what it affects; with `losses` it is added there instead, and the rest is given.
        """
        entries = chain.from_iterable(self.runs(start, end, losses=losses, progress=progress))
        if start == b"" and end is None:
            return entries
        return ((k, v) for k, v in entries if k >= start and (end is None or k < end))

    def runs(
        self, start: bytes = b"", end: bytes | None = None, *, losses: list[Loss] | None = None,
        progress: Progress = silent,
    ) -> Iterator[list[tuple[bytes, bytes]]]:  # fmt: skip
        """As `entries`, in lists of about a chunk; with some outside of the range in the first and the last."""
        lower = self._read(((m, r) for m, r in self._plain() if _touches(r, start, end)), losses, progress)
        if len(self.chain) == 1:
            return lower  # type: ignore[return-value]
        uppers = []
        for age, member in enumerate(self.chain[:-1]):
            wanted = [(member, ref) for ref in member.refs if ref.is_change and _touches(ref, start, end)]
            if wanted:
                changes = self._read(wanted, losses, progress, ahead=False)
                uppers.append(_aged(age, chain.from_iterable(changes)))
        merged = overlay(_newest(uppers), chain.from_iterable(lower), False)  # type: ignore[arg-type]
        return _in_runs(_trimmed(merged, self.manifest.trim))

    def _plain(self) -> list[tuple[Member, Ref]]:
        """The chunks that are no changes: of the complete backup, and of the newest where changes are not tracked."""
        newest, base = self.chain[0], self.chain[-1]
        if newest is base:
            return [(base, ref) for ref in base.refs]
        found = [(newest, ref) for ref in newest.refs if not ref.is_change]
        found += [(base, ref) for ref in base.refs if ref.first[:1] in TRACKED]
        found.sort(key=lambda each: each[1].first)
        return found

    def _read(
        self, wanted: Iterable[tuple[Member, Ref]], losses: list[Loss] | None, progress: Progress, *, ahead: bool = True
    ) -> Iterator[list[Entry]]:
        """The entries of some chunks, in order, chunk by chunk. `ahead` reads with threads, which takes memory for each run."""

        def read(item: tuple[Member, Ref]) -> list[Entry] | Loss:
            member, ref = item
            owner = self.owner(member, ref)
            try:
                return owner.read(ref)
            except Corrupt as error:
                return Loss(owner.manifest.id, ref, error.message)

        results = spread(wanted, read, lambda item: item[1].size) if ahead else ((item, read(item)) for item in wanted)
        for (_, ref), result in results:
            if isinstance(result, Loss):
                if losses is None:
                    raise Corrupt(
                        str(result), hint="restore another backup; --salvage restores what is left of this one"
                    )
                losses.append(result)
            else:
                yield result
            progress(ref.size)

    def _collect(self, backup_id: str) -> None:
        member = self._open(backup_id)
        self.chain.append(member)
        while not member.manifest.is_complete:
            parent = member.manifest.parent or ""
            if parent in self.members:
                raise Corrupt(f"the backup {backup_id} builds on itself")
            older = self._open(parent, needed_by=member.manifest.id)
            if (older.manifest.scopes is not None) or older.manifest.version > member.manifest.version:
                raise Corrupt(f"the backup {member.manifest.id} cannot build on {parent}")
            member = older
            self.chain.append(member)
        for each in self.chain:
            for source in each.manifest.sources:
                if source not in self.members:
                    self._open(source, needed_by=each.manifest.id)

    def _open(self, backup_id: str, needed_by: str = "") -> Member:
        try:
            try:
                reader = self._folder.read(backup_id)
            except Corrupt as error:
                if not self._tolerant:
                    raise
                self.faults[backup_id] = error.message
                try:
                    reader = read_copy(self._folder, backup_id)
                except Corrupt:
                    raise error from None
        except NotFound:
            if needed_by:
                raise Corrupt(
                    f"the backup {backup_id} is missing, on which {needed_by} builds", hint="restore another backup"
                ) from None
            raise
        member = self.members[backup_id] = Member(self._folder, reader, self._ask_secret)
        if not self._tolerant and member.pack is None:
            raise Corrupt(member.fault, hint="restore another backup")
        return member


def name_key(key: bytes) -> str:
    """A store's key in words."""
    if key[:1] == keys.STATE:
        return "'{1}' in scope '{0}'".format(*keys.split(key))
    if key[:1] == keys.HISTORY:
        return "the history of '{1}' in scope '{0}'".format(*keys.split(key[: -1 - _VERSION_BYTES]))
    if key[:1] == keys.JOURNAL:
        return f"the journal at version {int.from_bytes(key[1:9], 'big')}"
    return f"the key {key!r}"


def _touches(ref: Ref, start: bytes, end: bytes | None) -> bool:
    return ref.last >= start and (end is None or ref.first < end)


def _aged(age: int, entries: Iterator[Entry]) -> Iterator[tuple[bytes, int, bytes | None]]:
    return ((key, age, value) for key, value in entries)


def _newest(streams: list[Iterator[tuple[bytes, int, bytes | None]]]) -> Iterator[Entry]:
    """Streams in key order as one, where of equal keys the one of the least age counts."""
    last = None
    for key, _, value in heapq.merge(*streams):
        if key != last:
            last = key
            yield key, value


def _in_runs(entries: Iterator[tuple[bytes, bytes]]) -> Iterator[list[tuple[bytes, bytes]]]:
    run: list[tuple[bytes, bytes]] = []
    size = 0
    for entry in entries:
        run.append(entry)
        size += len(entry[1])
        if size > _RUN_BYTES or len(run) == _RUN_ENTRIES:
            yield run
            run, size = [], 0
    if run:
        yield run


def _trimmed(entries: Iterator[tuple[bytes, bytes]], trim: int) -> Iterator[tuple[bytes, bytes]]:
    """Without what the journal and the history had dropped by the time of the newest backup.

    That is all before the version `trim`, and per key what is not above the version in its mark.
    """
    mark, thinned_to = b"", 0
    for entry in entries:
        key = entry[0]
        space = key[:1]
        if space > keys.JOURNAL:
            yield entry
            break
        if space == keys.JOURNAL:
            if int.from_bytes(key[1:9], "big") < trim:
                continue
        elif space == keys.HISTORY:
            version = key[-_VERSION_BYTES:]
            if version == _NO_VERSION:
                mark, thinned_to = key[:-_VERSION_BYTES], int.from_bytes(entry[1][:_VERSION_BYTES], "big")
            elif int.from_bytes(version, "big") < trim or (
                key[:-_VERSION_BYTES] == mark and int.from_bytes(version, "big") <= thinned_to
            ):
                continue
        yield entry
    yield from entries
