"""`Context`: what a hook is told, put together from pieces that are encoded already."""

from llmspell import values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from llmspell.hooks.outcome import Outcome

    Fields = dict[str, str | bytes]
    """The fields of a context's data: text as it is, any other value as its payload."""

NIL = values.MSGPACK + b"\xc0"
REDACTED = "**redacted**"


class Layout:
    """That contexts of one component have the same fields; `texts` are those that are text in all of them."""

    __slots__ = ("texts",)

    def __init__(self, *texts: str) -> None:
        self.texts = texts


class Context:
    """One moment: the point, what it concerns, and the data of it. `fields` may be changed until a hook has seen them."""

    __slots__ = ("component", "correlation_id", "fields", "layout", "metadata", "name", "point")

    is_whole = False
    """It has a payload of its own, and no parts."""

    def __init__(
        self,
        point: str,
        component: str,
        name: str,
        correlation_id: str,
        fields: "Fields",
        metadata: bytes = b"",
        layout: Layout | None = None,
    ) -> None:
        self.point = point
        self.component = component
        self.name = name
        self.correlation_id = correlation_id
        self.fields = fields
        self.metadata = metadata
        """A payload, or nothing."""
        self.layout = layout
        """That of the fields, where it is known and no hook has changed any of them."""

    def check(self, outcome: "Outcome") -> None:
        """Look at the outcome after a hook has changed it; what it raises makes that hook a failed one."""

    def payload(self, language: str) -> bytes:
        """The whole as a payload, for a hook of this language."""
        fields = self.fields
        parts = [
            b"\xc1\x86\xa5point", text(self.point), b"\xaccomponent_id\x82\xa4type", text(self.component), b"\xa4name",
            text(self.name), b"\xaecorrelation_id", text(self.correlation_id), b"\xa8language", text(language),
            b"\xa8metadata", values.to_msgpack(self.metadata)[1:] if self.metadata else b"\x80",
            b"\xa4data", map_head(len(fields)),
        ]  # fmt: skip
        for name, value in fields.items():
            parts.append(text(name))
            parts.append(text(value) if type(value) is str else values.to_msgpack(value)[1:])  # type: ignore[arg-type]
        return b"".join(parts)

    def tree(self, language: str) -> "dict[str, Any]":
        """The whole as a plain value."""
        return {
            "point": self.point,
            "component_id": {"type": self.component, "name": self.name},
            "correlation_id": self.correlation_id,
            "language": language,
            "metadata": values.decode(self.metadata) if self.metadata else {},
            "data": decode_fields(self.fields),
        }


def encode_fields(data: "Mapping[str, Any]") -> "Fields":
    """The fields of plain values; raises BadValue for what is no value."""
    fields: Fields = {}
    for name, value in data.items():
        if type(name) is not str:
            values.check({name: None})
        fields[str(name)] = value if type(value) is str and value.isascii() else values.encode(value)
    return fields


def decode_fields(fields: "Fields") -> "dict[str, Any]":
    return {name: value if type(value) is str else values.decode(value) for name, value in fields.items()}  # type: ignore[arg-type]


def text(value: str) -> bytes:
    """Text as MessagePack."""
    raw = value.encode()
    size = len(raw)
    if size < 32:
        return bytes((0xA0 + size,)) + raw
    if size < 256:
        return bytes((0xD9, size)) + raw
    return (b"\xda" + size.to_bytes(2, "big") if size < 65536 else b"\xdb" + size.to_bytes(4, "big")) + raw


def map_head(count: int) -> bytes:
    """What a MessagePack map of so many fields begins with."""
    return bytes((0x80 + count,)) if count < 16 else b"\xde" + count.to_bytes(2, "big")
