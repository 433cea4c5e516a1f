"""Keys: the names of values within a scope."""

from llmspell.errors import BadArgument, InvalidKey
from llmspell.state.scope import Scope, has_control_character, known
from llmspell.storage.keys import MAX_SCOPE_AND_KEY_BYTES, MAX_STATE_KEY_BYTES

MAX_KEY_BYTES = 256


def state_key(scope: str | Scope, key: str) -> bytes:
    """The record key of `key` in `scope`.

    Raises InvalidKey unless the key has 1 to 256 bytes of UTF-8 and no control character, does not start with `__`, and
    has with its scope at most 480 bytes; InvalidScope for a scope that is none.
    """
    if type(scope) is not Scope:
        scope = (known(scope) if type(scope) is str else None) or Scope.parse(scope)
    # Printable ASCII, nearly every key there is, needs no closer look.
    if type(key) is str and key.isascii() and key.isprintable() and 0 < len(key) <= MAX_KEY_BYTES and key[:2] != "__":
        made = scope.prefix + key.encode()
        if len(made) <= MAX_STATE_KEY_BYTES:
            return made
    return _check(scope, key)


def _check(scope: Scope, key: str) -> bytes:
    if not isinstance(key, str):
        raise BadArgument(f"a key must be text, got {type(key).__name__}")
    if not key:
        raise InvalidKey("the key is empty")
    try:
        raw = key.encode()
    except UnicodeEncodeError:
        raise InvalidKey("the key is not valid Unicode text (it holds a lone surrogate)") from None
    if has_control_character(key):
        raise InvalidKey(f"the key {key[:60]!r} holds a control character")
    if key.startswith("__"):
        raise InvalidKey(f"the key '{key[:60]}' starts with '__', which is reserved")
    if len(raw) > MAX_KEY_BYTES:
        raise InvalidKey(f"the key '{key[:40]}…' has {len(raw)} bytes, the limit is {MAX_KEY_BYTES}")
    made = scope.prefix + raw
    if len(made) > MAX_STATE_KEY_BYTES:
        raise InvalidKey(
            f"the key '{key[:40]}' and its scope have {len(made) - 2} bytes, the limit is {MAX_SCOPE_AND_KEY_BYTES}"
        )
    return made
