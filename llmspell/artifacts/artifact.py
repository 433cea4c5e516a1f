"""`Artifact`: what is known about one artifact, and the ids by which it is named."""

from llmspell import values
from llmspell.artifacts import layout
from llmspell.errors import BadArgument, Corrupt
from llmspell.sessions.layout import id_text
from llmspell.state.scope import has_control_character, is_utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

READ, WRITE, ADMIN = "read", "write", "admin"
PERMISSIONS = (READ, WRITE, ADMIN)
"""Each contains the ones before it."""
TEXT, BYTES, UNKNOWN = range(3)
"""What a content was given as; unknown is a file's, which is text when it can be."""

_FIELDS = (
    "hash", "name", "type", "mime_type", "size", "stored_size", "form", "tags", "custom", "description", "version",
    "created_at", "created_by", "parent_artifact", "shared", "grants", "spans",
)  # fmt: skip


class Artifact:
    """One artifact. Times are µs since 1970; `grants` are permissions by session id.

    `hash` is the BLAKE3 of its content, `version` counts those of its name in the session, `shared` is how many of its bytes
    were stored before. `spans` are the versions of the store between which it was there, the last one open (0) while it is.
    """

    __slots__ = ("_session_id", "session", "sequence", *_FIELDS)
    hash: bytes
    name: str
    type: str
    mime_type: str
    size: int
    stored_size: int
    form: int
    tags: "list[str]"
    custom: "dict[str, Any]"
    description: str
    version: int
    created_at: int
    created_by: str
    parent_artifact: str
    shared: int
    grants: "dict[str, str]"
    spans: "list[list[int]]"

    def __init__(self, session: bytes, sequence: int, fields: "Any") -> None:
        self.session = session
        self.sequence = sequence
        self._session_id = ""
        for name, value in zip(_FIELDS, fields, strict=True):
            setattr(self, name, value)

    @classmethod
    def make(cls, session: bytes, sequence: int, **fields: "Any") -> "Artifact":
        """An artifact of named fields, all of them."""
        return cls(session, sequence, [fields[name] for name in _FIELDS])

    @classmethod
    def unpack(cls, key: bytes, stored: bytes) -> "Artifact":
        """The artifact under a key; raises Corrupt."""
        try:
            return cls(key[2:18], int.from_bytes(key[18:], "big"), layout.unseal(key, stored))
        except (TypeError, ValueError):
            raise Corrupt(f"the artifact {id_text(key[2:18])}/{int.from_bytes(key[18:], 'big')} is damaged") from None

    def pack(self, key: bytes) -> bytes:
        """What is stored for it under a key."""
        return layout.seal_value(key, [getattr(self, name) for name in _FIELDS])

    def copied(self, session: bytes, **changes: "Any") -> "Artifact":
        """The same for another session, with some fields changed."""
        return Artifact(session, self.sequence, [changes.get(name, getattr(self, name)) for name in _FIELDS])

    @property
    def session_id(self) -> str:
        if not self._session_id:
            self._session_id = id_text(self.session)
        return self._session_id

    @property
    def content_hash(self) -> str:
        return self.hash.hex()

    @property
    def id(self) -> str:
        """Its text form: `session/sequence/hash8`."""
        return f"{self.session_id}/{self.sequence}/{self.content_hash[:8]}"

    @property
    def is_compressed(self) -> bool:
        return self.stored_size < self.size

    def allows(self, session_id: str, permission: str) -> bool:
        """Whether a session may do something with it: its own may do all."""
        granted = self.grants.get(session_id)
        return session_id == self.session_id or (
            granted is not None and PERMISSIONS.index(granted) >= PERMISSIONS.index(permission)
        )

    def __repr__(self) -> str:
        return f"Artifact({self.id}, {self.name!r})"


def parse_id(text: str) -> tuple[str, int, str] | None:
    """Session, sequence and hash8 of a text form, or None when it is a name."""
    session, _, rest = text.partition("/")
    sequence, _, hash = rest.partition("/")
    if len(session) != 36 or len(hash) != 8 or not sequence.isascii() or not sequence.isdigit():
        return None
    return session, min(int(sequence[:20]), 2**63), hash


def check_fields(fields: "dict[str, Any]") -> None:
    """Raise unless what a caller says about an artifact may be stored: BadArgument, or BadValue for what is no value."""
    for name, least, most in _TEXTS:
        check_text(name, fields[name], least, most)
    tags, custom = fields["tags"], fields["custom"]
    if not isinstance(tags, list | tuple) or len(tags) > MAX_TAGS:
        raise BadArgument(f"tags must be a list of at most {MAX_TAGS} texts")
    for tag in tags:
        check_text("a tag", tag, 1, MAX_NAME_BYTES)
    if not isinstance(custom, dict):
        raise BadArgument("the metadata of an artifact must be named fields")
    if custom or fields["description"]:
        size = len(values.encode(custom)) + len(fields["description"].encode())
        if size > MAX_METADATA_BYTES:
            raise BadArgument(f"the metadata of an artifact is {size} bytes, the limit is {MAX_METADATA_BYTES}")


def check_text(what: str, text: object, least: int, most: int) -> None:
    """Raise BadArgument unless `text` is text of so many bytes of UTF-8; short texts must not hold control characters."""
    if type(text) is str and text.isascii() and text.isprintable() and least <= len(text) <= most:
        return
    if not isinstance(text, str) or not is_utf8(text):
        raise BadArgument(f"{what} of an artifact must be text")
    size = len(text.encode())
    if not least <= size <= most:
        raise BadArgument(f"{what} of an artifact has {least} to {most} bytes, not {size}")
    if most <= MAX_NAME_BYTES and has_control_character(text):
        raise BadArgument(f"{what} of an artifact must not hold control characters, got {text!r:.60}")


MAX_NAME_BYTES = 255
MAX_TAGS = 100
MAX_METADATA_BYTES = 256 << 10
MAX_MEMORY_BYTES = 100 << 20
"""The largest content that is taken from memory, or given in one piece."""
MAX_FILE_BYTES = 10 << 30
_TEXTS = (
    ("name", 1, MAX_NAME_BYTES), ("type", 1, MAX_NAME_BYTES), ("mime_type", 0, MAX_NAME_BYTES),
    ("created_by", 0, MAX_NAME_BYTES), ("parent_artifact", 0, MAX_NAME_BYTES), ("description", 0, MAX_METADATA_BYTES),
)  # fmt: skip
