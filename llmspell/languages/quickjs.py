"""What the quickjs-ng extension module does not offer, reached through its exported C functions.

File names, ES modules, top-level await, interrupts and the tracking of unhandled rejections. JavaScript may only *run*
inside a call of the extension module's own methods, since its callables restore the thread state that such a call
saved. The module loader is called there; so scripts are run from within it, with the GIL released (`CDLL`). Throwing an
error and compiling a module may run a script's code too: a setter, `Error.prepareStackTrace`.
"""

import _thread

import _quickjs

from llmspell.languages.foreign import Address, Int, Int64, Library, Size, Structure, Text, UInt, UInt64, callback_type
from llmspell.languages.quickfields import interrupt_counter, memory_account, stack_account

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

EVAL_GLOBAL, EVAL_MODULE, EVAL_COMPILE_ONLY, EVAL_ASYNC = 0, 1, 1 << 5, 1 << 7
TAG_EXCEPTION = 6
RUN_MODULE = "llmspell:run:"
"""The name, with a number behind it, whose import makes the loader run the pending script."""


class JSValue(Structure):
    _fields_ = (("u", UInt64), ("tag", Int64))


_LOADER = callback_type(Address, Address, Text, Address)
_NORMALIZER = callback_type(Address, Address, Text, Text, Address)
_INTERRUPT = callback_type(Int, Address, Address)
_TRACKER = callback_type(None, Address, JSValue, JSValue, Int, Address)
_EVAL = ("JS_Eval", JSValue, Address, Text, Size, Text, Int)
_FUNCTIONS = (
    _EVAL,
    ("JS_DupValue", JSValue, Address, JSValue),
    ("JS_GetException", JSValue, Address),
    ("JS_FreeValue", None, Address, JSValue),
    ("JS_SetPropertyStr", Int, Address, JSValue, Text, JSValue),
    ("JS_NewAtomLen", UInt, Address, Text, Size),
    ("JS_FreeAtom", None, Address, UInt),
    ("JS_DeleteProperty", Int, Address, JSValue, UInt, Int),
    ("JS_SetMaxStackSize", None, Address, Size),
    ("JS_SetMemoryLimit", None, Address, Size),
    ("JS_UpdateStackTop", None, Address),
    ("JS_SetModuleLoaderFunc", None, Address, _NORMALIZER, _LOADER, Address),
    ("JS_SetInterruptHandler", None, Address, _INTERRUPT, Address),
    ("JS_SetHostPromiseRejectionTracker", None, Address, _TRACKER, Address),
    ("js_strdup", Address, Address, Text),
)


class Functions:
    """The extension module's C functions that are called with the GIL held, under their names."""

    def __init__(self, path: str) -> None:
        library = Library(path, holds_gil=True)
        for name, *types in _FUNCTIONS:
            setattr(self, name, library.function(name, *types))

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


class Engine:
    """One quickjs-ng context with file names, modules, interrupts and rejection tracking.

    `resolve(name, importer)` gives the path of a module and `load(path)` its text; what they raise is thrown by
    `describe(error)`, the text of a JavaScript expression. `is_stopping()` ends whatever runs once it is true; `stack` is
    the C stack in bytes that JavaScript may use.
    """

    _libraries: "tuple[Any, Functions] | None" = None

    def __init__(
        self,
        resolve: "Callable[[str, str], str]",
        load: "Callable[[str], bytes]",
        describe: "Callable[[BaseException], str]",
        is_stopping: "Callable[[], bool]",
        stack: int,
    ) -> None:
        self.context = _quickjs.Context()
        self._evaluate, self._holding = self.libraries()
        self._pending: tuple[bytes, bytes] | None = None
        self._runs = 0
        fields = id(self.context) + object.__basicsize__
        self._ctx = Address.from_address(fields + 8).value
        runtime = self._runtime = Address.from_address(fields).value or 0
        self._stack = memoryview(stack_account(self._holding, runtime)).cast("B").cast("P")
        self._update_stack_top = self._holding.JS_UpdateStackTop
        self.context.set_max_stack_size(stack)
        self._guard = _thread.allocate_lock()
        self._counter = interrupt_counter(self.context, self._ctx or 0)
        memory = self._memory = memory_account(self._holding, runtime)
        self._peak = 0

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
                if memory is not None and memory.value > self._peak:
                    self._peak = memory.value
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
    def libraries(cls) -> "tuple[Any, Functions]":
        """`JS_Eval`, called without the GIL, and the functions that are called with it.

        Raises OSError where the extension module does not export them.
        """
        if cls._libraries is None:
            path = _quickjs.__file__
            cls._libraries = Library(path, holds_gil=False).function(*_EVAL), Functions(path)
        return cls._libraries

    def has_used(self, size: int) -> bool:
        """Whether it uses so many bytes, or did when it was last looked at: every some thousand operations. True if unknown."""
        return self._memory is None or max(self._peak, self._memory.value) >= size

    def hurry(self) -> None:
        """From any thread: let the engine ask `is_stopping` at once, and not only after some thousand operations.

        A decrement that goes on at the same time may undo it; so call it again until the script has ended.
        """
        with self._guard:
            if self._counter is not None:
                self._counter.value = 1

    def inside(self, function: "Any") -> "Callable[..., Any]":
        """A JavaScript function to be called from within a Python callable, on what is left of the stack.

        Every call from outside measures the stack anew from where it begins. Afterwards all is as it was before, also when an
        interrupt ended the function.
        """
        stack, update_stack_top, runtime = self._stack, self._update_stack_top, self._runtime

        def call(*arguments: object) -> "Any":
            size, top, limit = stack.tolist()
            try:
                update_stack_top(runtime)
                left = stack[1] - limit
                stack[0] = left if left > 0 else 1
                return function(*arguments)
            finally:
                stack[0], stack[1], stack[2] = size, top, limit

        return call

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
        value = self._evaluate(ctx, source, len(source), filename, EVAL_GLOBAL | EVAL_ASYNC)
        slot = b"completion"
        if value.tag == TAG_EXCEPTION:
            slot, value = b"thrown", self._holding.JS_GetException(ctx)
        self._holding.JS_SetPropertyStr(ctx, self._rejections, slot, value)

    def _compile_module(self, source: bytes, name: bytes) -> int | None:
        value = self._evaluate(self._ctx, source, len(source), name, EVAL_MODULE | EVAL_COMPILE_ONLY)
        return None if value.tag == TAG_EXCEPTION else int(value.u)

    def _throw(self, expression: str) -> None:
        code = b"throw " + expression.encode()
        self._evaluate(self._ctx, code, len(code), b"<input>", EVAL_GLOBAL)

    def close(self) -> None:
        with self._guard:
            self._counter = None
        self._holding.JS_FreeValue(self._ctx, self._rejections)
