"""One line of the structured log, as text for people or as JSON for machines. Imported when something is logged."""

from datetime import UTC, datetime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def logline(level: str, message: str, fields: "dict[str, Any]", *, as_json: bool) -> bytes:
    """The line with its newline. Control characters cannot forge a second line: they are escaped."""
    import json

    at = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if as_json:
        line = json.dumps({"at": at, "level": level, "message": message, **_plain(fields)}, ensure_ascii=False)
    else:
        pairs = "".join(f" {name}={_word(value)}" for name, value in fields.items())
        line = f"{at} {level.upper():5} {_escape(message)}{pairs}"
    return line.encode(errors="backslashreplace") + b"\n"


def _word(value: "Any") -> str:
    import json

    if isinstance(value, str) and value and not any(letter.isspace() or letter in '"=' for letter in value):
        return _escape(value)
    return json.dumps(_plain(value), ensure_ascii=False)


def _escape(text: str) -> str:
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def _plain(value: "Any") -> "Any":
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
