"""What the quickjs-ng extension module does not offer, reached through its exported C functions.

File names, ES modules, top-level await, interrupts and the tracking of unhandled rejections. JavaScript may only *run*
inside a call of the extension module's own methods, since its callables restore the thread state that such a call
saved. The module loader is called there; so scripts are run from within it, with the GIL released (`CDLL`). Throwing an
error and compiling a module may run a script's code too: a setter, `Error.prepareStackTrace`.
"""

import _thread
import ctypes

import _quickjs

from llmspell.languages.quickfields import interrupt_counter, stack_account

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

EVAL_GLOBAL, EVAL_MODULE, EVAL_COMPILE_ONLY, EVAL_ASYNC = 0, 1, 1 << 5, 1 << 7
TAG_EXCEPTION = 6
RUN_MODULE = "llmspell:run:"
"""The name, with a number behind it, whose import makes the loader run the pending script."""


class JSValue(ctypes.Structure):
    _fields_ = (("u", ctypes.c_uint64), ("tag", ctypes.c_int64))


_LOADER = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
_NORMALIZER = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p)
_INTERRUPT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
_TRACKER = ctypes.CFUNCTYPE(None, ctypes.c_void_p, JSValue, JSValue, ctypes.c_int, ctypes.c_void_p)


class Engine:
    """One quickjs-ng context with file names, modules, interrupts and rejection tracking.

    `resolve(name, importer)` gives the path of a module and `load(path)` its text; what they raise is thrown by
    `describe(error)`, the text of a JavaScript expression. `is_stopping()` ends whatever runs once it is true; `stack` is
    the C stack in bytes that JavaScript may use.
    """

    _libraries: "tuple[Any, Any] | None" = None

    def __init__(
        self,
        resolve: "Callable[[str, str], str]",
        load: "Callable[[str], bytes]",
        describe: "Callable[[BaseException], str]",
        is_stopping: "Callable[[], bool]",
        stack: int,
    ) -> None:
        self.context = _quickjs.Context()
        self._running, self._holding = self.libraries()
        self._pending: tuple[bytes, bytes] | None = None
        self._runs = 0
        fields = id(self.context) + object.__basicsize__
        self._ctx = ctypes.c_void_p.from_address(fields + 8).value
        runtime = self._runtime = ctypes.c_void_p.from_address(fields).value or 0
        self._stack = stack_account(self._holding, runtime)
        self.context.set_max_stack_size(stack)
        self._guard = _thread.allocate_lock()
        self._counter = interrupt_counter(self.context, self._ctx or 0)

        def loader(ctx: int, raw_name: bytes, _opaque: int) -> int | None:
            name = raw_name.decode(errors="replace")
            try:
                if name.startswith(RUN_MODULE) and self._pending is not None:
                    self._run_pending(ctx)
                    return self._compile_module(b"export {}", raw_name)
                return self._compile_module(load(name), raw_name)
            except BaseException as error:
                self._throw(describe(error))
                return None

        def normalizer(ctx: int, base: bytes, name: bytes, _opaque: int) -> int | None:
            try:
                if name.startswith(RUN_MODULE.encode()) and self._pending is not None:
                    path = name
                else:
                    path = resolve(name.decode(errors="replace"), base.decode(errors="replace")).encode()
                return int(self._holding.js_strdup(ctx, path))
            except BaseException as error:
                self._throw(describe(error))
                return None

        def interrupted(_runtime: int, _opaque: int) -> int:
            if not is_stopping():
                return 0
            # Promises swallow what ends their executor, and a loop around them would go on. So nothing can be called any
            # more, and what runs already comes to its own next question.
            self._holding.JS_SetMaxStackSize(runtime, 1)
            return 1

        def track(ctx: int, promise: JSValue, reason: JSValue, is_handled: int, _opaque: int) -> None:
            if is_stopping():
                return  # what an interrupt ended is no mistake of the script's
            # The promise is kept too: else its address, which is its name, would soon be another promise's.
            for slot, value in ((b"reason%d", reason), (b"promise%d", promise)):
                name = slot % promise.u
                if is_handled:
                    atom = self._holding.JS_NewAtomLen(ctx, name, len(name))
                    self._holding.JS_DeleteProperty(ctx, self._rejections, atom, 0)
                    self._holding.JS_FreeAtom(ctx, atom)
                else:
                    kept = self._holding.JS_DupValue(ctx, value)
                    self._holding.JS_SetPropertyStr(ctx, self._rejections, name, kept)

        # Kept alive as long as the context: the engine holds only their addresses.
        self._callbacks = (_LOADER(loader), _NORMALIZER(normalizer), _INTERRUPT(interrupted), _TRACKER(track))
        self.context.eval("globalThis.__rejections = Object.create(null); 0")
        self._rejections = self._holding.JS_Eval(self._ctx, b"__rejections", 12, b"<input>", EVAL_GLOBAL)
        self._holding.JS_SetModuleLoaderFunc(runtime, self._callbacks[1], self._callbacks[0], None)
        self._holding.JS_SetInterruptHandler(runtime, self._callbacks[2], None)
        self._holding.JS_SetHostPromiseRejectionTracker(runtime, self._callbacks[3], None)

    @classmethod
    def libraries(cls) -> "tuple[Any, Any]":
        """The extension module's C functions, called without and with the GIL held.

        Raises OSError or AttributeError where the extension module does not export them.
        """
        if cls._libraries is None:
            pair: list[Any] = []
            for kind in (ctypes.CDLL, ctypes.PyDLL):
                library = kind(_quickjs.__file__)
                library.JS_Eval.restype = library.JS_DupValue.restype = library.JS_GetException.restype = JSValue
                library.JS_Eval.argtypes = [
                    ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_int,
                ]  # fmt: skip
                library.JS_DupValue.argtypes = [ctypes.c_void_p, JSValue]
                library.JS_GetException.argtypes = [ctypes.c_void_p]
                library.JS_FreeValue.argtypes = [ctypes.c_void_p, JSValue]
                library.JS_SetPropertyStr.argtypes = [ctypes.c_void_p, JSValue, ctypes.c_char_p, JSValue]
                library.JS_NewAtomLen.restype = ctypes.c_uint32
                library.JS_NewAtomLen.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
                library.JS_FreeAtom.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
                library.JS_DeleteProperty.argtypes = [ctypes.c_void_p, JSValue, ctypes.c_uint32, ctypes.c_int]
                library.JS_SetMaxStackSize.restype = library.JS_UpdateStackTop.restype = None
                library.JS_SetMaxStackSize.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
                library.JS_UpdateStackTop.argtypes = [ctypes.c_void_p]
                library.JS_SetModuleLoaderFunc.argtypes = [ctypes.c_void_p, _NORMALIZER, _LOADER, ctypes.c_void_p]
                library.JS_SetInterruptHandler.argtypes = [ctypes.c_void_p, _INTERRUPT, ctypes.c_void_p]
                library.JS_SetHostPromiseRejectionTracker.argtypes = [ctypes.c_void_p, _TRACKER, ctypes.c_void_p]
                library.js_strdup.restype = ctypes.c_void_p
                library.js_strdup.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
                pair.append(library)
            cls._libraries = (pair[0], pair[1])
        return cls._libraries

    def hurry(self) -> None:
        """From any thread: let the engine ask `is_stopping` at once, and not only after some thousand operations.

        A decrement that goes on at the same time may undo it; so call it again until the script has ended.
        """
        with self._guard:
            if self._counter is not None:
                self._counter.value = 1

    def call_inside(self, function: "Any", *arguments: object) -> "Any":
        """Call a JavaScript function from within a Python callable, on what is left of the stack.

        Every call from outside measures the stack anew from where it begins. Afterwards all is as it was before, also when an
        interrupt ended the function.
        """
        size, top, limit = self._stack
        try:
            self._holding.JS_UpdateStackTop(self._runtime)
            self.context.set_max_stack_size(max(1, self._stack[1] - limit))
            return function(*arguments)
        finally:
            self._stack[:] = [size, top, limit]

    def compiles(self, source: bytes, filename: str) -> bool:
        """Whether the text is a correct classic script."""
        flags = EVAL_COMPILE_ONLY | EVAL_ASYNC
        value = self._holding.JS_Eval(self._ctx, source, len(source), filename.encode(), flags)
        if value.tag == TAG_EXCEPTION:
            self._holding.JS_FreeValue(self._ctx, self._holding.JS_GetException(self._ctx))
            return False
        self._holding.JS_FreeValue(self._ctx, value)
        return True

    def start_script(self, source: bytes, filename: str) -> None:
        """Run a classic script up to its first await.

        `globalThis.__completion` is then a promise of `{value}`, or the script threw: then `__thrown` holds `{error}`.
        """
        self._pending = (source, filename.encode())
        self._runs += 1
        self.context.eval(f"import('{RUN_MODULE}{self._runs}').catch(() => {{}}); 0")
        while self.context.execute_pending_job():
            if self._pending is None:
                break

    def _run_pending(self, ctx: int) -> None:
        assert self._pending is not None
        source, filename = self._pending
        self._pending = None
        value = self._running.JS_Eval(ctx, source, len(source), filename, EVAL_GLOBAL | EVAL_ASYNC)
        slot = b"completion"
        if value.tag == TAG_EXCEPTION:
            slot, value = b"thrown", self._holding.JS_GetException(ctx)
        self._holding.JS_SetPropertyStr(ctx, self._rejections, slot, value)

    def _compile_module(self, source: bytes, name: bytes) -> int | None:
        value = self._running.JS_Eval(self._ctx, source, len(source), name, EVAL_MODULE | EVAL_COMPILE_ONLY)
        return None if value.tag == TAG_EXCEPTION else int(value.u)

    def _throw(self, expression: str) -> None:
        code = b"throw " + expression.encode()
        self._running.JS_Eval(self._ctx, code, len(code), b"<input>", EVAL_GLOBAL)

    def close(self) -> None:
        with self._guard:
            self._counter = None
        self._holding.JS_FreeValue(self._ctx, self._rejections)
