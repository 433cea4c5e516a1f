"""Validation: reading every byte of a backup and of all that it builds on, and saying what is wrong with it."""

from llmspell.backup.content import AskSecret, Content, Loss, Member
from llmspell.backup.folder import Folder
from llmspell.backup.manifest import Ref
from llmspell.backup.pack import HEADER_BYTES, Progress, silent, spread
from llmspell.errors import Corrupt
from llmspell.storage.keys import STATE


class Validation:
    """What was found about one backup.

    `checksum_valid`: every stored byte is the one that was written. `integrity_valid`: what manifests and chunks say fits
    together. `chain_valid`: all backups that it builds on are there and sound. `errors` are sentences, `losses` the
    chunks among them that cannot be read.
    """

    def __init__(self, backup_id: str) -> None:
        self.backup_id = backup_id
        self.checksum_valid = True
        self.integrity_valid = True
        self.chain_valid = True
        self.errors: list[str] = []
        self.warnings: list[str] = []
        self.losses: list[Loss] = []
        self.size = 0
        """Plain bytes that were read."""

    @property
    def is_valid(self) -> bool:
        return self.checksum_valid and self.integrity_valid and self.chain_valid

    def raise_damage(self) -> None:
        """Raise Corrupt when it is not valid."""
        if not self.is_valid:
            more = f" (and {len(self.errors) - 1} more)" if len(self.errors) > 1 else ""
            raise Corrupt(
                f"the backup {self.backup_id} is damaged: {self.errors[0]}{more}",
                hint="restore another backup; --salvage restores what is left of this one",
            )

    def add_checksum(self, owner: str, error: str) -> None:
        self.checksum_valid = False
        self._add(owner, error)

    def add_integrity(self, owner: str, error: str) -> None:
        self.integrity_valid = False
        self._add(owner, error)

    def include(self, other: "Validation") -> None:
        """Add what was found about the annex of the backup."""
        self.checksum_valid = self.checksum_valid and other.checksum_valid
        self.integrity_valid = self.integrity_valid and other.integrity_valid
        self.chain_valid = self.chain_valid and other.chain_valid
        self.errors += other.errors
        self.warnings += other.warnings
        self.losses += other.losses
        self.size += other.size

    def _add(self, owner: str, error: str) -> None:
        self.errors.append(error)
        if owner != self.backup_id:
            self.chain_valid = False


def validate(folder: Folder, backup_id: str, ask_secret: AskSecret, progress: Progress = silent) -> Validation:
    """Read every byte of a backup and of those it builds on.

    Damage is in the result. Raises NotFound when there is no such backup, and EncryptionError.
    """
    found = Validation(backup_id)
    try:
        content = Content(folder, backup_id, ask_secret, tolerant=True)
    except Corrupt as error:
        found.checksum_valid = found.chain_valid = False
        found.errors.append(error.message)
        return found
    with content:
        for owner, fault in content.faults.items():
            found.add_checksum(owner, f"{fault} (its copy in the pack is sound)")
        for member in content.members.values():
            _check_member(content, member, found)
        _read_all(content, found, progress)
    return found


def _check_member(content: Content, member: Member, found: Validation) -> None:
    manifest = member.manifest
    if member.pack is None:
        found.add_checksum(manifest.id, member.fault)
        return
    for fault in member.pack.faults:
        found.add_checksum(manifest.id, fault)
    if not member.pack.faults and not member.pack.has_copy(manifest):
        found.add_checksum(manifest.id, f"the copy of the manifest in the pack of the backup {manifest.id} is damaged")
    offset = HEADER_BYTES
    for ref in member.own_refs:
        if ref.offset != offset:
            found.add_integrity(manifest.id, f"the chunks of the backup {manifest.id} leave a gap or overlap")
            break
        offset += ref.stored
    else:
        if offset != manifest.pack_bytes:
            found.add_integrity(manifest.id, f"the chunks of the backup {manifest.id} end where its pack does not")
    told = (manifest.entries, manifest.values, manifest.size)
    if told != totals(member.refs):
        found.add_integrity(manifest.id, f"the manifest of the backup {manifest.id} counts other entries than it lists")
    # Of a backup that only lends chunks, what it needs itself is no concern of this one.
    for ref in member.refs if member in content.chain else ():
        owner = content.owner(member, ref)
        if owner is not member and _place(ref) not in {_place(own) for own in owner.own_refs}:
            found.add_integrity(
                manifest.id, f"the backup {manifest.id} needs a chunk that {owner.manifest.id} does not hold"
            )
            break


def _read_all(content: Content, found: Validation, progress: Progress) -> None:
    wanted = [(member, ref) for member in content.members.values() if member.pack for ref in member.own_refs]

    def read(item: tuple[Member, Ref]) -> str:
        member, ref = item
        try:
            member.read(ref)
        except Corrupt as error:
            return error.message
        return ""

    for (member, ref), problem in spread(wanted, read, lambda item: item[1].size):
        if problem:
            loss = Loss(member.manifest.id, ref, problem)
            found.losses.append(loss)
            found.add_checksum(member.manifest.id, str(loss))
        found.size += ref.size
        progress(ref.size)


def totals(refs: list[Ref]) -> tuple[int, int, int]:
    """Entries, values of the state among them, and bytes of some chunks."""
    values = sum(ref.entries for ref in refs if ref.first.startswith(STATE))
    return sum(ref.entries for ref in refs), values, sum(ref.size for ref in refs)


def _place(ref: Ref) -> tuple[bytes, int, int, int, int, bytes]:
    return ref.identity, ref.number, ref.offset, ref.stored, ref.size, ref.checksum
