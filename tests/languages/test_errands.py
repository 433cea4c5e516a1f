"""Errands: what has been left for the script's own thread is done between its steps, never inside its transactions."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from llmspell import values
from llmspell.errors import Interrupted, LlmspellError, ScriptError
from llmspell.languages.grants import Grants
from llmspell.languages.javascript import JavaScript
from llmspell.languages.language import Language, Limits, ScriptExit, Services, Stop
from llmspell.languages.lua import Lua
from llmspell.surface.model import Callback, CallbackFailed, Global, LastingCallback


class Desk(Global):
    """Keeps a function of the script and calls it as an errand, once for every time it was left one."""

    name = "Desk"

    def __init__(self, stop: Stop) -> None:
        self.stop = stop
        self.handler: Callback | None = None
        self.left = 0
        self.failures: list[str] = []
        stop.errands.append(self._errand)

    def handle(self, handler: LastingCallback) -> None:
        """Keep the function."""
        self.handler = handler

    def leave(self, count: int = 1) -> None:
        """Leave that many errands."""
        self.left += count
        self.stop.summon()

    def look(self) -> int:
        """How many are left."""
        return self.left

    def inside(self, fn: Callback) -> None:
        """Run a function of the script."""
        fn()

    def sleep(self, seconds: float) -> bool:
        """Wait."""
        return self.stop.wait(seconds)

    def sleep_until_left(self, seconds: float) -> bool:
        """Wait until something is left."""
        return self.stop.wait(seconds, lambda: self.left > 0)

    def _errand(self) -> None:
        for _ in range(self.left):
            self.left -= 1
            assert self.handler is not None
            try:
                self.handler()
            except CallbackFailed as error:
                self.failures.append(str(error))


class Bench:
    def __init__(self, language: str) -> None:
        self.is_lua = language == "lua"
        self.stop = Stop()
        self.desk = Desk(self.stop)
        self.bugs: list[BaseException] = []
        self.output = b""
        services = Services(
            write=lambda _, data: setattr(self, "output", self.output + data), report_bug=self.bugs.append,
            grants=Grants(), stop=self.stop,
        )  # fmt: skip
        self.language: Language = (Lua if self.is_lua else JavaScript)([self.desk], Limits(), services)

    def run(self, lua: str, javascript: str) -> object:
        source = lua if self.is_lua else javascript
        return values.decode(self.language.run(source.encode(), "script" + (".lua" if self.is_lua else ".js"), []))


@pytest.fixture(params=["lua", "javascript"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    bench = Bench(request.param)
    yield bench
    bench.language.close()
    assert bench.bugs == []


COUNT = ("local n = 0 Desk.handle(function() n = n + 1 end) ", "let n = 0; Desk.handle(() => { n++ }); ")


def test_an_errand_runs_at_the_next_call_of_any_function(bench: Bench) -> None:
    assert bench.run(
        COUNT[0] + "Desk.leave(3) local before = n Desk.look() return {before, n}",
        COUNT[1] + "Desk.leave(3); const before = n; Desk.look(); [before, n]",
    ) == [0, 3]


def test_errands_run_while_the_script_sleeps(bench: Bench) -> None:
    timer = threading.Timer(0.05, bench.desk.leave)
    timer.start()
    started = time.perf_counter()
    assert bench.run(
        COUNT[0] + "local stopped = Desk.sleep(1) return {n, stopped}", COUNT[1] + "const stopped = Desk.sleep(1); [n, stopped]"
    ) == [1, False]  # fmt: skip
    assert time.perf_counter() - started >= 1
    timer.join()


def test_a_wait_ends_when_what_it_waits_for_is_there(bench: Bench) -> None:
    def leave() -> None:
        bench.desk.left = 1
        bench.stop.wake()

    timer = threading.Timer(0.05, leave)
    timer.start()
    started = time.perf_counter()
    bench.run("Desk.sleep_until_left(20)", "Desk.sleepUntilLeft(20)")
    assert 0.04 < time.perf_counter() - started < 5
    timer.join()


def test_what_is_left_at_the_end_is_done_also_what_errands_leave(bench: Bench) -> None:
    bench.run(
        "local n = 0 Desk.handle(function() n = n + 1 print(n) if n < 5 then Desk.leave() end end) Desk.leave()",
        "let n = 0; Desk.handle(() => { n++; print(n); if (n < 5) Desk.leave() }); Desk.leave()",
    )
    assert bench.output == b"1\n2\n3\n4\n5\n"


def test_what_is_left_is_done_also_when_the_script_fails(bench: Bench) -> None:
    with pytest.raises(ScriptError, match="boom"):
        bench.run(
            "Desk.handle(function() print('done') end) Desk.leave() error('boom')",
            "Desk.handle(() => { print('done') }); Desk.leave(); throw new Error('boom')",
        )
    assert bench.output == b"done\n"


def test_nothing_of_the_script_runs_after_its_exit() -> None:
    bench = Bench("javascript")
    with pytest.raises(ScriptExit):
        bench.run("", "Desk.handle(() => { print('done') }); Desk.leave(); exit(0)")
    assert bench.output == b""
    bench.language.close()


def test_no_errand_runs_inside_a_function_that_the_host_runs_nor_in_another_errand(bench: Bench) -> None:
    assert bench.run(
        """local log = {}
        Desk.handle(function() log[#log + 1] = 'in' if #log < 4 then Desk.leave() Desk.look() end log[#log + 1] = 'out' end)
        Desk.inside(function() Desk.leave() Desk.look() log[#log + 1] = 'inside' end)
        Desk.look() Desk.look() Desk.look()
        return log""",
        """const log = []
        Desk.handle(() => { log.push('in'); if (log.length < 4) { Desk.leave(); Desk.look() } log.push('out') })
        Desk.inside(() => { Desk.leave(); Desk.look(); log.push('inside') })
        Desk.look(); Desk.look(); Desk.look()
        log""",
    ) == ["inside", "in", "out", "in", "out"]


def test_a_failing_errand_does_not_touch_the_call_it_comes_before(bench: Bench) -> None:
    assert bench.run(
        "Desk.handle(function() error('boom') end) Desk.leave(2) return Desk.look()",
        "Desk.handle(() => { throw new Error('boom') }); Desk.leave(2); Desk.look()",
    ) == 0  # fmt: skip
    assert len(bench.desk.failures) == 2
    assert "boom" in bench.desk.failures[0]


def test_promises_that_an_errand_makes_at_the_end_are_settled() -> None:
    bench = Bench("javascript")
    bench.run("", "Desk.handle(() => { Promise.resolve().then(() => print('settled')) }); Desk.leave()")
    assert bench.output == b"settled\n"
    bench.language.close()


@pytest.mark.parametrize("where", ["at the end", "in a call"])
def test_an_errand_that_never_ends_is_interrupted(bench: Bench, where: str) -> None:
    timer = threading.Timer(0.1, bench.language.interrupt, [Interrupted("interrupted")])
    timer.start()
    more = " Desk.look()" if where == "in a call" else ""
    started = time.perf_counter()
    with pytest.raises(LlmspellError, match="interrupted"):
        bench.run(
            "Desk.handle(function() while true do end end) Desk.leave()" + more,
            "Desk.handle(() => { for (;;); }); Desk.leave();" + more,
        )
    assert time.perf_counter() - started < 5
    timer.join()


def test_a_summons_from_a_thread_is_never_lost(bench: Bench) -> None:
    """A thread summons a thousand times while the script calls and sleeps; every errand is done by the end."""
    done: list[int] = []
    waiting: list[int] = []
    bench.stop.errands.append(lambda: done.extend(waiting.pop() for _ in range(len(waiting))))

    def leave() -> None:
        for number in range(1000):
            waiting.append(number)
            bench.stop.summon()

    thread: Callable[[], None] = leave
    worker = threading.Thread(target=thread)
    worker.start()
    bench.run(
        "for i = 1, 50 do Desk.look() Desk.sleep(0.001) end", "for (let i = 0; i < 50; i++) { Desk.look(); Desk.sleep(0.001) }"
    )  # fmt: skip
    worker.join()
    bench.stop.finish()
    assert sorted(done) == list(range(1000))
