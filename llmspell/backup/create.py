"""Making a backup: from one snapshot of a store to a manifest in its place.

Order of writing: the pack, with a copy of the manifest at its end; fsync; the manifest under another name; fsync; the
rename; fsync of the folder. Only the rename makes the backup exist, so a crash leaves debris and nothing else.
"""

import os
from time import perf_counter_ns

from llmspell import __version__
from llmspell.backup import manifest as manifests
from llmspell.backup import pieces, snapshot
from llmspell.backup.content import Content
from llmspell.backup.folder import UNFINISHED, Folder, explain
from llmspell.backup.manifest import CHANGES, COMPLETE, FULL, INCREMENTAL, Encryption, Manifest, Ref
from llmspell.backup.pack import PackWriter, Progress, silent
from llmspell.backup.seal import Keys, Seal
from llmspell.backup.secret import PBKDF2, Secret
from llmspell.backup.validation import totals
from llmspell.errors import Corrupt, LlmspellError
from llmspell.ids import new_id
from llmspell.storage.store import ReadTransaction, Store

MAX_CHAIN = 100
"""An incremental backup that would make a longer chain reads everything again, and builds on no changes."""


class Options:
    """How backups are made. `secret` encrypts them; `key_derivation` and `iterations` say how its text becomes a key."""

    def __init__(
        self, *, compression: str = "zstd", level: int = 3, secret: Secret | None = None, key_derivation: str = PBKDF2,
        iterations: int = 600_000,
    ) -> None:  # fmt: skip
        self.compression = compression
        self.level = level
        self.secret = secret
        self.key_derivation = key_derivation
        self.iterations = iterations


class Maker:
    """Makes one backup of `store` in `folder`, whose lock the caller has. `is_journaled`: the state keeps a journal now."""

    def __init__(self, store: Store, folder: Folder, options: Options, *, is_journaled: bool) -> None:
        self._store = store
        self._folder = folder
        self._options = options
        self._is_journaled = is_journaled
        self._warnings: list[str] = []
        self._sources: list[str] = []
        self._known: dict[bytes, Ref] = {}
        self._gone: list[bytes] = []

    def make(
        self, kind: str, created_at: int, *, description: str = "", scopes: list[str] | None = None,
        progress: Progress = silent, backup_id: str = "",
    ) -> Manifest:  # fmt: skip
        """Make it, under a new id or the one that is given; an incremental one becomes full when there is nothing to build on.

        Everything committed before is in it, and nothing that is committed while it is made. Raises StorageFull,
        BackupError and what the store raises; the folder is then as it was.
        """
        started = perf_counter_ns()
        progress = snapshot.relaxing(self._store, progress)
        self._folder.clear_debris()
        others = self._folder.manifests()[0]
        parent = self._parent(others) if kind == INCREMENTAL else None
        kind = FULL if parent is None else INCREMENTAL
        backup_id = backup_id or new_id()
        keys, encryption = self._keys(backup_id, others)
        seal = Seal(self._options.compression, self._options.level, keys)
        self._store.sync()
        with self._store.read() as txn:
            position = snapshot.Position(txn)
            layer = COMPLETE
            if parent is not None:
                layer = self._layer(txn, position, parent)
            with PackWriter(self._folder, backup_id, seal, self._known) as pack:
                if scopes is not None:
                    pack.add(snapshot.of_scopes(txn, scopes), is_change=False, progress=progress)
                elif parent is None or layer == COMPLETE:
                    pack.add(snapshot.everything(txn), is_change=False, progress=progress)
                else:
                    pack.add(snapshot.untracked(txn), is_change=False, progress=progress)
                    changes = snapshot.changes(txn, parent.version, position.version, self._gone)
                    pack.add(changes, is_change=True, progress=progress)
                sources = self._compact_sources(pack.refs)
                entries, values, size = totals(pack.refs)
                made = Manifest(
                    id=backup_id, sequence=max((each.sequence for each in others), default=0) + 1, created_at=created_at,
                    duration=(perf_counter_ns() - started) // 1000, kind=kind, layer=layer,
                    parent=None if parent is None else parent.id, sources=sources, scopes=scopes, description=description,
                    compression=self._options.compression, encryption=encryption, version=position.version,
                    floor=position.floor, mark=position.mark, epoch=position.epoch, trim=position.trim, entries=entries,
                    values=values, size=size, pack_bytes=pack.size, program=f"llmspell {__version__}",
                    warnings=self._warnings,
                )  # fmt: skip
                data = manifests.write(made, pack.refs, seal)
                pack.finish(data)
                # From here on the pack stays, whatever happens: the next one clears away what has no manifest.
                self._publish(backup_id, data)
        return made

    def _parent(self, others: list[Manifest]) -> Manifest | None:
        """The newest backup of the whole store that is still there, with all it builds on, and that the same key opens."""
        whole = [each for each in others if each.scopes is None]
        for each in whole:
            if self._is_usable(each):
                return each
        self._warnings.append(
            "no backup that is whole and made with the same key is there, so this one is full"
            if whole
            else "there is no backup to build on, so this one is full"
        )
        return None

    def _is_usable(self, each: Manifest) -> bool:
        secret, told = self._options.secret, each.encryption
        if (secret is None) is not (told is None):
            return False
        if secret is not None and told is not None and not secret.opens(told.derivation, told.check):
            return False
        try:
            with Content(self._folder, each.id, self._secret) as content:
                return not any(member.pack is None or member.pack.faults for member in content.members.values())
        except LlmspellError:
            return False

    def _keys(self, backup_id: str, others: list[Manifest]) -> tuple[Keys | None, Encryption | None]:
        options = self._options
        if options.secret is None:
            return None, None
        # The parameters of an older backup are used again: one derivation then opens all of a chain.
        for each in others:
            told = each.encryption
            if told is not None and options.secret.fits(told.derivation, options.key_derivation, options.iterations):
                keys = Keys(options.secret.key(told.derivation), backup_id)
                if keys.check == told.check:
                    return keys, told
        derivation = options.secret.derivation(options.key_derivation, options.iterations)
        keys = Keys(options.secret.key(derivation), backup_id)
        return keys, Encryption(derivation, keys.check)

    def _layer(self, txn: ReadTransaction, position: snapshot.Position, parent: Manifest) -> str:
        """Whether the changes since the parent are enough; remembers what went, and chunks that need not be stored again."""
        with Content(self._folder, parent.id, self._secret) as content:
            why = snapshot.obstacle(txn, position, parent, is_journaled=self._is_journaled)
            if not why and len(content.chain) >= MAX_CHAIN:
                why = f"the chain has {len(content.chain)} backups"
            if not why:
                try:
                    self._gone = pieces.gone(txn, content)
                except Corrupt as error:
                    why = error.message
            for member, ref in content.refs():
                self._remember(content.owner(member, ref).manifest.id, ref)
        if why:
            self._warnings.append(f"{why}: everything was read, and what is stored already was not stored again")
            return COMPLETE
        return CHANGES

    def _remember(self, owner: str, ref: Ref) -> None:
        if owner not in self._sources:
            self._sources.append(owner)
        ref.source = self._sources.index(owner) + 1
        self._known[ref.identity] = ref

    def _secret(self) -> Secret:
        assert self._options.secret is not None
        return self._options.secret

    def _compact_sources(self, refs: list[Ref]) -> list[str]:
        """The backups whose chunks are used, and nothing else; the chunks then name them."""
        used = sorted({ref.source for ref in refs if ref.source})
        places = {source: place for place, source in enumerate(used, 1)}
        for ref in refs:
            if ref.source:
                ref.source = places[ref.source]
        return [self._sources[source - 1] for source in used]

    def _publish(self, backup_id: str, data: bytes) -> None:
        path = self._folder.manifest_path(backup_id)
        unfinished = os.path.join(self._folder.path, backup_id + UNFINISHED)
        try:
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(descriptor, view) :]
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            self._folder.sync()  # the pack's name, before the manifest that needs it
            os.rename(unfinished, path)
        except OSError as error:
            raise explain(error, path) from error
        self._folder.sync()
