"""`llmspell session replay`: recorded hooks run again, with the hooks that a script registers."""

import json
from collections.abc import Callable
from typing import Annotated, Any

import typer

from llmspell.cli.backup import document
from llmspell.cli.call import Call
from llmspell.cli.run import check_text, read_script
from llmspell.cli.watch import Watch, leave
from llmspell.errors import BadArgument, LlmspellError
from llmspell.globals.replay import describe
from llmspell.languages.language import ScriptExit
from llmspell.replay.config import DEBUG, DEFAULT_TIMEOUT, EXACT, MODES, MODIFIED, Modification, ReplayConfig
from llmspell.replay.replays import Replayed
from llmspell.replay.schedule import Schedule, parse, runs_of
from llmspell.runtime import Runtime, language_of
from llmspell.runtime.replays import open_replays

FACTS = ("session_id", "start_time", "hooks_replayed", "successful_replays", "failed_replays", "total_duration")


def replay(
    call: Call,
    session_id: Annotated[str, typer.Argument(metavar="ID", help="The id of the session, as `session list` shows it.")],
    script: Annotated[
        str | None,
        typer.Option("--script", metavar="FILE", help="A script that registers hooks; without it, the built-in ones."),
    ] = None,
    mode: Annotated[
        str | None, typer.Option("--mode", metavar="MODE", help=f"{', '.join(MODES)}; with --set modified, else exact.")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Put a value (JSON) into each hook's context; may be repeated."),
    ] = None,
    first: Annotated[str | None, typer.Option("--from", metavar="N", help="The first number of the timeline or time.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="N", help="The last number of the timeline or time.")] = None,
    hook_filter: Annotated[
        str | None, typer.Option("--hook-filter", metavar="PATTERN", help="Only hooks or points that fit; * is anything.")
    ] = None,
    no_compare: Annotated[bool, typer.Option("--no-compare", help="Do not compare with what was recorded.")] = False,
    stop_on_error: Annotated[bool, typer.Option("--stop-on-error", help="End with the first hook that fails.")] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="S", help="Seconds that one replay may take.")
    ] = DEFAULT_TIMEOUT,
    schedule: Annotated[
        str | None,
        typer.Option("--schedule", metavar="WHEN", help="once:DELAY, interval:INITIAL,EVERY[,MAX] (seconds), cron:EXPRESSION."),
    ] = None,
    zone: Annotated[str, typer.Option("--zone", metavar="NAME", help="The time zone of a cron schedule.")] = "UTC",
    max_runs: Annotated[
        int | None, typer.Option("--max-runs", metavar="N", min=1, help="End a schedule after so many replays.")
    ] = None,
) -> int:  # fmt: skip
    """Run the recorded hooks of a session again and tell what differs; nothing is changed by it.

    Exit status 1 when a hook fails or is not there any more, and in the modes exact and debug when a result differs. With
    --schedule it goes on until the schedule or Ctrl-C ends it, with one report per replay.
    """
    wanted = mode or (MODIFIED if changes else EXACT)
    try:
        config = ReplayConfig(
            wanted, first=_when(first), last=_when(last), hook_filter=hook_filter,
            modifications=[_modification(change) for change in changes or ()],
            compare=False if no_compare else None, stop_on_error=stop_on_error, timeout=timeout,
        )  # fmt: skip
        config.enabled_modifications()
        planned = None if schedule is None else parse(schedule, zone)
    except BadArgument as error:
        raise BadArgument(error.message, hint=error.hint, exit_status=2) from None
    return _Command(call, session_id, config, planned, max_runs).run(script)


class _Command:
    """One command line: replays once, or as its schedule says, and reports."""

    def __init__(
        self, call: Call, session_id: str, config: ReplayConfig, schedule: Schedule | None, max_runs: int | None
    ) -> None:
        self.call = call
        self.session_id = session_id
        self.config = config
        self.schedule = schedule
        self.max_runs = max_runs
        self.status = 0

    def run(self, script: str | None) -> int:
        report = self.call.report
        source = b"" if script is None else read_script(script)
        if script is not None:
            check_text(source, script)
            self.call.sources[script] = source
        if report.is_json:
            report.reserve_output()
        runtime = self.call.runtime()
        limit = 0.0 if self.schedule is not None else runtime.timeout

        def give_up(error: LlmspellError) -> None:
            leave(report.failure(error), runtime.flush)

        with Watch(runtime.interrupt, give_up, timeout=limit) as watch:
            try:
                if script is None:
                    self._replay(runtime, 0)
                else:
                    name = language_of(script) or runtime.config.default_engine
                    runtime.run(source, name=script, farewell=lambda: self._replay(runtime, int(name == "lua")))
            except ScriptExit:
                raise BadArgument(
                    f"the script '{script}' ended itself, and its hooks with it: nothing was replayed",
                    hint="a script given by --script registers hooks and comes to its end",
                ) from None
            finally:
                watch.end()
                runtime.close()
        return self.status

    def _replay(self, runtime: Runtime, first_index: int) -> None:
        replays = open_replays(runtime, first_index)
        if self.schedule is None:
            self._report(replays.replay(self.session_id, self.config))
            return
        sleep: Callable[[float], bool] = runtime.wait
        for _ in runs_of(self.schedule, replays.sessions.home.clock, sleep, self.max_runs):
            self._report(replays.replay(self.session_id, self.config))

    def _report(self, done: Replayed) -> None:
        is_bad = done.failed or done.stopped or (done.mode in (EXACT, DEBUG) and done.differences)
        self.status = 1 if is_bad else self.status
        report, whole = self.call.report, document(describe(done))
        if report.output != "text":
            report.value(whole)
            return
        facts = {name: whole[name] for name in FACTS} | {name: str(fact) for name, fact in _told(whole).items()}
        report.result(facts)
        if whole["differences"]:
            report.result([{name: each[name] for name in COLUMNS} for each in whole["differences"]])


COLUMNS = ("seq", "hook", "path", "severity", "description")


def _told(whole: dict[str, Any]) -> dict[str, Any]:
    """What of the metadata a line has room for."""
    return {name: fact for name, fact in whole["metadata"].items() if name != "steps"} | {
        "differences": len(whole["differences"])
    }


def _when(text: str | None) -> int | float | str | None:
    """A number of the timeline, Unix seconds, or the text of a time."""
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        return text


def _modification(text: str) -> Modification:
    path, sign, value = text.partition("=")
    if not sign:
        raise BadArgument(f"--set {text!r} is no PATH=VALUE", hint="""write it as --set 'data.new_value={"n": 5}'""")
    try:
        return Modification(path.strip(), json.loads(value))
    except ValueError:
        raise BadArgument(
            f"the value of --set {path} is no JSON: {value[:60]}",
            hint="""text is written as --set 'data.key="other"'""",
        ) from None
