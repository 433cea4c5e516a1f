"""Stops running Lua code through `lua_sethook`, from any thread, at no cost until it is used."""

import _thread
import ctypes

import lupa.lua54 as lupa

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

    def __init__(self, library: "Any") -> None:
        self._sethook = library.lua_sethook
        self._gethook = library.lua_gethook
        self._guard = _thread.allocate_lock()
        self._main = 0
        self._function = 0
        self._value = 0

    @classmethod
    def load(cls) -> "LuaHook | None":
        """The hook, or None where the engine does not export what it needs."""
        try:
            library = ctypes.PyDLL(lupa.__file__)
            library.lua_gethook.restype = ctypes.c_void_p
            library.lua_gethook.argtypes = [ctypes.c_void_p]
            library.lua_sethook.restype = None
            library.lua_sethook.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
        except (OSError, AttributeError):
            return None
        return cls(library)

    def attach(self, cell: int, main: int, runtime_hook: "Any") -> None:
        """Learn the addresses of the upvalue `current` and of the main thread; `current` must hold the main thread now.

        `runtime_hook(on)` switches the prelude's hook on and off, so that its C function can be read.
        """
        self._main = main
        runtime_hook(True)
        self._function = self._gethook(main) or 0
        runtime_hook(False)
        value = ctypes.c_void_p.from_address(cell + UPVALUE_POINTER).value
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
        tag = ctypes.c_uint8.from_address(value + 8).value
        return (ctypes.c_void_p.from_address(value).value or 0) if tag == THREAD_TAG else 0
