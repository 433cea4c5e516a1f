"""Manifests: what a backup is and where its chunks lie. The file that makes a backup exist.

A manifest file is: `MAGIC`; the length of the header (4 bytes, little-endian) and the header, a JSON object in UTF-8; the
length of the index (4) and the index; the BLAKE3 of all before it (32). The header is never encrypted, the index is when
the backup is. Everything read from one is hostile until it is checked here.
"""

import json
import re
from collections.abc import Callable, Iterable
from struct import Struct, error
from typing import Any

from llmspell.backup.seal import COMPRESSIONS, DIGEST_BYTES, Keys, Seal, checksum
from llmspell.backup.secret import CHECK_BYTES, Derivation, check_derivation, is_hexadecimal
from llmspell.errors import BackupError, Corrupt
from llmspell.state.scope import Scope
from llmspell.storage.store import MAX_KEY_BYTES

_FORMAT = b"llmspell-backup "
MAGIC = _FORMAT + b"1\n"
PACK_MAGIC = b"llmspell-pack 1\n"
FULL, INCREMENTAL = "full", "incremental"
COMPLETE, CHANGES = "complete", "changes"
CIPHER = "AES-256-GCM"
MAX_BYTES = 1 << 30
COPY_LENGTH_BYTES = 8
"""What follows the copy of the manifest at the end of a pack: how long the copy is."""
_LENGTH_BYTES = 4
_MAX_NUMBER = 2**62
_MAX_TEXT = 100_000
_MAX_LIST = 100_000
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_REF = Struct("<BIIQIII32s32sHH")


def is_id(text: object) -> bool:
    """Whether a text has the form of a backup's id; only such a text ever becomes part of a path."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


class Ref:
    """Where one chunk lies and what is in it.

    `source` is the place in `Manifest.sources` of the backup whose pack holds it; `number` its place in that pack, and
    `offset` and `stored` its bytes there; `size` those of the chunk. `is_change` says that it changes what the parent
    has. `first` and `last` are the first and last key.
    """

    __slots__ = (
        "checksum", "entries", "first", "identity", "is_change", "last", "number", "offset", "size", "source", "stored",
    )  # fmt: skip

    def __init__(
        self, *, is_change: bool, source: int, number: int, offset: int, stored: int, size: int, entries: int,
        identity: bytes, checksum: bytes, first: bytes, last: bytes,
    ) -> None:  # fmt: skip
        self.is_change = is_change
        self.source = source
        self.number = number
        self.offset = offset
        self.stored = stored
        self.size = size
        self.entries = entries
        self.identity = identity
        self.checksum = checksum
        self.first = first
        self.last = last

    def pack(self) -> bytes:
        fixed = _REF.pack(
            self.is_change, self.source, self.number, self.offset, self.stored, self.size, self.entries,
            self.identity, self.checksum, len(self.first), len(self.last),
        )  # fmt: skip
        return fixed + self.first + self.last


class Encryption:
    """What a manifest tells of its encryption: how the key is derived, and a mark that tells a wrong one."""

    __slots__ = ("check", "derivation")

    def __init__(self, derivation: Derivation, check: bytes) -> None:
        self.derivation = derivation
        self.check = check


class Manifest:
    """One backup, but for its index.

    `created_at` and `duration` are in µs; `sequence` orders backups of one moment. `kind` is full or incremental; an
    incremental one has a `parent`. Its `layer` says what its chunks are: complete, or changes to the parent's content.
    `version` and `floor` are those of the store's journal, `mark` the checksum of its last entry and `epoch` what changes
    when the store changes behind the journal's back. `trim` is the version before which the journal and the history were
    dropped since the parent. `scopes` limits it to some scopes, else None. `entries` and `values` count what its chunks
    hold, and which of it are values of the state; `size` are the bytes of its chunks, `pack_bytes` is where its pack's
    chunks end.
    `manifest_bytes` and `checksum` are of the manifest's file.
    """

    id: str
    sequence: int
    created_at: int
    duration: int
    kind: str
    layer: str
    parent: str | None
    sources: list[str]
    scopes: list[str] | None
    description: str
    compression: str
    encryption: Encryption | None
    version: int
    floor: int
    mark: str
    epoch: str
    trim: int
    entries: int
    values: int
    size: int
    pack_bytes: int
    program: str
    warnings: list[str]
    manifest_bytes = 0
    checksum = ""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    @property
    def is_incremental(self) -> bool:
        return self.kind == INCREMENTAL

    @property
    def is_complete(self) -> bool:
        return self.layer == COMPLETE

    @property
    def total_bytes(self) -> int:
        """What it takes in the folder: the pack ends with a copy of the manifest."""
        return self.pack_bytes + 2 * self.manifest_bytes + COPY_LENGTH_BYTES

    def header(self) -> bytes:
        """The header of the file."""
        told: dict[str, Any] = {name: getattr(self, name) for name in _FIELDS}
        if self.encryption is not None:
            told["encryption"] = {
                "cipher": CIPHER,
                "derivation": self.encryption.derivation,
                "check": self.encryption.check.hex(),
            }
        return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def write(manifest: Manifest, refs: Iterable[Ref], seal: Seal) -> bytes:
    """The file of a manifest with its index. Sets `manifest_bytes` and `checksum`."""
    header = manifest.header()
    index = seal.close_index(b"".join(ref.pack() for ref in refs), header)
    body = b"".join((MAGIC, _length(header), header, _length(index), index))
    digest = checksum(body)
    manifest.manifest_bytes = len(body) + DIGEST_BYTES
    manifest.checksum = digest.hex()
    return body + digest


class Reader:
    """The file of a manifest: `manifest` is what it says, the index is opened when it is asked for.

    Raises Corrupt when a byte was changed, cut off or added, or when it says something that cannot be, and BackupError when
    a later version wrote it.
    """

    def __init__(self, data: bytes, backup_id: str) -> None:
        """`backup_id` is the id that its file is named after."""
        self._where = f"the manifest of the backup {backup_id}"
        if len(data) < len(MAGIC) + DIGEST_BYTES or checksum(data[:-DIGEST_BYTES]) != data[-DIGEST_BYTES:]:
            raise self._damaged("its checksum does not match")
        if not data.startswith(MAGIC):
            mark = data[: len(MAGIC) + 10].partition(b"\n")[0]
            if mark.startswith(_FORMAT) and mark[len(_FORMAT) :].isdigit():
                raise BackupError(
                    f"the backup {backup_id} has the format {mark[len(_FORMAT) :].decode()}, which a later version of "
                    "llmspell wrote",
                    hint="upgrade llmspell",
                )
            raise self._damaged("it has a format that this version does not know")
        self._header, rest = self._part(data[len(MAGIC) : -DIGEST_BYTES])
        self._index, rest = self._part(rest)
        if rest:
            raise self._damaged("something follows its index")
        try:
            told = json.loads(self._header)
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict) or told.keys() != _FIELDS.keys():
            raise self._damaged("its header is not what it should be")
        for name, is_fine in _FIELDS.items():
            if not is_fine(told[name]):
                raise self._damaged(f"its {name} cannot be")
        if told["id"] != backup_id:
            raise self._damaged("it is that of another backup")
        if told["encryption"] is not None:
            told["encryption"] = self._read_encryption(told["encryption"])
        self.manifest = manifest = Manifest(**told, manifest_bytes=len(data), checksum=data[-DIGEST_BYTES:].hex())
        has_parent = manifest.parent is not None
        if manifest.is_incremental is not has_parent or (not manifest.is_complete and not has_parent):
            raise self._damaged("its kind and its parent do not fit")
        if manifest.id in (manifest.parent, *manifest.sources):
            raise self._damaged("it names itself as its parent")

    def refs(self, keys: Keys | None) -> list[Ref]:
        """The index, with every number checked. Needs the keys of an encrypted backup."""
        try:
            index = Seal("none", keys=keys).open_index(self._index, self._header)
        except Corrupt:
            raise self._damaged("its index was changed") from None
        refs: list[Ref] = []
        latest = {False: b"", True: b""}
        position = 0
        while position < len(index):
            try:
                fixed = _REF.unpack_from(index, position)
            except error:
                raise self._damaged("its index is cut off") from None
            change, source, number, offset, stored, size, entries, identity, digest, first_bytes, last_bytes = fixed
            middle = position + _REF.size + first_bytes
            position += _REF.size
            first, last = index[position:middle], index[middle : middle + last_bytes]
            position = middle + last_bytes
            ref = Ref(
                is_change=bool(change), source=source, number=number, offset=offset, stored=stored, size=size,
                entries=entries, identity=identity, checksum=digest, first=first, last=last,
            )  # fmt: skip
            if (
                change > 1
                or position > len(index)
                or source > len(self.manifest.sources)
                or not 0 < len(first) <= MAX_KEY_BYTES
                or not 0 < len(last) <= MAX_KEY_BYTES
                or first > last
                or (entries == 1) is not (first == last)
                or not 0 < entries <= size
                or (change and self.manifest.is_complete)
                or first <= latest[ref.is_change]
            ):
                raise self._damaged("its index cannot be")
            latest[ref.is_change] = last
            refs.append(ref)
        return refs

    def _part(self, data: bytes) -> tuple[bytes, bytes]:
        """A part with its length before it, and what follows."""
        end = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "little")
        if len(data) < max(end, _LENGTH_BYTES):
            raise self._damaged("it is cut off")
        return data[_LENGTH_BYTES:end], data[end:]

    def _read_encryption(self, told: dict[str, Any]) -> Encryption:
        return Encryption(check_derivation(told["derivation"]), bytes.fromhex(told["check"]))

    def _damaged(self, why: str) -> Corrupt:
        return Corrupt(
            f"{self._where} is damaged: {why}", hint="other backups are not affected, unless they build on it"
        )


def _length(part: bytes) -> bytes:
    return len(part).to_bytes(_LENGTH_BYTES, "little")


def _is_number(value: object) -> bool:
    return type(value) is int and 0 <= value <= _MAX_NUMBER


def _is_text(value: object) -> bool:
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_list(value: object, is_item: Callable[[object], bool]) -> bool:
    return isinstance(value, list) and len(value) <= _MAX_LIST and all(map(is_item, value))


def _is_scope(value: object) -> bool:
    try:
        return isinstance(value, str) and Scope.parse(value).text == value
    except Exception:
        return False


def _is_encryption(value: object) -> bool:
    return value is None or (
        isinstance(value, dict)
        and value.keys() == {"cipher", "derivation", "check"}
        and value["cipher"] == CIPHER
        and is_hexadecimal(value["check"], CHECK_BYTES)
    )


def _is_digest(value: object) -> bool:
    return value == "" or is_hexadecimal(value, DIGEST_BYTES)


_FIELDS: dict[str, Callable[[object], bool]] = {
    "id": is_id,
    "sequence": _is_number,
    "created_at": _is_number,
    "duration": _is_number,
    "kind": lambda value: value in (FULL, INCREMENTAL),
    "layer": lambda value: value in (COMPLETE, CHANGES),
    "parent": lambda value: value is None or is_id(value),
    "sources": lambda value: _is_list(value, is_id) and len(value) <= 2**16,  # type: ignore[arg-type]
    "scopes": lambda value: value is None or (_is_list(value, _is_scope) and value != []),
    "description": _is_text,
    "compression": lambda value: value in COMPRESSIONS,
    "encryption": _is_encryption,
    "version": _is_number,
    "floor": _is_number,
    "mark": _is_digest,
    "epoch": _is_digest,
    "trim": _is_number,
    "entries": _is_number,
    "values": _is_number,
    "size": _is_number,
    "pack_bytes": _is_number,
    "program": _is_text,
    "warnings": lambda value: _is_list(value, _is_text),
}
"""Every field of a header, and what it must be. `sources` names the backups whose packs hold chunks; 0 is the own pack."""
