"""`Replays`: runs the recorded hook executions of a session again, and undoes whatever that does."""

from contextlib import ExitStack, nullcontext, suppress
from time import monotonic

from llmspell import values
from llmspell.errors import Interrupted, NotFound
from llmspell.hooks.points import POINTS
from llmspell.hooks.result import NOTHING
from llmspell.replay import path as paths
from llmspell.replay.comparator import CRITICAL, Comparator, Difference
from llmspell.replay.config import DEBUG, Modification, ReplayConfig
from llmspell.state.transaction import Transaction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from llmspell.events.events import Events
    from llmspell.hooks.hook import Execution
    from llmspell.hooks.hooks import Hooks
    from llmspell.sessions.executions import Recorded
    from llmspell.sessions.sessions import Sessions


class Overview:
    """What is recorded of a session for replay. Times are µs since 1970, `total_duration` is in seconds."""

    def __init__(self, session_id: str, correlation_id: str, recorded: "list[Recorded]") -> None:
        self.session_id = session_id
        self.correlation_id = correlation_id
        self.total_hooks = len(recorded)
        self.first_at = min((each.execution.at for each in recorded), default=None)
        self.last_at = max((each.execution.at for each in recorded), default=None)
        self.total_duration = sum(each.execution.duration for each in recorded)


class Found:
    """One difference between what was recorded and what happened now: whose it is, and where in the result."""

    __slots__ = ("difference", "hook", "point", "seq")

    def __init__(self, recorded: "Recorded", difference: Difference, hook: str = "") -> None:
        self.seq = recorded.seq
        self.point = recorded.execution.point
        self.hook = hook or recorded.execution.hook
        self.difference = difference


class Step:
    """One recorded execution, run again. `runs` are those of the hooks of now, `context` is what they were given."""

    __slots__ = ("context", "is_modified", "recorded", "runs")

    def __init__(self, recorded: "Recorded", context: bytes, is_modified: bool, runs: "list[Execution]") -> None:
        self.recorded = recorded
        self.context = context
        self.is_modified = is_modified
        self.runs = runs

    @property
    def is_successful(self) -> bool:
        """Whether there was a hook for it, and none failed."""
        return bool(self.runs) and not any(run.error for run in self.runs)


class Replayed:
    """What a replay did. `started_at` is µs since 1970, `duration` is in seconds.

    `stopped` says why it ended early: "error", "timeout", or "" when it did not.
    """

    def __init__(self, session_id: str, correlation_id: str, config: ReplayConfig, started_at: int) -> None:
        self.session_id = session_id
        self.correlation_id = correlation_id
        self.mode = config.mode
        self.started_at = started_at
        self.duration = 0.0
        self.recorded = 0
        """How many executions were to be run again."""
        self.replayed = 0
        """How many were; `successful` of them well."""
        self.successful = 0
        self.without_hook = 0
        self.modified = 0
        """How many contexts the modifications have changed."""
        self.stopped = ""
        self.differences: list[Found] = []
        self.steps: list[Step] = []
        """In debug mode every step, else none."""

    @property
    def failed(self) -> int:
        return self.replayed - self.successful

    @property
    def is_faithful(self) -> bool:
        """Whether all was run again, no hook failed, and nothing differed."""
        return self.successful == self.recorded and not self.differences


class Replays:
    """The recorded executions of sessions, and their replay with the hooks of now.

    A replay changes nothing: it is one transaction on the store of the sessions and on that of the state, which is undone at its
    end. Within it hooks see the state as it is now, and what the hooks before them did. Others that want to write wait
    meanwhile, so it is bounded by the configuration's `timeout`. Nothing is recorded, no event that a hook publishes reaches
    anybody, hooks that are told afterwards are not told, and hooks that come or go are as before. What a hook does outside of the
    runtime (prints, or keeps in variables of its script) is its own.

    `hooks` and `events` open those of the runtime. Lists in paths count from `first_index`, as in the language that asks.
    """

    def __init__(
        self,
        sessions: "Sessions",
        hooks: "Callable[[], Hooks]",
        *,
        events: "Callable[[], Events | None]" = lambda: None,
        first_index: int = 0,
    ) -> None:
        self.sessions = sessions
        self.first_index = first_index
        self._open_hooks = hooks
        self._open_events = events

    def can_replay(self, session_id: str) -> bool:
        """Whether anything is recorded of a session. Raises NotFound."""
        self.sessions.get(session_id)
        return session_id in self.sessions.replayable(session_id)

    def list_replayable(self) -> list[str]:
        """The ids of the sessions of which something is recorded, oldest first."""
        return self.sessions.replayable()

    def overview(self, session_id: str) -> Overview:
        """What is recorded of a session. Raises NotFound."""
        session = self.sessions.get(session_id)
        return Overview(session_id, session.correlation_id, self.sessions.executions(session_id))

    def replay(self, session_id: str, config: ReplayConfig) -> Replayed:
        """Run the recorded executions of a session again, in their order, as far as the configuration says.

        Each meets the hook of the same point and name, else all hooks of that point. Raises NotFound for a session that is not
        there or of which nothing is recorded, StorageBusy when others write for too long, and BadArgument.
        """
        modifications = config.enabled_modifications()
        hooks, events = self._open_hooks(), self._open_events()
        session = self.sessions.get(session_id)
        recorded = self.sessions.executions(session_id)
        if not recorded:
            raise NotFound(
                f"nothing is recorded of the session {session_id} that could be replayed",
                hint="hooks that run while the session is current are recorded",
            )
        chosen = [
            each
            for each in recorded
            if config.fits(each.seq, each.execution)
            and not hooks.acts_outside(each.execution.point, each.execution.hook)
        ]
        done = Replayed(session_id, session.correlation_id, config, self.sessions.home.clock())
        done.recorded = len(chosen)
        started = monotonic()
        with suppress(_Undone), ExitStack() as block:
            for manager in dict.fromkeys((self.sessions.home, self.sessions.state)):
                if manager is not None:
                    is_inner = manager.own_transaction() is not None
                    block.enter_context(manager.transaction() if is_inner else Transaction(manager, config.timeout))
            block.callback(self._make_current, self.sessions.current_id)
            block.enter_context(hooks.untraced())
            block.enter_context(nullcontext() if events is None else events.unheard())
            for each in chosen:
                if hooks.is_stopping():
                    raise Interrupted("interrupted")
                if monotonic() - started > config.timeout:
                    done.stopped = "timeout"
                    break
                self._run(each, modifications, config, hooks, done)
                if config.stop_on_error and done.failed:
                    done.stopped = "error"
                    break
            raise _Undone
        done.duration = monotonic() - started
        return done

    def _run(
        self, recorded: "Recorded", modifications: list[Modification], config: ReplayConfig, hooks: "Hooks", done: Replayed
    ) -> None:  # fmt: skip
        execution = recorded.execution
        context, is_modified = self._modified(execution.context, modifications)
        runs: list[Execution] = []
        if execution.point in POINTS:
            with self._correlated(execution.correlation_id):
                runs = hooks.run(execution.point, execution.hook, context)
        step = Step(recorded, context, is_modified, runs)
        done.replayed += 1
        done.successful += step.is_successful
        done.without_hook += not runs
        done.modified += is_modified
        if config.compare:
            done.differences.extend(self._differences(step))
        if config.mode == DEBUG:
            done.steps.append(step)

    def _modified(self, context: bytes, modifications: list[Modification]) -> tuple[bytes, bool]:
        """The context with the modifications that lead somewhere in it, and whether there were any."""
        if not modifications:
            return context, False
        tree = values.decode(context)
        # Each one in turn: a later one may lead into what an earlier one has put there.
        changes = [paths.replace(tree, each.steps, each.value, self.first_index) for each in modifications]
        return (values.encode(tree), True) if any(changes) else (context, False)

    def _differences(self, step: Step) -> list[Found]:
        recorded = step.recorded
        if not step.runs:
            gone = Difference("$", f"no hook waits at {recorded.execution.point} any more", CRITICAL)
            return [Found(recorded, gone)]
        comparator = Comparator(first_index=self.first_index)
        found = []
        for run in step.runs:
            if run.error != recorded.execution.error:
                before, now = recorded.execution.error or "nothing", run.error or "nothing"
                found.append(
                    Found(recorded, Difference("$", f"what failed was {before}, is {now}", CRITICAL), run.hook)
                )
            comparison = comparator.compare(said(recorded.execution.result), said(run.result))
            found += [Found(recorded, each, run.hook) for each in comparison.differences]
        return found

    def _make_current(self, session_id: str | None) -> None:
        if self.sessions.current_id != session_id:
            self.sessions.set_current(session_id)

    def _correlated(self, correlation_id: str) -> "Any":
        manager = self.sessions.state or self.sessions.home
        return manager.with_correlation(correlation_id) if correlation_id else nullcontext()


def said(result: bytes) -> "Any":
    """The result of a hook as a value; None for each way of saying nothing."""
    return None if result in NOTHING else values.decode(result)


class _Undone(Exception):
    """Ends the transaction of a replay."""
