"""The layout of a store: which key holds what.

The first byte of a key is its space. Scopes and keys hold no control characters, so a NUL separates them without any
escaping, and no scope's range touches another's, also where one name is a prefix of another.

| space | key | value |
|---|---|---|
| `m` | name | facts of the store: its format (`storage.format`), where the journal begins (`HEAD`) |
| `s` | scope NUL key | the record (`storage.record`) |
| `x` | expiry µs (8, big-endian) scope NUL key | empty; finds what has expired without reading records |
| `h` | scope NUL key NUL version (8) | the record that was replaced or removed at that version |
| `h` | scope NUL key NUL zeros (8) | the version below which this key's history was thinned out |
| `j` | version (8) part (4) | what one commit changed; long commits have several parts |
| `B` | version (8) number (4) | a piece of a content, which never changes, by the commit that wrote it |
| `K` | scope NUL key NUL version (8) | a record of the history that only a checkpoint still needs |
| `C` | session (16) version (8) | a checkpoint: what the scope of a session held at that version is needed |

Scope and key together have at most 480 bytes, so every key fits the 511 bytes that all back ends take. Other domains
have spaces of their own under upper-case letters: `A` (`artifacts.layout`), `M` (`migration.layout`), and those of
`sessions.layout`.
"""

STATE = b"s"
EXPIRY = b"x"
HISTORY = b"h"
JOURNAL = b"j"
PIECES = b"B"
KEPT = b"K"
CHECKPOINT = b"C"
SESSION_SCOPES = STATE + b"session:"
"""What the record keys of the scopes that may have checkpoints begin with."""

HEAD = b"m/head"
"""The version from which on the journal is complete, with version and time of a commit: of the last one, where the journal
has no later one."""

EPOCH = b"m/epoch"
"""Random bytes, written anew by whoever changes the state without a commit: what the journal tells ends there."""

DERIVED = (EXPIRY,)
"""The spaces that can be made again from the others."""

MAX_SCOPE_AND_KEY_BYTES = 480
MAX_STATE_KEY_BYTES = MAX_SCOPE_AND_KEY_BYTES + 2
AFTER_TEXT = b"\xff"
"""Sorts after every continuation of a text: UTF-8 has no such byte."""


def scope_prefix(scope: str) -> bytes:
    """What the record keys of a scope begin with."""
    return b"s" + scope.encode() + b"\0"


def split(state_key: bytes) -> tuple[str, str]:
    """Scope and key of a record key, readable also when its bytes are damaged."""
    scope, _, key = state_key[1:].partition(b"\0")
    return scope.decode(errors="replace"), key.decode(errors="replace")


def expiry_key(expires_at: int, state_key: bytes) -> bytes:
    return b"x" + expires_at.to_bytes(8, "big") + state_key[1:]


def expired_end(now: int) -> bytes:
    """The end of the range, from `EXPIRY`, of what has expired at `now`."""
    return b"x" + (now + 1).to_bytes(8, "big")


def history_key(state_key: bytes, version: int) -> bytes:
    return b"h" + state_key[1:] + b"\0" + version.to_bytes(8, "big")


def history_end(state_key: bytes) -> bytes:
    """The end of the range, from any `history_key`, of this key's history."""
    return b"h" + state_key[1:] + b"\1"


def kept_key(state_key: bytes, version: int) -> bytes:
    return b"K" + state_key[1:] + b"\0" + version.to_bytes(8, "big")


def journal_key(version: int, part: int = 0) -> bytes:
    return b"j" + version.to_bytes(8, "big") + part.to_bytes(4, "big")


def next_space(space: bytes) -> bytes:
    """The end of the range, from `space`, of a whole space."""
    return bytes([space[0] + 1])
