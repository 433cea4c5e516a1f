"""Records: a stored value with its version, times, class, schema version and checksum.

Format 1, little-endian: format (1 byte), class (1), schema version (three of 2), store version (8), created, updated and
expiry time in µs since 1970 (8 each, no expiry is 0), payload, CRC-32 over the record's key and everything before it.
Every format ends in that checksum, so damage is told apart from a record of a later llmspell. Because the checksum is
last, running it over the whole record gives the same number for every undamaged one: reading copies nothing to verify.
"""

from struct import Struct
from zlib import crc32

from llmspell.errors import Corrupt, LlmspellError, StorageError
from llmspell.storage import keys

FORMAT = 1
HEADER = Struct("<BBHHHQqqq")
HEADER_BYTES = HEADER.size
STAMP = Struct("<BBHHHQ")
"""What all records of one class and one commit begin with."""
TIMES = Struct("<qqq")
TIMES_OFFSET = STAMP.size
VERSION = slice(STAMP.size - 8, STAMP.size)
EXPIRY_OFFSET = HEADER_BYTES - 8
NO_EXPIRY = bytes(8)
MIN_BYTES = HEADER_BYTES + 4
INTACT = 0x2144DF1C
"""`crc32` of anything that is followed by its own CRC-32."""

EPHEMERAL, TRUSTED, STANDARD, SENSITIVE, EXTERNAL = range(1, 6)
CLASS_NAMES = ("", "ephemeral", "trusted", "standard", "sensitive", "external")


class Record:
    """One record, verified. Times are µs since 1970; `expires_at` is 0 when there is none."""

    __slots__ = ("class_code", "created_at", "expires_at", "key", "payload", "schema", "updated_at", "version")

    def __init__(self, key: bytes, value: bytes) -> None:
        check(key, value)
        _, self.class_code, major, minor, patch, self.version, self.created_at, self.updated_at, self.expires_at = (
            HEADER.unpack_from(value)
        )
        self.key = key
        self.schema: tuple[int, int, int] = (major, minor, patch)
        self.payload = value[HEADER_BYTES:-4]

    def is_expired(self, now: int) -> bool:
        expires_at: int = self.expires_at
        return 0 < expires_at <= now


def seal(key: bytes, header: bytes, payload: bytes) -> bytes:
    """Header and payload with the checksum behind them."""
    return b"".join((header, payload, crc32(payload, crc32(key + header)).to_bytes(4, "little")))


def check(key: bytes, value: bytes) -> None:
    """Raise Corrupt, naming scope and key, when `value` is damaged, and StorageError when its format is unknown."""
    if crc32(value, crc32(key)) != INTACT or value[0] != FORMAT or len(value) < MIN_BYTES:
        raise damage(key, value)


def damage(key: bytes, value: bytes) -> LlmspellError:
    """The error for a value that is not an undamaged record of this format."""
    scope, name = keys.split(key)
    if value and crc32(value, crc32(key)) == INTACT and value[0] != FORMAT:
        return StorageError(
            f"the value of '{name}' in scope '{scope}' has the unknown record format {value[0]}",
            hint="use the version of llmspell that wrote it, or a later one",
        )
    return Corrupt(f"the value of '{name}' in scope '{scope}' is damaged (its checksum does not match)")


def verify(key: bytes, value: bytes) -> str | None:
    """What is wrong with a stored record, as a sentence, or None. For checking a whole store."""
    try:
        check(key, value)
    except LlmspellError as error:
        return error.message
    if not 0 < value[1] < len(CLASS_NAMES):
        scope, name = keys.split(key)
        return f"the value of '{name}' in scope '{scope}' has the unknown class {value[1]}"
    return None
