"""Numbers in payloads, read and written without decoding anything else: what `increment` needs."""

from math import isfinite
from struct import Struct

from llmspell.errors import BadArgument, BadValue
from llmspell.values import INT_MAX, INT_MIN, JSON, MSGPACK, TAGGED

_FLOAT32 = Struct(">f")
_FLOAT64 = Struct(">d")
_INTEGER_BYTES = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8}
_FIRST_SIGNED = 0xD0
_LONGEST_TEXT = 400
"""No finite number needs more characters of JSON."""


def read(payload: bytes) -> int | float | None:
    """The number that `payload` is, or None when it is something else."""
    codec, body = payload[:1], payload[1:]
    if codec == MSGPACK and body:
        return _read_msgpack(body)
    if codec in (JSON, TAGGED):
        return _read_json(body)
    return None


def write(number: int | float) -> bytes:
    """The payload of a 64-bit integer or finite float, an integer in its shortest form."""
    if type(number) is float:
        return MSGPACK + b"\xcb" + _FLOAT64.pack(number)
    integer = int(number)
    if -32 <= integer < 128:
        return MSGPACK + bytes([integer & 0xFF])
    code = 0xCC if integer > 0 else _FIRST_SIGNED
    bits = integer.bit_length() if integer > 0 else (~integer).bit_length() + 1
    power = next(power for power in range(4) if bits <= 8 << power)
    return MSGPACK + bytes([code + power]) + integer.to_bytes(1 << power, "big", signed=integer < 0)


def add(number: int | float, by: int | float) -> int | float:
    """The sum: an integer of two integers, else a float. Raises BadValue when it leaves 64 bits or is not finite."""
    if type(number) is int and type(by) is int:
        total = number + by
        if not INT_MIN <= total <= INT_MAX:
            raise BadValue(f"{number} plus {by} does not fit into 64 bits")
        return total
    float_total = float(number) + float(by)
    if not isfinite(float_total):
        raise BadValue(f"{number} plus {by} is beyond the largest number")
    return float_total


def check_step(by: int | float) -> None:
    """Raise BadArgument unless `by` is a 64-bit integer or a finite float."""
    if type(by) is int:
        if not INT_MIN <= by <= INT_MAX:
            raise BadArgument("the step must fit into 64 bits")
    elif type(by) is not float or not isfinite(by):
        raise BadArgument(f"the step must be a finite number, got {by!r}")


def _read_msgpack(body: bytes) -> int | float | None:
    code = body[0]
    if len(body) == 1:
        if code < 0x80:
            return code
        return code - 256 if code >= 0xE0 else None
    if code == 0xCB and len(body) == 9:
        number: float = _FLOAT64.unpack_from(body, 1)[0]
        return number
    if code == 0xCA and len(body) == 5:
        short: float = _FLOAT32.unpack_from(body, 1)[0]
        return short
    if _INTEGER_BYTES.get(code) == len(body) - 1:
        return int.from_bytes(body[1:], "big", signed=code >= _FIRST_SIGNED)
    return None


def _read_json(body: bytes) -> int | float | None:
    text = body.strip()
    # Python reads more than JSON has (1_000, inf), so the characters are looked at first.
    if len(text) > _LONGEST_TEXT or text.translate(None, b"0123456789.eE+-"):
        return None
    try:
        number: int | float = int(text) if text.removeprefix(b"-").isdigit() else float(text)
    except ValueError:
        return None
    if type(number) is int:
        return number if INT_MIN <= number <= INT_MAX else None
    return number if isfinite(number) else None
