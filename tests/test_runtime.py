"""One configured whole: what a runtime opens, runs, refuses and closes."""

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from llmspell import Runtime, ScriptError, load_config
from llmspell.errors import BadArgument, Interrupted, LlmspellError, NotEnabled, Timeout
from llmspell.languages.language import ScriptExit
from llmspell.runtime import language_of
from llmspell.values import decode


def open_runtime(folder: Path, **overrides: object) -> Runtime:
    given = {name.replace("__", "."): value for name, value in overrides.items()}
    return Runtime(load_config(environ={}, cwd=str(folder), overrides=given))


def test_the_language_is_what_the_name_ends_in_or_what_is_said_or_the_default(tmp_path: Path) -> None:
    def run(source: bytes, **options: Any) -> Any:
        return decode(runtime.run(source, **options))

    with open_runtime(tmp_path, default_engine="javascript") as runtime:
        assert run(b"return _VERSION", name="x.lua") == "Lua 5.4"
        assert run(b"typeof globalThis", name="x.js") == "object"
        assert run(b"export default 5", name="x.mjs") == 5
        assert run(b"typeof globalThis", name="x") == "object"
        assert run(b"return _VERSION", name="x.js", language="lua") == "Lua 5.4"
        with pytest.raises(BadArgument, match="there is no language 'perl'"):
            run(b"", name="x", language="perl")


@pytest.mark.parametrize(
    ("name", "language"), [("a.LUA", "lua"), ("a.Mjs", "javascript"), ("a.lua.txt", ""), ("", ""), ("lua", "")]
)
def test_language_of_a_name(name: str, language: str) -> None:
    assert language_of(name) == language


def test_scripts_of_both_languages_share_the_state(tmp_path: Path) -> None:
    with open_runtime(tmp_path) as runtime:
        runtime.run(b"State.save('app', 'n', {1, 2})", name="a.lua")
        assert decode(runtime.run(b"State.load('app', 'n').concat(3)", name="a.js")) == [1, 2, 3]
        assert runtime.state.get("app", "n") == [1, 2]


def test_nothing_of_a_script_outlives_it_but_the_state(tmp_path: Path) -> None:
    with open_runtime(tmp_path) as runtime:
        runtime.run(b"x = 1 string.format = nil State.save('app', 'k', 1)", name="a.lua")
        assert (
            decode(
                runtime.run(b"return x == nil and string.format ~= nil and State.load('app', 'k') == 1", name="a.lua")
            )
            is True
        )


def test_what_a_script_saved_before_it_failed_stays_saved(tmp_path: Path) -> None:
    with open_runtime(tmp_path) as runtime:
        with pytest.raises(ScriptError, match="too late"):
            runtime.run(b"State.save('app', 'k', 1) error('too late')", name="a.lua")
        assert runtime.state.get("app", "k") == 1


def test_every_run_has_a_correlation_id_of_its_own(tmp_path: Path) -> None:
    with open_runtime(tmp_path) as runtime:
        for _ in range(2):
            runtime.run(b"State.save('app', 'k', 1) State.save('app', 'l', 1)", name="a.lua")
        found = [change.correlation_id for change in runtime.state.changes()[0]]
        assert found[0] == found[1] != found[2] == found[3]


def test_a_run_that_cannot_begin_leaves_no_session_current(tmp_path: Path) -> None:
    with open_runtime(tmp_path, runtime__sessions__enabled=True, runtime__hooks__record=True) as made:
        work = made.sessions.create()
        recorders = [*made.hooks.recorders]
        with pytest.raises(BadArgument, match="no language"):
            made.run(b"", name="x.lua", language="cobol", session_id=work)
        assert made.sessions.current_id is None
        assert made.hooks.recorders == recorders


def test_without_the_state_there_is_no_state(tmp_path: Path) -> None:
    with open_runtime(tmp_path, state__enabled=False) as runtime:
        assert decode(runtime.run(b"return State == nil", name="a.lua")) is True
        assert decode(runtime.run(b"typeof State", name="a.js")) == "undefined"
        with pytest.raises(NotEnabled, match="the state is switched off"):
            _ = runtime.state
        runtime.flush()


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    runtime = open_runtime(tmp_path, state__backend="disk", state__path=str(tmp_path / "state"))
    runtime.run(b"State.save('app', 'k', 1)", name="a.lua")
    runtime.close()
    runtime.close()
    with open_runtime(tmp_path, state__backend="disk", state__path=str(tmp_path / "state")) as again:
        assert again.state.get("app", "k") == 1


def test_the_end_of_a_script_is_told_by_an_exception(tmp_path: Path) -> None:
    with open_runtime(tmp_path) as runtime:
        for source, name in ((b"os.exit(7)", "a.lua"), (b"exit(7)", "a.js")):
            with pytest.raises(ScriptExit) as caught:
                runtime.run(source, name=name)
            assert caught.value.status == 7


@pytest.mark.parametrize("reason", [None, Timeout("too long"), Interrupted("terminated", exit_status=143)])
@pytest.mark.parametrize("name", ["a.lua", "a.js"])
def test_an_interrupt_from_another_thread_ends_the_script_with_its_reason(
    tmp_path: Path, name: str, reason: LlmspellError | None
) -> None:
    with open_runtime(tmp_path) as runtime:
        timer = threading.Timer(0.05, runtime.interrupt, [reason])
        timer.start()
        with pytest.raises(type(reason or Interrupted(""))) as caught:
            runtime.run(b"sleep(100)", name=name)
        timer.join()
        if reason is not None:
            assert caught.value is reason


def test_an_interrupt_while_nothing_runs_leaves_the_next_script_alone(tmp_path: Path) -> None:
    with open_runtime(tmp_path) as runtime:
        runtime.interrupt()
        assert decode(runtime.run(b"return 5", name="a.lua")) == 5


def test_two_runtimes_run_at_the_same_time(tmp_path: Path) -> None:
    results: list[Any] = []

    def work(name: str, source: bytes) -> None:
        with open_runtime(tmp_path) as runtime:
            results.append(decode(runtime.run(source, name=name)))

    lua = b"local n = 0 for i = 1, 200 do State.save('a', 'k' .. i, i) n = n + State.load('a', 'k' .. i) end return n"
    javascript = (
        b"let n = 0; for (let i = 1; i <= 200; i++) { State.save('a', `k${i}`, i); n += State.load('a', `k${i}`) } n"
    )
    threads = [threading.Thread(target=work, args=pair) for pair in [("a.lua", lua), ("a.js", javascript)] * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [20100] * 6


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="needs the /proc of Linux")
def test_engines_leave_nothing_behind(tmp_path: Path) -> None:
    """Neither memory nor threads grow with the number of scripts."""

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    with open_runtime(tmp_path, state__transaction_timeout_ms=1000) as runtime:

        def work() -> None:
            runtime.run(
                b"State.update('a', 'k', function() return {1} end) local t = {} for i = 1, 1000 do t[i] = {} end",
                name="a.lua",
            )
            runtime.run(b"State.update('a', 'k', () => [1]); Array.from({ length: 1000 }, () => ({}))", name="a.js")

        for _ in range(20):
            work()
        before, threads = resident(), threading.active_count()
        for _ in range(150):
            work()
        assert resident() - before < 8 << 20
        deadline = time.monotonic() + 5
        while len(os.listdir("/proc/self/task")) > threads + 20 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(os.listdir("/proc/self/task")) <= threads + 20


def test_what_a_script_prints_goes_to_the_standard_streams(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with open_runtime(tmp_path) as runtime:
        runtime.run(b"print('out')", name="a.lua")
        runtime.run(b"console.error('err'); Log.warn('logged', { n: 1 })", name="a.js")
    out, err = capfd.readouterr()
    assert out == "out\n"
    assert "err\n" in err
    assert "logged" in err


def test_a_principal_needs_access_control(tmp_path: Path) -> None:
    with pytest.raises(NotEnabled, match="'someone'"):
        Runtime(load_config(environ={}, cwd=str(tmp_path)), principal="someone")
