"""`Hook`: scripts are asked before, and told after, what happens."""

from _thread import get_ident

from llmspell.errors import BadArgument
from llmspell.surface.model import Anything, Form, Global, Handle, LastingCallback, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from llmspell.hooks.context import Context, Layout
    from llmspell.hooks.hook import Hook as Registered
    from llmspell.hooks.hooks import Hooks

REGISTER_OPTIONS = {"priority": str, "name": str, "tags": list, "scope": str, "key": str, "on_error": str}
LIST_OPTIONS = {"hook_point": str, "language": str, "priority": str, "tag": str, "include_builtin": bool}
WORDS = {str: "a string", list: "a list of strings", bool: "a boolean"}


class HookHandle(Handle):
    """A hook that this script has registered."""

    def __init__(self, hooks: "Hooks", hook: "Registered") -> None:
        self._hooks = hooks
        self._hook = hook

    def id(self) -> str:
        """Its id."""
        return self._hook.id

    def hook_point(self) -> str:
        """The point at which it runs."""
        return self._hook.point

    def unregister(self) -> bool:
        """Remove it; whether it was still registered."""
        return self._hooks.unregister(self._hook)

    def __str__(self) -> str:
        return self._hook.id


class HookInfo(Record):
    """A hook and how it has done so far. It is not `enabled` while its circuit breaker has switched it off."""

    id: str
    name: str
    point: str
    priority: str
    language: str
    tags: list[str]
    enabled: bool
    executions: int
    failures: int
    avg_ms: float


class Hook(Global):
    """Hooks: functions that are asked before something happens, and may change or stop it, or are told after it.

    `docs/hooks.md` lists the points, and what each result means there.
    """

    name = "Hook"

    def __init__(self, open_hooks: "Callable[[], Hooks]", language: str = "") -> None:
        self._open = open_hooks
        self._language = language

    def register(self, point: str, fn: LastingCallback, options: Anything = None) -> HookHandle:
        """Run `fn` at a point, for as long as the script runs.

        `options` is a priority (highest, high, normal, low, lowest), or a table (object) with any of `priority`, `name`, `tags`,
        `scope` and `key` (patterns in which `*` stands for any characters: only what matches is told), `on_error` ("continue",
        the default, or "cancel": what it means when the hook fails).

        `fn` gets `{point, component_id = {type, name}, correlation_id, language, metadata, data}`, and returns nothing or
        "continue"; "skip"; any other text, which cancels with it as the reason; or one of `{type = "modified", data}`,
        `{type = "cancel", reason}`, `{type = "redirect", target}`, `{type = "replace", data}`,
        `{type = "retry", delay_ms, max_attempts}`, `{type = "skipped", reason}`, `{type = "cache", ttl}`.
        It may not take longer than `[state.hooks] timeout_ms`.
        """
        given = (
            {"priority": options}
            if isinstance(options, str)
            else _read(options, REGISTER_OPTIONS, "options (argument 3)")
        )
        hooks, call = self._open(), fn
        language = self._language

        forms: dict[tuple[str, ...] | Layout, Form] = {}

        def run(context: "Context", seconds: float) -> bytes:
            fields, layout = context.fields, context.layout
            if context.metadata or context.is_whole:
                return call(context.payload(language), seconds=seconds)
            # A layout is that of one component alone.
            shape = (context.component, *fields) if layout is None else layout
            form = forms.get(shape)
            if form is None:
                texts = () if layout is None else layout.texts
                form = forms[shape] = _form(point, language, context.component, fields, texts)
            return call.fill((context.name, context.correlation_id, *fields.values()), seconds, form)

        return HookHandle(hooks, hooks.register_call(point, run, language=language, thread=get_ident(), **given))

    def unregister(self, handle: str | HookHandle) -> bool:
        """Remove a hook of this script, by its handle or its id; whether it was still registered."""
        if isinstance(handle, HookHandle):
            return handle.unregister()
        hooks = self._open()
        return any(hook.id == handle and hook.thread for hook in hooks.list()) and hooks.unregister(handle)

    def list(self, filter: Anything = None) -> list[HookInfo]:
        """The hooks, those of Python too, in the order in which they run at each point.

        `filter` is a point, or a table (object) with any of `hook_point`, `language`, `priority`, `tag` and
        `include_builtin`, which adds the built-in hooks that the configuration enables.
        """
        given = (
            {"hook_point": filter} if isinstance(filter, str) else _read(filter, LIST_OPTIONS, "filter (argument 1)")
        )
        point = given.pop("hook_point", None)
        return [
            HookInfo(
                id=hook.id, name=hook.name, point=hook.point, priority=hook.priority, language=hook.language,
                tags=list(hook.tags), enabled=hook.is_enabled, executions=hook.executions, failures=hook.failures,
                avg_ms=hook.avg_ms,
            )
            for hook in self._open().list(point, **given)
        ]  # fmt: skip


def _form(point: str, language: str, component: str, fields: "Iterable[str]", texts: tuple[str, ...]) -> Form:
    """What a hook is told, by the type of what it concerns, the names of the data's fields, and those that are text."""
    return Form(
        {
            "point": point,
            "component_id": {"type": component, "name": Form.TEXT},
            "correlation_id": Form.TEXT,
            "language": language,
            "metadata": {},
            "data": {name: Form.TEXT if name in texts else Form.HOLE for name in fields},
        }
    )


def _read(given: "Any", known: "Mapping[str, type]", where: str) -> "dict[str, Any]":
    """Options in either spelling, each of its type; raises BadArgument."""
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise BadArgument(f"{where} must be text or a map of options")
    from llmspell.surface.model import camel_case

    names = {camel_case(name): name for name in known} | {name: name for name in known}
    options: dict[str, Any] = {}
    for spelled, value in given.items():
        name = names.get(spelled)
        if name is None:
            raise BadArgument(f"unknown option '{spelled}'; the options are {', '.join(known)}")
        if name in options:
            raise BadArgument(f"the option '{name}' is given in both spellings")
        if value is None:
            continue
        if known[name] is list and value == {}:
            value = []
        if not isinstance(value, known[name]) or (
            isinstance(value, list) and not all(isinstance(item, str) for item in value)
        ):
            raise BadArgument(f"the option '{name}' must be {WORDS[known[name]]}")
        options[name] = value
    return options
