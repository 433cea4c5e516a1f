"""Values: what a script may hold, store and pass, and their two encodings.

A value is None, a bool, a 64-bit int, a finite float, text, bytes, a list of values, or a dict whose keys are text or
64-bit ints. A *payload* is an encoded value; its first byte says how:

- `MSGPACK` (0xc1, the byte MessagePack never uses): MessagePack follows. What Lua and Python write.
- `JSON` (a space): JSON text follows, in which numbers with a fraction or exponent are floats and all others ints.
- `TAGGED` (a tab): the same, and it holds an int beyond 2^53 or a tag, so a plain JSON parser would change it.

Tags: `{"$bytes": "<base64>"}` stands for bytes and `{"$map": [[key, value], …]}` for a dict with int keys; a dict whose only
key would read as a tag carries one more `$`. A payload is never decoded to be stored or fetched.
"""

from llmspell.errors import BadValue, Corrupt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MSGPACK = b"\xc1"
JSON = b" "
TAGGED = b"\t"
MAX_DEPTH = 128
INT_MIN, INT_MAX = -(2**63), 2**63 - 1
SAFE_INT = 2**53
"""Integers of at most this size are exact in every JavaScript number."""


def check(value: "Any", path: str = "$", depth: int = 0) -> None:
    """Raise BadValue, naming the path, unless `value` is a value. Tuples count as lists."""
    kind = type(value)
    if value is None or kind is bool:
        return
    if kind is str:
        if not value.isascii():
            _check_text(value, path)
    elif kind is int:
        if not INT_MIN <= value <= INT_MAX:
            raise BadValue(f"the integer at {path} does not fit into 64 bits")
    elif kind is float:
        if value - value != 0:
            raise BadValue(f"the number at {path} is not finite ({value})")
    elif kind is dict or kind is list or kind is tuple:
        if depth >= MAX_DEPTH:
            raise BadValue(f"nested deeper than {MAX_DEPTH} levels (or a cycle) at {_shorten(path)}")
        if kind is dict:
            for key, item in value.items():
                if type(key) is str:
                    if not key.isascii():
                        _check_text(key, path)
                elif type(key) is not int or not INT_MIN <= key <= INT_MAX:
                    raise BadValue(f"the key {key!r} at {path} must be text or a 64-bit integer")
                check(item, f"{path}.{key}" if type(key) is str else f"{path}[{key}]", depth + 1)
        else:
            for index, item in enumerate(value):
                check(item, f"{path}[{index}]", depth + 1)
    elif kind is not bytes:
        raise BadValue(f"cannot store a {kind.__name__} (at {path})")


def encode(value: "Any") -> bytes:
    """The payload of `value`; raises BadValue when it cannot be stored exactly."""
    check(value)
    return MSGPACK + _packb(value)


def encode_known(value: "Any") -> bytes:
    """`encode` for what is known to be a value, without looking at all of it."""
    return MSGPACK + _packb(value)


def decode(payload: bytes) -> "Any":
    """The value of a payload of either encoding; raises Corrupt when it is neither."""
    codec = payload[:1]
    try:
        if codec == MSGPACK:
            return _unpackb(payload[1:])
        if codec == JSON:
            return _json().loads(payload)
        if codec == TAGGED:
            return _json().loads(payload, object_pairs_hook=_untag)
    except Exception as error:
        raise Corrupt(f"a stored value cannot be decoded ({error})") from error
    raise Corrupt(f"a stored value has the unknown encoding {codec.hex() or 'empty'}")


def decoder() -> "Callable[[bytes | memoryview], Any]":
    """What decodes MessagePack without its marker: for loops over many values, where `decode` looks too often.

    It raises whatever the library does; `decode` then says it in our words.
    """
    from functools import partial

    import msgpack

    return partial(msgpack.unpackb, strict_map_key=False, raw=False, timestamp=1, ext_hook=_refuse_extension)


def encoder() -> "Callable[[Any], bytes]":
    """What encodes to MessagePack without its marker what is known to be a value: for loops over many."""
    import msgpack

    pack: Callable[[Any], bytes] = msgpack.Packer(use_bin_type=True).pack
    return pack


def to_msgpack(payload: bytes) -> bytes:
    """The same value as a MessagePack payload."""
    if payload[:1] == MSGPACK:
        return payload
    return MSGPACK + _packb(decode(payload))


def to_json(payload: bytes) -> bytes:
    """The same value as a JSON payload for JavaScript, where int keys are property names.

    Raises BadValue when a dict has both the int key and the text key of one property name.
    """
    if payload[:1] != MSGPACK and b'"$map"' not in payload:
        return payload
    return dump_json(decode(payload), property_names=True)


def dump_json(value: "Any", *, property_names: bool = False, indent: int | None = None) -> bytes:
    """`value` as a JSON or TAGGED payload; with `property_names`, int keys become text instead of a `$map`."""
    state = _Tagger(property_names)
    tree = state.convert(value, "$")
    separators = (",", ":") if indent is None else (",", ": ")
    text: str = _json().dumps(tree, ensure_ascii=False, allow_nan=False, separators=separators, indent=indent)
    return (TAGGED if state.tagged else JSON) + text.encode()


def load_json(text: "str | bytes") -> "Any":
    """The value of JSON text with tags; raises BadValue when it is not JSON or not a value."""
    try:
        value = _json().loads(text, object_pairs_hook=_untag, parse_constant=_refuse_constant)
    except RecursionError:
        raise BadValue(f"nested deeper than {MAX_DEPTH} levels") from None
    except ValueError as error:
        raise BadValue(f"not valid JSON: {error}") from None
    check(value)
    return value


class _Tagger:
    """Turns a value into a tree that the json module writes exactly, and notes whether it needs tags."""

    def __init__(self, property_names: bool) -> None:
        self.property_names = property_names
        self.tagged = False

    def convert(self, value: "Any", path: str) -> "Any":
        kind = type(value)
        if kind is int:
            if not -SAFE_INT <= value <= SAFE_INT:
                self.tagged = True
            return value
        if kind is bytes:
            from binascii import b2a_base64

            self.tagged = True
            return {"$bytes": b2a_base64(value, newline=False).decode()}
        if kind is list or kind is tuple:
            return [self.convert(item, f"{path}[{index}]") for index, item in enumerate(value)]
        if kind is dict:
            return self._convert_map(value, path)
        return value

    def _convert_map(self, value: "dict[Any, Any]", path: str) -> "Any":
        if any(type(key) is int for key in value) and not self.property_names:
            self.tagged = True
            return {"$map": [[key, self.convert(item, f"{path}.{key}")] for key, item in value.items()]}
        tree: dict[str, Any] = {}
        for key, item in value.items():
            name = str(key)
            if name in tree:
                raise BadValue(f"the map at {path} has both the integer key {name} and the text key '{name}'")
            tree[name] = self.convert(item, f"{path}.{name}")
        if len(tree) == 1 and is_tag(name):
            self.tagged = True
            return {"$" + name: tree[name]}
        return tree


def is_tag(name: str) -> bool:
    """Whether the only key of an object would read as a tag."""
    return name.startswith("$") and name.lstrip("$") in ("bytes", "map")


def _untag(pairs: "list[tuple[str, Any]]") -> "Any":
    if len(pairs) == 1:
        name, item = pairs[0]
        if name == "$bytes" and type(item) is str:
            from binascii import a2b_base64

            return a2b_base64(item, strict_mode=True)
        if name == "$map" and type(item) is list and all(type(pair) is list and len(pair) == 2 for pair in item):
            return dict(item)
        if name.startswith("$$") and is_tag(name):
            return {name[1:]: item}
    return dict(pairs)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a finite number")


def _check_text(text: str, path: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadValue(f"the text at {path} has a lone surrogate") from None


def _shorten(path: str) -> str:
    return path if len(path) <= 60 else path[:40] + "…"


def _json() -> "Any":
    import json

    return json


def _packb(value: "Any") -> bytes:
    import msgpack

    packed: bytes = msgpack.packb(value, use_bin_type=True)
    return packed


def _unpackb(data: "bytes | memoryview") -> "Any":
    import msgpack

    return msgpack.unpackb(data, strict_map_key=False, raw=False, timestamp=1, ext_hook=_refuse_extension)


def _refuse_extension(code: int, _data: bytes) -> "Any":
    raise ValueError(f"MessagePack extension {code}")
