"""`JSON`, for Lua; JavaScript has its own."""

from llmspell import values
from llmspell.errors import BadValue
from llmspell.surface.model import Anything, Global, Native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class JSON(Global):
    """JSON text to values and back. Lists and null keep their identity: see `JSON.array` and `JSON.null`."""

    name = "JSON"
    languages = ("lua",)
    natives = (
        Native(
            "array",
            "Marks a table as a list, so that it stays one when it is empty, and returns it; without a table, a new list.",
            luacats="fun(list?: table): table",
        ),
        Native(
            "null",
            """The value that stands for null where nil would leave a hole: inside lists and in the fields of objects.""",
            luacats="table",
        ),
    )

    def parse(self, text: str) -> Anything:
        """The value of a JSON text.

        Numbers with a fraction or an exponent become floats, others integers of 64 bits; null inside a list becomes
        JSON.null, and as a field's value it is absent. Raises bad_value when the text is not JSON.
        """
        import json

        try:
            value = json.loads(text, parse_constant=_refuse)
        except RecursionError:
            raise BadValue("the text is nested too deeply") from None
        except ValueError as error:
            raise BadValue(f"the text is not valid JSON: {error}") from None
        values.check(value)
        return value

    def stringify(self, value: Anything, *, indent: int = 0) -> str:
        """The JSON text of a value, with sorted keys; with `indent`, on several lines, each level that many spaces in.

        Raises bad_value for bytes that are no text, which JSON cannot say.
        """
        import json

        _refuse_bytes(value, "$")
        width = max(0, min(indent, 16)) or None
        separators = (",", ": ") if width else (",", ":")
        return json.dumps(
            _with_text_keys(value), ensure_ascii=False, sort_keys=True, indent=width, separators=separators
        )


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is not a finite number")


def _refuse_bytes(value: "Any", path: str) -> None:
    if isinstance(value, bytes):
        raise BadValue(f"bytes that are no UTF-8 cannot be written as JSON (at {path})")
    items = value.items() if isinstance(value, dict) else enumerate(value, 1) if isinstance(value, list) else ()
    for key, item in items:
        _refuse_bytes(item, f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}")


def _with_text_keys(value: "Any") -> "Any":
    if isinstance(value, dict):
        tree = {str(key): _with_text_keys(item) for key, item in value.items()}
        if len(tree) < len(value):
            twice = next(key for key in value if isinstance(key, int) and str(key) in value)
            raise BadValue(
                f"a table has both the integer key {twice} and the string key '{twice}', which are one in JSON"
            )
        return tree
    return [_with_text_keys(item) for item in value] if isinstance(value, list) else value
