"""`Replay`, and what `Session` can do with it: recorded hooks run again, compared with what they did."""

from llmspell import values
from llmspell.errors import BadArgument, Interrupted
from llmspell.replay.comparator import Comparator
from llmspell.replay.config import DEFAULT_TIMEOUT, EXACT, MODES, Modification, read_modifications
from llmspell.replay.config import ReplayConfig as Config
from llmspell.replay.replays import said
from llmspell.replay.schedule import Cron, Interval, Once, Schedule, runs_of
from llmspell.state import moment
from llmspell.state.moment import text as time_text
from llmspell.surface.model import Anything, Assembly, Choice, Global, Handle, Moment, Payload, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from llmspell.replay.replays import Found, Replayed, Replays, Step

ENABLED_BY = "[runtime.sessions] enabled"


class ReplayModeName(Choice):
    """How a session is replayed.

    exact: with the recorded inputs. modified: with modifications of them. simulate: with or without modifications, and without
    comparing. debug: as exact, with every step in `metadata.steps`.
    """

    values = MODES


class ReplayMode(Handle):
    """A mode of replays. Its text is its name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __str__(self) -> str:
        return self._name

    def name(self) -> ReplayModeName:
        """Its name: exact, modified, simulate or debug."""
        return ReplayModeName(self._name)


MODE_OBJECTS = {name: ReplayMode(name) for name in MODES}


class ReplayModification(Handle):
    """A value to be put into the context that hooks are given in a replay."""

    def __init__(self, modification: Modification) -> None:
        self._modification = modification

    def __str__(self) -> str:
        return f"ReplayModification {self._modification.path}"

    def get_path(self) -> str:
        """Where it goes: `data.new_value`."""
        return self._modification.path

    def get_value(self) -> Anything:
        """The value."""
        return self._modification.value

    def is_enabled(self) -> bool:
        """Whether it has an effect."""
        return self._modification.is_enabled

    def set_enabled(self, enabled: bool) -> None:
        """Switch it on or off, also in the configurations that it was added to."""
        self._modification.is_enabled = enabled


class ReplayChange(Record):
    """A modification as plain values."""

    path: str
    value: Anything
    enabled: bool


class ReplayConfig(Handle):
    """How a session is replayed."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def __str__(self) -> str:
        return f"ReplayConfig {self._config.mode}"

    def get_mode(self) -> ReplayMode:
        """Its mode."""
        return MODE_OBJECTS[self._config.mode]

    def should_compare_results(self) -> bool:
        """Whether results are compared with those that were recorded: by default in all modes but simulate."""
        return self._config.compare

    def get_timeout_seconds(self) -> float:
        """How long the replay may take as a whole."""
        return self._config.timeout

    def should_stop_on_error(self) -> bool:
        """Whether the first failure ends the replay."""
        return self._config.stop_on_error

    def add_modification(self, path: str | ReplayModification, value: Anything = None, enabled: bool = True) -> None:
        """Put `value` where `path` leads in the context of every hook where all but its last step is there.

        A path is `data.new_value`, `data.items[1].name`, or begins with `metadata`, `component_id` or `correlation_id`; a
        leading `context.` is allowed. Places in lists count as the language does. Later ones may lead into what earlier ones put.
        A modification made by `Replay.create_modification` may stand for the three.
        """
        made = path._modification if isinstance(path, ReplayModification) else Modification(path, value, enabled)
        self._config.modifications.append(made)

    def get_modifications(self) -> list[ReplayChange]:
        """The modifications in their order."""
        return [
            ReplayChange(path=each.path, value=each.value, enabled=each.is_enabled)
            for each in self._config.modifications
        ]


class ReplaySchedule(Handle):
    """When replays run. Its text is what `llmspell session replay --schedule` takes."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule

    def __str__(self) -> str:
        return str(self._schedule)

    def type_name(self) -> str:
        """once, interval or cron."""
        return self._schedule.type_name

    def next_after(self, time: Moment, started: Moment | None = None, runs: int = 0) -> str | None:
        """When it is due after a time, as RFC 3339 text, or nothing when it is not due any more.

        It counts from `started`, by default that same time, and from how many times it ran since.
        """
        now = moment.parse(time)
        due = self._schedule.due(now if started is None else moment.parse(started), runs, now)
        return None if due is None else time_text(due)


class ReplayDifference(Record):
    """One place where two values differ. `path` begins with `$` and counts as the language does.

    critical: something is missing or of another kind. major: it has another value, or was added. minor: it is the same number
    as another kind of number, or nearly the same number.
    """

    path: str
    description: str
    severity: str


class ReplayComparison(Record):
    """What a comparison found. `similarity_score` is 1 for identical values only, and 0 when nothing is alike.

    It is the share of what is alike among all that is no list or map. At most 1000 differences are listed; `summary` counts all.
    """

    identical: bool
    similarity_score: float
    summary: str
    differences: list[ReplayDifference]


class ReplayComparator(Handle):
    """Compares values exactly: only the order of fields does not count."""

    def __init__(self, first_index: int) -> None:
        self._comparator = Comparator(first_index=first_index)

    def compare_json(self, expected: Payload, actual: Payload) -> ReplayComparison:
        """In what `actual` differs from `expected`, and how alike they are."""
        found = self._comparator.compare(values.decode(expected), values.decode(actual))
        return ReplayComparison(
            identical=found.identical, similarity_score=found.similarity_score, summary=found.summary,
            differences=[
                ReplayDifference(path=each.path, description=each.description, severity=each.severity)
                for each in found.differences
            ],
        )  # fmt: skip


class ReplayFinding(Record):
    """A difference between what a hook said when it was recorded and what a hook of now said; `path` leads into the result."""

    path: str
    description: str
    severity: str
    seq: int
    point: str
    hook: str


class ReplayResult(Record):
    """What a replay did. `hooks_replayed` are recorded executions that were run again: well (`successful_replays`), or so that a
    hook failed or none was there any more (`failed_replays`). `total_duration` is in seconds.

    `metadata` has `mode`; `recorded`, how many executions there were to replay; `without_hook`; `modified`, how many contexts
    were; `identical`, whether all were replayed well and nothing differed; `stopped`, "error" or "timeout" when it ended early;
    and in debug mode `steps`, each `{seq, point, hook, input, recorded_output, output, error, duration_ms}`.
    """

    session_id: str
    correlation_id: str
    start_time: str
    total_duration: float
    hooks_replayed: int
    successful_replays: int
    failed_replays: int
    differences: list[ReplayFinding]
    metadata: dict[str, Anything]


class ReplayMetadata(Record):
    """What is recorded of a session for replay. Times are RFC 3339 text, `total_duration` is what the hooks took, in seconds."""

    session_id: str
    correlation_id: str
    total_hooks: int
    first_hook_timestamp: str | None = None
    last_hook_timestamp: str | None = None
    total_duration: float
    can_replay: bool


class SessionReplay(Global):
    """Hooks that run while a session is current are recorded, and can be replayed with the hooks of now.

    A replay changes nothing: its hooks run inside a transaction that is undone, no event that they publish reaches anybody, and
    nothing is recorded. They see the state as it is now.
    """

    name = "Session"
    requires_setting = ENABLED_BY

    def __init__(self, replays: "Replays") -> None:
        self._replays = replays

    def can_replay(self, id: str) -> bool:
        """Whether hooks were recorded under a session."""
        return self._replays.can_replay(id)

    def list_replayable(self) -> list[str]:
        """The ids of the sessions under which hooks were recorded, oldest first."""
        return self._replays.list_replayable()

    def get_replay_metadata(self, id: str) -> ReplayMetadata:
        """What is recorded of a session."""
        found = self._replays.overview(id)
        return ReplayMetadata(
            session_id=id, correlation_id=found.correlation_id, total_hooks=found.total_hooks,
            first_hook_timestamp=None if found.first_at is None else time_text(found.first_at),
            last_hook_timestamp=None if found.last_at is None else time_text(found.last_at),
            total_duration=round(found.total_duration, 6), can_replay=found.total_hooks > 0,
        )  # fmt: skip

    def replay(
        self, id: str, *, mode: ReplayModeName | ReplayMode = ReplayModeName(EXACT),  # noqa: B008 - it is text
        from_: Moment | None = None, to: Moment | None = None, hook_filter: str | None = None, modifications: Assembly = None,
        compare: bool | None = None, stop_on_error: bool = False, timeout: float = DEFAULT_TIMEOUT,
    ) -> ReplayResult:  # fmt: skip
        """Run the recorded hooks of a session again, in order, and tell what differs. Changes nothing.

        Each execution meets the hook of the same point and name, else the hooks of that point. `from` and `to` are numbers of the
        timeline or times, inclusive; `hook_filter` is a pattern on the hook's name or point; `modifications` a list of
        `{path, value, enabled}` or of what `Replay.create_modification` makes, or a map of paths to values; `timeout` is in
        seconds, for all. Others that write wait meanwhile.
        """
        if isinstance(modifications, list):
            modifications = [
                each._modification if isinstance(each, ReplayModification) else each for each in modifications
            ]
        config = Config(
            str(mode), first=from_, last=to, hook_filter=hook_filter, modifications=read_modifications(modifications),
            compare=compare, stop_on_error=stop_on_error, timeout=timeout,
        )  # fmt: skip
        return describe(self._replays.replay(id, config))


class Replay(Global):
    """The toolbox of replays: configurations, modifications, schedules, and a comparator of values."""

    name = "Replay"
    requires_setting = ENABLED_BY

    def __init__(self, replays: "Replays", wait: "Callable[[float], object]") -> None:
        self._replays = replays
        self._wait = wait
        self._comparator = ReplayComparator(replays.first_index)

    def create_config(
        self, mode: ReplayModeName | ReplayMode = ReplayModeName(EXACT), *, from_: Moment | None = None,  # noqa: B008 - it is text
        to: Moment | None = None, hook_filter: str | None = None, compare: bool | None = None, stop_on_error: bool = False,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> ReplayConfig:  # fmt: skip
        """A configuration; the options are those of `Session.replay`."""
        return ReplayConfig(
            Config(
                str(mode), first=from_, last=to, hook_filter=hook_filter, compare=compare, stop_on_error=stop_on_error,
                timeout=timeout,
            )
        )  # fmt: skip

    def create_modification(self, path: str, value: Anything = None, enabled: bool = True) -> ReplayModification:
        """A modification, to be added to configurations."""
        return ReplayModification(Modification(path, value, enabled))

    def create_comparator(self) -> ReplayComparator:
        """A comparator of values."""
        return self._comparator

    def run(self, session_id: str, config: ReplayConfig | None = None) -> ReplayResult:
        """Replay a session, as `Session.replay` does."""
        return describe(self._replays.replay(session_id, config._config if config is not None else Config()))

    def run_scheduled(
        self,
        session_id: str,
        schedule: ReplaySchedule,
        config: ReplayConfig | None = None,
        *,
        max_runs: int | None = None,
    ) -> list[ReplayResult]:
        """Replay a session whenever the schedule says, and wait meanwhile; the results.

        A schedule without an end needs `max_runs`.
        """
        if max_runs is not None and max_runs < 1:
            raise BadArgument(f"the option 'max_runs' must be at least 1, got {max_runs}")
        planned = schedule._schedule
        is_endless = isinstance(planned, Cron) or (isinstance(planned, Interval) and planned.max_runs is None)
        if is_endless and max_runs is None:
            raise BadArgument("this schedule has no end", hint="give max_runs")
        runs = runs_of(planned, self._replays.sessions.home.clock, self._sleep, max_runs)
        return [self.run(session_id, config) for _ in runs]

    def _sleep(self, seconds: float) -> None:
        if self._wait(seconds):
            raise Interrupted("interrupted")


class ReplayModes(Global):
    """The modes of replays, as objects: where one is taken, its name may stand."""

    name = "Replay.modes"
    requires_setting = ENABLED_BY

    @property
    def exact(self) -> ReplayMode:
        """With the recorded inputs."""
        return MODE_OBJECTS["exact"]

    @property
    def modified(self) -> ReplayMode:
        """With modifications of the inputs."""
        return MODE_OBJECTS["modified"]

    @property
    def simulate(self) -> ReplayMode:
        """With or without modifications, and without comparing."""
        return MODE_OBJECTS["simulate"]

    @property
    def debug(self) -> ReplayMode:
        """As exact, with every step in the result."""
        return MODE_OBJECTS["debug"]


class ReplaySchedules(Global):
    """Schedules for `Replay.run_scheduled` and for `llmspell session replay --schedule`."""

    name = "Replay.schedules"
    requires_setting = ENABLED_BY

    def once(self, delay: float = 0.0) -> ReplaySchedule:
        """One run, after so many seconds."""
        return ReplaySchedule(Once(delay))

    def interval(self, initial: float, every: float, max: int | None = None) -> ReplaySchedule:
        """A run after `initial` seconds and then every `every` seconds, at most `max` of them. Runs do not pile up."""
        return ReplaySchedule(Interval(initial, every, max))

    def cron(self, text: str, zone: str = "UTC") -> ReplaySchedule:
        """Runs at the times of a cron expression (minute, hour, day of month, month, day of week), in a time zone."""
        return ReplaySchedule(Cron(text, zone))


def describe(done: "Replayed") -> ReplayResult:
    """A replay as scripts and commands see it."""
    metadata: dict[str, Any] = {
        "mode": done.mode,
        "recorded": done.recorded,
        "without_hook": done.without_hook,
        "modified": done.modified,
        "identical": done.is_faithful,
    }
    if done.stopped:
        metadata["stopped"] = done.stopped
    if done.mode == "debug":
        metadata["steps"] = [shown for step in done.steps for shown in _describe_step(step)]
    return ReplayResult(
        session_id=done.session_id,
        correlation_id=done.correlation_id,
        start_time=time_text(done.started_at),
        total_duration=round(done.duration, 6),
        hooks_replayed=done.replayed,
        successful_replays=done.successful,
        failed_replays=done.failed,
        differences=[_describe_finding(found) for found in done.differences],
        metadata=metadata,
    )


def _describe_finding(found: "Found") -> ReplayFinding:
    difference = found.difference
    return ReplayFinding(
        path=difference.path, description=difference.description, severity=difference.severity, seq=found.seq,
        point=found.point, hook=found.hook,
    )  # fmt: skip


def _describe_step(step: "Step") -> "list[dict[str, Any]]":
    recorded = step.recorded.execution
    shown = {
        "seq": step.recorded.seq,
        "point": recorded.point,
        "hook": recorded.hook,
        "input": values.decode(step.context),
        "recorded_output": said(recorded.result),
    }
    return [
        shown
        | {"hook": run.hook, "output": said(run.result), "duration_ms": round(run.duration * 1000, 3)}
        | ({"error": run.error} if run.error else {})
        for run in step.runs
    ] or [shown]
