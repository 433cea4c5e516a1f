"""`Hooks`: the hooks of one runtime, and the running of them."""

from _thread import _local, get_ident
from contextlib import contextmanager
from time import monotonic, perf_counter_ns, sleep, time_ns

from llmspell import values
from llmspell.errors import BadArgument, BadValue, LimitExceeded, LlmspellError, Timeout
from llmspell.hooks import result as result_
from llmspell.hooks.breaker import BreakerPolicy
from llmspell.hooks.context import NIL, Context, encode_fields
from llmspell.hooks.hook import Execution, Hook
from llmspell.hooks.outcome import Outcome
from llmspell.hooks.points import STATE, check_point, check_priority, decides, meanings
from llmspell.hooks.result import CONTINUE, NOTHING, Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from builtins import list as list_
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from llmspell.hooks.background import Background
    from llmspell.hooks.hook import Call

    Warn = Callable[[str, dict[str, Any]], None]

MAX_DEPTH = 8
"""How deep hooks may cause the running of other hooks."""
ON_ERROR = ("continue", "cancel")

_running = _local()


class Hooks:
    """Registry and executor. Hooks of one point run in the order of their priority, then of their registration.

    A hook that raises, takes longer than `timeout` seconds or returns what is no result has failed: it is as if it had said
    nothing, or, with `on_error` cancel, as if it had cancelled; and after some failures in a row a circuit breaker switches it
    off for a while (`breaker`). What a hook does itself, it does not meet again; hooks that cause each other's running are
    bounded by MAX_DEPTH.

    `correlation` gives the id of what is going on; `warn` gets a sentence and fields; `wait` sleeps, and gives something true
    when it is to end; `is_stopping` says that the script is ending, so that a failure is no hook's fault. `recorders` get an
    Execution after every run.

    >>> hooks = Hooks()
    >>> hook = hooks.register("BeforeToolExecution", lambda context: "not today" if context["data"]["tool"] == "rm" else None)
    >>> outcome = hooks.fire("BeforeToolExecution", {"tool": "rm"})
    >>> outcome.kind, outcome.reason, hook.executions
    ('cancel', 'not today', 1)
    """

    def __init__(
        self,
        *,
        timeout: float = 5.0,
        breaker: BreakerPolicy | None = None,
        correlation: "Callable[[], str]" = lambda: "",
        warn: "Warn" = lambda _message, _fields: None,
        wait: "Callable[[float], object]" = sleep,
        is_stopping: "Callable[[], bool]" = lambda: False,
    ) -> None:
        self.timeout = timeout
        self.policy = breaker or BreakerPolicy(clock=monotonic)
        self.correlation = correlation
        self.warn = warn
        self.wait = wait
        self.is_stopping = is_stopping
        self.recorders: list[Callable[[Execution], None]] = []
        self.watchers: list[Callable[[], None]] = []
        """Called when a hook has come or gone."""
        self.finishers: list[Callable[[], None]] = []
        """Called when a script has ended and its hooks have been told everything."""
        self._untraced: set[int] = set()
        """The threads whose runs of hooks no recorder gets."""
        self.background: Background | None = None
        """What tells hooks later what has happened to the state; None when they are told at once."""
        self.cancelled = 0
        """How often hooks have cancelled something."""
        self._points: dict[str, tuple[Hook, ...]] = {}
        self._counts: dict[str, int] = {}
        self._number = 0

    def register(
        self,
        point: str,
        fn: "Callable[[dict[str, Any]], Any]",
        *,
        priority: str = "normal",
        name: str = "",
        tags: "Sequence[str]" = (),
        scope: str = "",
        key: str = "",
        on_error: str = "continue",
        is_builtin: bool = False,
    ) -> Hook:
        """Let a function of Python run at a point; it gets the context as plain values, and returns a result as one.

        `name` is by default the point with a number. `scope` and `key` are patterns, in which `*` stands for any characters. A
        function of Python cannot be interrupted: its overrun is noticed when it returns. Raises BadArgument.
        """

        def call(context: Context, _seconds: float) -> bytes:
            said = fn(context.tree("python"))
            return NIL if said is None else values.encode(said)

        return self.register_call(
            point, call, language="python", priority=priority, name=name, tags=tags, scope=scope, key=key, on_error=on_error,
            is_builtin=is_builtin,
        )  # fmt: skip

    def register_call(
        self,
        point: str,
        call: "Call",
        *,
        language: str,
        priority: str = "normal",
        name: str = "",
        tags: "Sequence[str]" = (),
        scope: str = "",
        key: str = "",
        on_error: str = "continue",
        thread: int = 0,
        is_builtin: bool = False,
    ) -> Hook:
        """`register` for a function behind `call`, which only `thread` may run when it is given."""
        check_point(point)
        check_priority(priority)
        if on_error not in ON_ERROR:
            raise BadArgument(f"on_error must be one of {', '.join(ON_ERROR)}, got {on_error!r}")
        texts: tuple[tuple[str, object], ...] = (
            ("name", name), ("scope", scope), ("key", key), *(("a tag", tag) for tag in tags),
        )  # fmt: skip
        for word, text in texts:
            if not isinstance(text, str) or len(text) > 512:
                raise BadArgument(f"{word} must be text of at most 512 characters")
        self._number += 1
        self._counts[point] = count = self._counts.get(point, 0) + 1
        hook = Hook(
            point, call, self.policy, name=name or f"{point}-{count}", priority=priority, number=self._number,
            tags=tuple(tags), scope=scope, key=key, on_error=on_error, language=language, thread=thread,
            is_builtin=is_builtin,
        )  # fmt: skip
        self._points[point] = tuple(sorted((*self._points.get(point, ()), hook), key=lambda one: one.order))
        self._tell_watchers()
        return hook

    def unregister(self, hook: Hook | str) -> bool:
        """Remove a hook, also by its id; whether it was there. A run that has begun goes on to its end."""
        wanted = hook if isinstance(hook, str) else hook.id
        for point, hooks in self._points.items():
            left = tuple(one for one in hooks if one.id != wanted)
            if len(left) < len(hooks):
                self._points[point] = left
                self._tell_watchers()
                return True
        return False

    def end_script(self) -> None:
        """Remove the hooks that are functions of scripts: theirs has ended. What waits for other hooks is told first."""
        if self.background is not None:
            self.background.drop_script_hooks()
            self.background.flush()
        for finish in self.finishers:
            finish()
        for point, hooks in self._points.items():
            self._points[point] = tuple(hook for hook in hooks if not hook.thread)
        self._counts = {point: len(hooks) for point, hooks in self._points.items()}
        self._tell_watchers()

    def close(self) -> None:
        """Tell hooks in the background everything, and end their thread. Closing twice is harmless."""
        if self.background is not None:
            self.background.close()
        for finish in self.finishers:
            finish()

    def list(
        self, point: str | None = None, *, language: str | None = None, priority: str | None = None, tag: str | None = None,
        include_builtin: bool = False,
    ) -> "list_[Hook]":  # fmt: skip
        """The hooks in the order of the points, and at each in that of their running."""
        if point is not None:
            check_point(point)
        if priority is not None:
            check_priority(priority)
        return [
            hook
            for hooks in ([self._points.get(point, ())] if point is not None else self._points.values())
            for hook in hooks
            if (include_builtin or not hook.is_builtin)
            and (language is None or hook.language == language)
            and (priority is None or hook.priority == priority)
            and (tag is None or tag in hook.tags)
        ]

    def at(self, point: str) -> tuple[Hook, ...]:
        """The hooks of a point, in the order of their running."""
        return self._points.get(point, ())

    def wants(self, point: str) -> bool:
        """Whether any hook waits at a point: before one prepares what it would be told."""
        return bool(self._points.get(point))

    def wants_state(self) -> bool:
        """Whether any hook waits at a point of the state."""
        return any(self._points.get(point) for point in STATE)

    def figures(self) -> dict[str, int]:
        """Sums over the hooks that are registered, and what is going on in the background."""
        hooks = [hook for hooks in self._points.values() for hook in hooks]
        return {
            "registered": len(hooks),
            "executions": sum(hook.executions for hook in hooks),
            "failures": sum(hook.failures for hook in hooks),
            "cancelled": self.cancelled,
            "switched_off": sum(not hook.is_enabled for hook in hooks),
            "waiting": 0 if self.background is None else len(self.background),
            "dropped": 0 if self.background is None else self.background.dropped,
        }

    def fire(
        self, point: str, data: "Mapping[str, Any]", *, component: tuple[str, str] = ("system", "llmspell"),
        metadata: "Mapping[str, Any] | None" = None, correlation_id: str = "",
    ) -> Outcome:  # fmt: skip
        """Run the hooks of a point; what they decided, which is for the caller to carry out.

        `component` is the type and the name of what it concerns. Raises BadArgument for an unknown point and BadValue for
        data that is no value; because of hooks only LimitExceeded, within a hook, when they cause each other's running too deep.
        """
        hooks = self._points.get(check_point(point), ())
        fields = encode_fields(data)
        if not hooks:
            return Outcome(fields)
        context = Context(
            point,
            *component,
            correlation_id or self.correlation(),
            fields,
            values.encode(dict(metadata)) if metadata else b"",
        )
        return self.run_all(hooks, context) or Outcome(fields)

    def announce(self, point: str, data: "Mapping[str, Any]") -> None:
        """`fire` for a service that tells what has happened: never raises, and does nothing when nobody waits at the point."""
        if not self._points.get(point):
            return
        session = data.get("session_id")
        component = ("session", session) if isinstance(session, str) else ("system", "llmspell")
        try:
            self.fire(point, data, component=component)
        except LlmspellError as error:
            self.warn("hooks did not run", {"point": point, "error": error.message})
        except Exception:
            if not self.is_stopping():
                raise

    def run_all(self, hooks: "Sequence[Hook]", context: Context) -> Outcome | None:
        """Run these hooks one after the other; what they decided, None when none had anything to say."""
        outcome: Outcome | None = None
        for hook in hooks:
            if hook.is_filtered and not hook.fits(context.fields):
                continue
            outcome = self._ask(hook, context, outcome)
            if outcome is not None and outcome.kind != "continue":
                if outcome.kind == "cancel":
                    self.cancelled += 1
                break
        return outcome

    def notify(self, hook: Hook, context: Context, running: "tuple[Hook, ...]") -> None:
        """Tell one hook what has happened, as if within the run of others. What it says changes nothing. Never raises."""
        outer = running_hooks()
        _running.hooks = running
        try:
            self._ask(hook, context, Outcome({}))
        except LimitExceeded as error:
            self.warn("a hook did not run", {"hook": hook.name, "point": hook.point, "error": error.message})
        except Exception:
            if not self.is_stopping():
                raise
        finally:
            _running.hooks = outer

    def _ask(self, hook: Hook, context: Context, outcome: Outcome | None) -> Outcome | None:
        """Run one hook, with its retries; the outcome with what it says, None as long as nothing was said."""
        if hook.thread and hook.thread != get_ident():
            return outcome
        running: tuple[Hook, ...] = getattr(_running, "hooks", ())
        if running:
            if hook in running:
                return outcome
            if len(running) >= MAX_DEPTH:
                raise LimitExceeded(f"hooks cause the running of other hooks deeper than {MAX_DEPTH} levels")
        breaker = hook.breaker
        if not breaker.is_calm and breaker.state == "open":
            return self._without(hook, context, outcome, "it is switched off, because it kept failing")
        _running.hooks = (*running, hook) if running else hook.alone
        try:
            said = self._attempt(hook, context)
            if said is not CONTINUE:
                said = self._repeat(hook, context, said)
                if said is not CONTINUE:
                    outcome = self._take_in(hook, context, said, outcome or Outcome(context.fields))
        except _Failure as failure:
            self._count_failure(hook, str(failure))
            return self._without(hook, context, outcome, f"it failed: {failure}")
        finally:
            _running.hooks = running
        if not breaker.is_calm:
            breaker.succeed()
        return outcome

    def _without(self, hook: Hook, context: Context, outcome: Outcome | None, reason: str) -> Outcome | None:
        """The outcome when a hook that was to run could not be heard."""
        if hook.on_error == "cancel":
            outcome = outcome or Outcome(context.fields)
            outcome.apply(Result("cancel", reason=reason), hook.name)
        return outcome

    def _repeat(self, hook: Hook, context: Context, said: Result) -> Result:
        """What a hook says in the end that has asked for another attempt; raises _Failure when it asks too often."""
        attempt = 1
        while said.kind == "retry":
            if attempt >= said.attempts:
                raise _Failure(f"it asked for another attempt after {attempt}")
            attempt += 1
            if said.delay and self.wait(said.delay):
                return CONTINUE
            said = self._attempt(hook, context)
        return said

    def _take_in(self, hook: Hook, context: Context, said: Result, outcome: Outcome) -> Outcome:
        """Apply a result; raises _Failure, and leaves the outcome as it was, when that cannot be done."""
        if said.kind not in meanings(hook.point):
            if said.kind not in hook.meaningless:
                hook.meaningless.add(said.kind)
                self.warn(
                    f"a hook's result '{said.kind}' has no meaning at this point",
                    {"hook": hook.name, "point": hook.point},
                )
            return outcome
        before, context.layout = outcome.copy(), None
        try:
            outcome.apply(said, hook.name)
            context.check(outcome)
        except LlmspellError as error:
            outcome.restore(before)
            raise _Failure(f"its result cannot be used: {error.message}") from None
        return outcome

    def run(self, point: str, name: str, context: bytes) -> "list_[Execution]":
        """Run the hook of that point and name, else all hooks of the point, with a context recorded earlier.

        Gives the Executions, which no recorder gets. Built-in hooks that are only told (change log, backup) are left out: what
        they do is done outside, where no transaction undoes it. What hooks say is not carried out, and neither their figures nor
        their circuit breakers count it.
        """
        hooks = self._points.get(check_point(point), ())
        hooks = tuple(hook for hook in hooks if not _acts_outside(hook))
        chosen = [hook for hook in hooks if hook.name == name] or list(hooks)
        tree = values.decode(context)
        if not isinstance(tree, dict) or not isinstance(tree.get("data"), dict):
            raise BadValue("the context of a hook must be a map with 'data'")
        recorded = _Recorded(context, tree)
        done = []
        for hook in chosen:
            if hook.thread and hook.thread != get_ident():
                continue
            started, at, error, payload = perf_counter_ns(), time_ns() // 1000, "", NIL
            running = running_hooks()
            _running.hooks = (*running, hook)
            try:
                payload = hook.call(recorded, self.timeout)
                result_.read(payload, is_told=not decides(point))
            except Exception as problem:
                if self.is_stopping():
                    raise
                error = self._sentence(problem)
            finally:
                _running.hooks = running
            done.append(self._execution(hook, recorded, payload, at, perf_counter_ns() - started, error))
        return done

    def acts_outside(self, point: str, name: str) -> bool:
        """Whether `run` leaves the hook of that point and name out."""
        return any(hook.name == name and _acts_outside(hook) for hook in self._points.get(point, ()))

    @contextmanager
    def untraced(self) -> "Iterator[None]":
        """What this thread's hooks do in the block gets no recorder, and hooks that come or go are afterwards as before."""
        thread, points, counts = get_ident(), dict(self._points), dict(self._counts)
        was_untraced = thread in self._untraced
        self._untraced.add(thread)
        try:
            yield
        finally:
            if not was_untraced:
                self._untraced.discard(thread)
            if self._points != points:
                self._points, self._counts = points, counts
                self._tell_watchers()

    def _attempt(self, hook: Hook, context: Context) -> Result:
        """One call of a hook; raises _Failure."""
        started = perf_counter_ns()
        payload, error, said = NIL, "", CONTINUE
        try:
            payload = hook.call(context, self.timeout)
            if payload not in NOTHING:
                said = result_.read(payload, is_told=not decides(hook.point))
                if said.kind == "skip":
                    said = CONTINUE
        except Exception as problem:
            if self.is_stopping():
                raise
            error = self._sentence(problem)
        took = perf_counter_ns() - started
        hook.executions += 1
        hook.total_ns += took
        if self.timeout and took > self.timeout * 1e9 and not error and not hook.is_builtin:
            error = f"it took {took / 1e9:.3g} s, the limit is {self.timeout:g} s"
        if self.recorders and not (self._untraced and get_ident() in self._untraced):
            at = time_ns() // 1000 - took // 1000
            execution = self._execution(hook, context, payload, at, took, error)
            for recorder in self.recorders:
                recorder(execution)
        if error:
            raise _Failure(error)
        return said

    def _execution(self, hook: Hook, context: Context, payload: bytes, at: int, took: int, error: str) -> Execution:
        return Execution(
            point=hook.point, hook=hook.name, hook_id=hook.id, language=hook.language, context=context.payload(hook.language),
            result=payload, at=at, duration=took / 1e9, error=error, correlation_id=context.correlation_id,
        )  # fmt: skip

    def _sentence(self, problem: Exception) -> str:
        if isinstance(problem, Timeout):
            return f"it took longer than {self.timeout:g} s"
        if isinstance(problem, LlmspellError):
            return problem.message
        return str(problem) or type(problem).__name__

    def _count_failure(self, hook: Hook, problem: str) -> None:
        hook.failures += 1
        fields = {"hook": hook.name, "point": hook.point, "error": problem}
        if hook.breaker.fail():
            self.warn(f"a hook is switched off for {self.policy.open_seconds:g} s, since it keeps failing", fields)
        elif hook.breaker.opened_at is None:
            self.warn("a hook failed", fields)

    def _tell_watchers(self) -> None:
        for watcher in self.watchers:
            watcher()


def running_hooks() -> tuple[Hook, ...]:
    """The hooks of which a run is going on in this thread, the outermost first."""
    running: tuple[Hook, ...] = getattr(_running, "hooks", ())
    return running


def _acts_outside(hook: Hook) -> bool:
    return hook.is_builtin and not decides(hook.point)


class _Failure(Exception):
    """A hook failed; the text says how."""


class _Recorded(Context):
    """A context as it was recorded."""

    __slots__ = ("_payload", "_tree")
    is_whole = True

    def __init__(self, payload: bytes, tree: "dict[str, Any]") -> None:
        super().__init__(str(tree.get("point", "")), "", "", str(tree.get("correlation_id", "")), {})
        self._payload = payload
        self._tree = tree

    def payload(self, _language: str) -> bytes:
        return self._payload

    def tree(self, _language: str) -> "dict[str, Any]":
        return self._tree
