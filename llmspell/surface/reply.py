"""How structured results are written: spliced together from what is encoded already, by a writer made once for each type.

A payload in a result is neither decoded nor encoded again. For a record the writer is an expression over its fields, made of the
names that its class declares and compiled once, as the standard library does for named tuples: a loop takes twice as long.
"""

from _operator import attrgetter
from struct import Struct

from llmspell import values
from llmspell.surface.host import RAW_KINDS
from llmspell.surface.model import Type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Pack = Callable[[Any], bytes]
    Write = Callable[[Any], str]

_U8, _U16, _U32, _I64, _U64 = (Struct(layout).pack for layout in (">BB", ">BH", ">BI", ">Bq", ">BQ"))
TEXTS = ("string", "choice")
_PLAIN_JSON = values.JSON[0]
EMPTY_MAP = values.MSGPACK + b"\x80"


def msgpack_writer(type: Type) -> "Pack":
    """What writes a result of this type as a MessagePack payload. Raises BadValue for what is no value."""
    pack = _packer(type)
    return lambda result: values.MSGPACK + pack(result)


def payload_writer(type: Type, language: str) -> "Pack":
    """What writes such a value as a payload for a function of the script, in the encoding that its language reads."""
    if language != "javascript":
        return msgpack_writer(type)
    write = json_writer(type)
    return lambda value: write(value).encode()


def splitter(record: Type) -> "Callable[[Any], tuple[Any, ...]]":
    """What takes a record apart for Lua: True, then its fields, scalars as they are, all else as payloads (see `host.layout`)."""
    names: dict[str, Any] = {}
    parts = ["True"]
    for number, field in enumerate(record.python.fields):
        convert = _converter(field.type)
        names[f"c{number}"] = convert if field.is_always_there or convert is None else _unless_none(convert, None)
        parts.append(f"r.{field.python}" if convert is None else f"c{number}(r.{field.python})")
    take_apart: Callable[[Any], tuple[Any, ...]] = eval(f"lambda r: ({', '.join(parts)})", names)

    def split(result: "Any") -> "tuple[Any, ...]":
        try:
            return take_apart(result)
        except UnicodeEncodeError:
            values.check([getattr(result, field.python) for field in record.python.fields])
            raise

    return split


def _unless_none(write: "Callable[[Any], Any]", nothing: "Any") -> "Callable[[Any], Any]":
    return lambda value: nothing if value is None else write(value)


def _reader(record: Type) -> "Callable[[Any], tuple[Any, ...]]":
    """What gives the fields of a record in their order."""
    names = [field.python for field in record.python.fields]
    if len(names) == 1:
        return lambda result: (getattr(result, names[0]),)
    return attrgetter(*names)


def _converter(type: Type) -> "Callable[[Any], Any] | None":
    if type.kind in TEXTS:
        return str.encode
    if type.kind == "payload":
        return values.to_msgpack
    if type.kind in RAW_KINDS:
        return None
    write = msgpack_writer(type)
    return (lambda items: write(items) if items else EMPTY_MAP) if type.kind == "map" else write


def json_writer(type: Type) -> "Write":
    """What writes a result of this type as the text of a JSON payload. Integer keys become property names. Raises BadValue."""
    json = _Json()
    write = json.writer(type)

    def payload(result: "Any") -> str:
        json.is_tagged = False
        text = write(result)
        if not text.isascii():
            values.check(text)
        return ("\t" if json.is_tagged else " ") + text

    return payload


def _packer(type: Type) -> "Pack":
    kind, item = type.kind, type.item
    if kind == "payload":
        return lambda payload: (payload if payload[0] == 0xC1 else values.to_msgpack(payload))[1:]
    if kind in TEXTS:
        return _pack_text
    if kind == "integer":
        return _pack_integer
    if kind == "list" and item is not None:
        pack_item = _or_nil(_packer(item))
        return lambda items: _head(len(items), 0x90, 0xDC) + b"".join(map(pack_item, items))
    if kind == "map" and item is not None:
        pack_item = _or_nil(_packer(item))
        return lambda items: (
            _head(len(items), 0x80, 0xDE)
            + b"".join([_pack_text(key) + pack_item(value) for key, value in items.items()])
        )
    if kind == "record":
        read = _reader(type)
        fields = [(_pack_text(field.name), _packer(field.type)) for field in type.python.fields]

        def pack_record(result: "Any") -> bytes:
            parts = [
                key + pack(value) for (key, pack), value in zip(fields, read(result), strict=True) if value is not None
            ]
            return _head(len(parts), 0x80, 0xDE) + b"".join(parts)

        return pack_record
    return lambda value: values.encode(value)[1:]


def _or_nil(pack: "Pack") -> "Pack":
    return lambda value: b"\xc0" if value is None else pack(value)


def _head(count: int, fixed: int, wide: int) -> bytes:
    """The head of a list or map."""
    if count < 16:
        return bytes((fixed | count,))
    return _U16(wide, count) if count < 0x10000 else _U32(wide + 1, count)


def _encode_text(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        values.check(text)
        raise


def _pack_text(text: str) -> bytes:
    data = _encode_text(text)
    size = len(data)
    if size < 32:
        return bytes((0xA0 | size,)) + data
    if size < 0x100:
        return _U8(0xD9, size) + data
    return (_U16(0xDA, size) if size < 0x10000 else _U32(0xDB, size)) + data


def _pack_integer(number: int) -> bytes:
    if 0 <= number < 0x80:
        return bytes((number,))
    if 0 <= number < 0x100000000:
        return _U32(0xCE, number)
    values.check(number)
    return _I64(0xD3, number)


class _Json:
    """Writers of JSON text; `is_tagged` says whether what they have written holds tags or integers beyond 2^53."""

    def __init__(self) -> None:
        self.is_tagged = False

    def writer(self, type: Type) -> "Write":
        from json.encoder import encode_basestring

        kind, item = type.kind, type.item
        if kind == "payload":
            return self.payload
        if kind in TEXTS:
            return encode_basestring
        if kind == "integer":
            return self.integer
        if kind == "list" and item is not None:
            write_item = _or_null(self.writer(item))
            return lambda items: "[" + ",".join(map(write_item, items)) + "]"
        if kind == "map" and item is not None:
            return self.map_writer(item, encode_basestring)
        if kind == "record":
            return self.record_writer(type)
        return self.anything

    def record_writer(self, record: Type) -> "Write":
        names: dict[str, Any] = {}
        parts = []
        for number, field in enumerate(record.python.fields):
            write = names[f"w{number}"] = self.writer(field.type)
            if field.is_always_there:
                parts.append(f',"{field.name}":{{w{number}(r.{field.python})}}')
            else:
                names[f"w{number}"] = _piece(f',"{field.name}":', write)
                parts.append(f"{{w{number}(r.{field.python})}}")
        write_fields: Write = eval(f"lambda r: f'{''.join(parts)}'", names)
        return lambda result: "{" + write_fields(result)[1:] + "}"

    def map_writer(self, item: Type, write_key: "Write") -> "Write":
        write_item = _or_null(self.writer(item))

        def write_map(items: "dict[str, Any]") -> str:
            if not items:
                return "{}"
            text = ",".join([f"{write_key(key)}:{write_item(value)}" for key, value in items.items()])
            if len(items) == 1 and values.is_tag(next(iter(items))):
                self.is_tagged = True
                text = '"$' + text[1:]
            return "{" + text + "}"

        return write_map

    def payload(self, payload: bytes) -> str:
        if payload[0] == _PLAIN_JSON:
            return payload[1:].decode()
        return self.spliced(values.to_json(payload))

    def integer(self, number: int) -> str:
        if not -values.SAFE_INT <= number <= values.SAFE_INT:
            self.is_tagged = True
        return str(number)

    def anything(self, value: "Any") -> str:
        if value == {}:
            return "{}"
        values.check(value)
        return self.spliced(values.dump_json(value, property_names=True))

    def spliced(self, payload: bytes) -> str:
        if payload[:1] == values.TAGGED:
            self.is_tagged = True
        return payload[1:].decode()


def _piece(key: str, write: "Write") -> "Write":
    return lambda value: "" if value is None else key + write(value)


def _or_null(write: "Write") -> "Write":
    return lambda value: "null" if value is None else write(value)
