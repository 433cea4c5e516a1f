"""C functions and memory. What of `ctypes` the engines need, from the module beneath it: that package takes 2 ms to import."""

from _ctypes import FUNCFLAG_CDECL, FUNCFLAG_PYTHONAPI, CFuncPtr, Structure, _SimpleCData, dlopen, dlsym, sizeof

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Simple = _SimpleCData[Any]
else:
    Simple = _SimpleCData

__all__ = ["Structure", "sizeof"]


class Address(Simple):
    _type_ = "P"


class Text(Simple):
    """Bytes that end in a NUL."""

    _type_ = "z"


class Size(Simple):
    _type_ = "L"


class Byte(Simple):
    _type_ = "B"


class Int(Simple):
    _type_ = "i"


class UInt(Simple):
    _type_ = "I"


class Int64(Simple):
    _type_ = "q"


class UInt64(Simple):
    _type_ = "Q"


class Library:
    """A loaded shared library. Its functions run with the GIL held, or without it.

    Raises OSError when it cannot be loaded.
    """

    def __init__(self, path: str, *, holds_gil: bool) -> None:
        self._handle = dlopen(path, 0)
        self._kind = _function_type(None, FUNCFLAG_CDECL | (FUNCFLAG_PYTHONAPI if holds_gil else 0))

    def function(self, name: str, result: "Any", *arguments: "Any") -> "Any":
        """One of its functions; raises OSError when it has none of that name."""
        function = self._kind(dlsym(self._handle, name))
        function.restype, function.argtypes = result, arguments
        return function


def callback_type(result: "Any", *arguments: "Any") -> "Any":
    """What makes a C function of one of ours, which must be kept as long as that may be called."""
    return _function_type(result, FUNCFLAG_CDECL, arguments)


def _function_type(result: "Any", flags: int, arguments: "tuple[Any, ...]" = ()) -> "Any":
    return type("Function", (CFuncPtr,), {"_restype_": result, "_flags_": flags, "_argtypes_": arguments})
