"""Stops running Lua code through `lua_sethook`, from any thread, at no cost until it is used."""

import _thread

import lupa.lua54 as lupa

from llmspell.languages.foreign import Address, Byte, Int, Library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

COUNT_MASK = 8
THREAD_TAG = 0x48
"""The tag of a collectable value that is a thread, in Lua 5.4."""
UPVALUE_POINTER = 16
"""Where in a Lua 5.4 upvalue the pointer to its value stands."""


class LuaHook:
    """One engine's hook.

    The prelude registers its hook function with an empty mask for the main thread and for every coroutine it makes;
    setting the mask makes it fire at the next instruction. Which coroutine runs is read from the prelude's variable
    `current`, a closed upvalue: a pointer to {pointer, tag}. The variable itself keeps the coroutine alive.
    """

    def __init__(self, library: Library) -> None:
        """Raises OSError when the library does not export what the hook needs."""
        self._sethook = library.function("lua_sethook", None, Address, Address, Int, Int)
        self._gethook = library.function("lua_gethook", Address, Address)
        self._guard = _thread.allocate_lock()
        self._main = 0
        self._function = 0
        self._value = 0

    @classmethod
    def load(cls) -> "LuaHook | None":
        """The hook, or None where the engine does not export what it needs."""
        try:
            return cls(Library(lupa.__file__, holds_gil=True))
        except OSError:
            return None

    def attach(self, cell: int, main: int, runtime_hook: "Any") -> None:
        """Learn the addresses of the upvalue `current` and of the main thread; `current` must hold the main thread now.

        `runtime_hook(on)` switches the prelude's hook on and off, so that its C function can be read.
        """
        self._main = main
        runtime_hook(True)
        self._function = self._gethook(main) or 0
        runtime_hook(False)
        value = Address.from_address(cell + UPVALUE_POINTER).value
        if value == cell + UPVALUE_POINTER + 8 and self._read(value) == main:
            self._value = value

    @property
    def covers_coroutines(self) -> bool:
        return self._value != 0

    def fire(self) -> None:
        """Make the hook function run at the next instruction, in the main thread and in the running coroutine."""
        with self._guard:
            if not self._main or not self._function:
                return
            self._sethook(self._main, self._function, COUNT_MASK, 1)
            if self._value and (running := self._read(self._value)):
                self._sethook(running, self._function, COUNT_MASK, 1)

    def detach(self) -> None:
        """Nothing fires after this: the engine may be freed."""
        with self._guard:
            self._main = 0

    @staticmethod
    def _read(value: int) -> int:
        tag = Byte.from_address(value + 8).value
        return (Address.from_address(value).value or 0) if tag == THREAD_TAG else 0
