"""Three fields of quickjs-ng's own structures that it offers no function for, found by what they do.

All are plain integers that the engine reads and writes all the time. Their places are those of one build of the
extension module, so they are looked for once per process.
"""

from llmspell.languages.foreign import Int, Size, sizeof

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SEARCHED_BYTES = 1536
"""How much of a structure is looked through."""
WORD = sizeof(Size)
MARK = 0x5AFE510
HIGH_MARK = 0x5AFE51000
_places: "dict[str, int]" = {}


def stack_account(library: "Any", runtime: int) -> "Any":
    """The engine's account of the C stack: its size, its top, and the lowest address that JavaScript may reach.

    Sets the size. Raises OSError where it is not found: then nothing keeps JavaScript from overrunning the stack.
    """
    if "stack" not in _places:
        library.JS_SetMaxStackSize(runtime, MARK)
        library.JS_UpdateStackTop(runtime)
        words = (Size * (SEARCHED_BYTES // WORD)).from_address(runtime)[:]
        found = [
            place
            for place, (size, top, limit) in enumerate(zip(words, words[1:], words[2:], strict=False))
            if size == MARK and top - size == limit
        ]
        if len(found) != 1:
            raise OSError("this build of quickjs-ng keeps its stack limits elsewhere")
        _places["stack"] = found[0] * WORD
    return (Size * 3).from_address(runtime + _places["stack"])


def memory_account(library: "Any", runtime: int) -> "Any":
    """How many bytes the engine has allocated, as its account says all the time; None where it is not found."""
    words = (Size * (SEARCHED_BYTES // WORD)).from_address(runtime)
    if "memory" not in _places:
        before = words[:]
        library.JS_SetMemoryLimit(runtime, HIGH_MARK)
        # The limit stands behind what is used of it.
        found = [
            place for place, word in enumerate(words[:]) if word == HIGH_MARK and 0 < before[place - 1] < HIGH_MARK
        ]
        _places["memory"] = (found[0] - 1) * WORD if len(found) == 1 else -1
        library.JS_SetMemoryLimit(runtime, before[found[0]] if len(found) == 1 else 0)
    place = _places["memory"]
    return Size.from_address(runtime + place) if place >= 0 else None


def interrupt_counter(context: "Any", address: int) -> "Int | None":
    """How many operations are left until the engine asks whether to stop; None where it is not found."""
    if "counter" not in _places:
        numbers = (Int * (SEARCHED_BYTES // 4)).from_address(address)
        found = set(range(len(numbers)))
        context.eval("0")  # the very first operation sets the counter
        for turns in (80, 640, 320):
            before = numbers[:]
            context.eval(f"for (let i = 0; i < {turns}; i++); 0")
            after = numbers[:]
            found = {place for place in found if turns <= before[place] - after[place] < 4 * turns}
        _places["counter"] = found.pop() * 4 if len(found) == 1 else -1
    place = _places["counter"]
    return Int.from_address(address + place) if place >= 0 else None
