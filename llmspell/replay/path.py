"""Paths into a value, as they are written: `data.items[2].name`, `data["a key"]`."""

from llmspell.errors import BadArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Step = str | int

LONGEST = 1024


def parse(text: "Any") -> "list[Step]":
    """The steps of a path: text for fields, integers for places in lists. A leading `$.` says nothing. Raises BadArgument."""
    if not isinstance(text, str) or not text or len(text) > LONGEST:
        raise BadArgument(f"a path must be text of 1 to {LONGEST} characters", hint="write it as data.items[1].name")
    import re  # not needed by whoever only shows paths

    step = re.compile(r'\.?([^\W\d]\w*)|\.(\d+)|\[(-?\d{1,19})\]|\["((?:[^"\\]|\\["\\])*)"\]')
    rest = text[1:] if text[0] == "$" else text
    steps: list[Step] = []
    position = 0
    while position < len(rest):
        match = step.match(rest, position)
        if not match or (match[0][0] == "." and position == 0 and rest is text):
            raise BadArgument(f"'{text[:80]}' is no path", hint="write it as data.items[1].name")
        if match[1]:
            if match[0][0] != "." and position > 0:
                raise BadArgument(f"'{text[:80]}' is no path", hint="write it as data.items[1].name")
            steps.append(match[1])
        elif match[4] is not None:
            steps.append(re.sub(r"\\(.)", r"\1", match[4]))
        else:
            steps.append(int(match[2] or match[3]))
        position = match.end()
    if not steps:
        raise BadArgument("a path names at least one field")
    return steps


def field(path: str, key: "Step") -> str:
    """The path of a field of the map at `path`."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    if key.isidentifier():
        return f"{path}.{key}"
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'{path}["{escaped}"]'


def replace(tree: "Any", steps: "list[Step]", value: "Any", first_index: int) -> bool:
    """Put a value where a path leads, in place; whether it leads there: everything but its last step must exist.

    Lists count from `first_index`. A place one behind the end of a list adds to it.
    """
    for step in steps[:-1]:
        key = _key(tree, step, first_index)
        if key is None:
            return False
        tree = tree[key]
    last = steps[-1]
    if isinstance(tree, dict):
        tree[last] = value
        return True
    if not isinstance(tree, list) or isinstance(last, str):
        return False
    place = last - first_index
    if 0 <= place < len(tree):
        tree[place] = value
    elif place == len(tree):
        tree.append(value)
    else:
        return False
    return True


def _key(tree: "Any", step: "Step", first_index: int) -> "Step | None":
    """What Python finds the item by, or None when there is none."""
    if isinstance(tree, dict):
        return step if step in tree else None
    if isinstance(tree, list) and isinstance(step, int) and 0 <= step - first_index < len(tree):
        return step - first_index
    return None
