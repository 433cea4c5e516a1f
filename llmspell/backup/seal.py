"""Sealing: from the bytes of a chunk to what lies in a pack, and back. Usable from many threads at once.

The chunk is compressed, then encrypted. Its id is the BLAKE3 of its plain bytes, keyed when the backup is encrypted, so
that an id tells nothing to who lacks the key; a checksum covers what is stored.
"""

import gzip
import threading
import zlib
from collections.abc import Callable

from blake3 import blake3

from llmspell.backup.secret import Derivation, Secret, expand, key_check
from llmspell.errors import Corrupt, EncryptionError

NO_COMPRESSION, ZSTD, GZIP = "none", "zstd", "gzip"
COMPRESSIONS = (NO_COMPRESSION, ZSTD, GZIP)
DIGEST_BYTES = 32
_GZIP_WINDOW = 31
_INDEX_NONCE = b"\xff" * 12
_MISMATCH = "the checksum of a chunk does not match"


class Keys:
    """The keys of one backup: every backup encrypts with a key of its own, so counting makes nonces that never repeat."""

    __slots__ = ("check", "cipher", "identity")

    def __init__(self, master: bytes, backup_id: str) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self.cipher = AESGCM(expand(master, backup_id.encode(), b"llmspell backup content"))
        self.identity = expand(master, b"", b"llmspell backup identity")
        self.check = key_check(master)


def open_keys(secret: Secret, derivation: Derivation, check: bytes, backup_id: str) -> Keys:
    """The keys of a backup; raises EncryptionError when the secret is not the one it was made with."""
    keys = Keys(secret.key(derivation), backup_id)
    if keys.check != check:
        raise EncryptionError(
            f"{secret.origin} is not the key that the backup {backup_id} was made with",
            hint="give the key of that time; a lost key cannot be replaced",
        )
    return keys


class Seal:
    """How one backup compresses and encrypts. `keys` is None when it does not encrypt."""

    def __init__(self, compression: str, level: int = 3, keys: Keys | None = None) -> None:
        self._keys = keys
        self._compress, self._decompress = _codec(compression, level)

    def identify(self, data: bytes) -> bytes:
        """The id of a chunk."""
        if self._keys is None:
            return blake3(data).digest()
        return blake3(data, key=self._keys.identity).digest()

    def close(self, data: bytes, identity: bytes, number: int) -> bytes:
        """What is stored for a chunk. `number` is its place in the pack: none comes twice."""
        stored = self._compress(data)
        if self._keys is not None:
            stored = self._keys.cipher.encrypt(number.to_bytes(12, "big"), stored, identity)
        return stored

    def open(self, stored: bytes, identity: bytes, number: int, size: int) -> bytes:
        """The bytes of a chunk, of which there must be `size`; raises Corrupt when anything does not fit."""
        if self._keys is not None:
            stored = _decrypt(self._keys, number.to_bytes(12, "big"), stored, identity)
        data = self._decompress(stored, size)
        if len(data) != size or self.identify(data) != identity:
            raise Corrupt(_MISMATCH)
        return data

    def close_index(self, data: bytes, header: bytes) -> bytes:
        """What a manifest keeps of its index. With encryption, it holds only together with that header."""
        return data if self._keys is None else self._keys.cipher.encrypt(_INDEX_NONCE, data, header)

    def open_index(self, stored: bytes, header: bytes) -> bytes:
        return stored if self._keys is None else _decrypt(self._keys, _INDEX_NONCE, stored, header)


def checksum(data: bytes) -> bytes:
    """BLAKE3, as it stands beside everything that is stored."""
    return blake3(data).digest()


def _decrypt(keys: Keys, nonce: bytes, stored: bytes, bound_to: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag

    try:
        return keys.cipher.decrypt(nonce, stored, bound_to)
    except (InvalidTag, ValueError):
        raise Corrupt("what is encrypted was changed since") from None


Codec = tuple[Callable[[bytes], bytes], Callable[[bytes, int], bytes]]


def _codec(name: str, level: int) -> Codec:
    if name == ZSTD:
        return _zstd(level)
    if name == GZIP:
        return (lambda data: gzip.compress(data, min(level, 9), mtime=0)), _ungzip
    return (lambda data: data), (lambda data, _size: data)


def _zstd(level: int) -> Codec:
    import zstandard

    # The objects must not be shared among threads.
    local = threading.local()

    def compress(data: bytes) -> bytes:
        if not hasattr(local, "compressor"):
            local.compressor = zstandard.ZstdCompressor(level=level)
        packed: bytes = local.compressor.compress(data)
        return packed

    def decompress(data: bytes, size: int) -> bytes:
        if not hasattr(local, "decompressor"):
            local.decompressor = zstandard.ZstdDecompressor()
        try:
            # The frame names its size: looked at first, so that a made-up one reserves no memory.
            if zstandard.frame_content_size(data) != size:
                raise Corrupt(_MISMATCH)
            plain: bytes = local.decompressor.decompress(data, read_across_frames=False, allow_extra_data=False)
        except zstandard.ZstdError:
            raise Corrupt(_MISMATCH) from None
        return plain

    return compress, decompress


def _ungzip(data: bytes, size: int) -> bytes:
    stream = zlib.decompressobj(_GZIP_WINDOW)
    try:
        plain = stream.decompress(data, size + 1)
    except zlib.error:
        raise Corrupt(_MISMATCH) from None
    if not stream.eof or stream.unused_data or stream.unconsumed_tail:
        raise Corrupt(_MISMATCH)
    return plain
