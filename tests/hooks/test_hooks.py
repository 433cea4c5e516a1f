"""Registry and executor: order, filters, failures, recursion, recorded executions."""

import threading
import time
from typing import Any

import pytest

from llmspell.errors import BadArgument, BadValue
from llmspell.hooks.hook import Execution
from llmspell.hooks.hooks import MAX_DEPTH, Hooks
from llmspell.hooks.points import POINTS, PRIORITIES
from llmspell.values import decode, encode
from tests.hooks.conftest import Bench

POINT = "BeforeToolExecution"


def test_hooks_run_in_the_order_of_priority_then_of_registration(hooks: Hooks) -> None:
    ran: list[str] = []
    for priority in ("lowest", "normal", "highest", "low", "high", "normal"):
        hooks.register(POINT, lambda context: ran.append(context["metadata"]["of"]), priority=priority)
    order = [hook.name for hook in hooks.list(POINT)]
    assert [hook.priority for hook in hooks.list(POINT)] == ["highest", "high", "normal", "normal", "low", "lowest"]
    assert order == [f"{POINT}-{number}" for number in (3, 5, 2, 6, 4, 1)]
    hooks.fire(POINT, {}, metadata={"of": "all"})
    assert ran == ["all"] * 6


def test_a_hook_is_told_what_happens(hooks: Hooks) -> None:
    told: list[dict[str, Any]] = []
    hooks.register(POINT, told.append)
    hooks.fire(
        POINT, {"tool": "grep", "size": 2**60, "text": "é", "raw": b"\0", "none": None}, component=("tool", "grep")
    )
    assert told == [
        {
            "point": POINT, "component_id": {"type": "tool", "name": "grep"}, "correlation_id": "run-1", "language": "python",
            "metadata": {}, "data": {"tool": "grep", "size": 2**60, "text": "é", "raw": b"\0", "none": None},
        }
    ]  # fmt: skip
    hooks.fire(POINT, {}, correlation_id="of the caller")
    assert told[1]["correlation_id"] == "of the caller"


def test_an_unknown_point_names_the_nearest(hooks: Hooks) -> None:
    for wrong, near in (
        ("BeforeStateWrit", "BeforeStateWrite"),
        ("before_tool_execution", POINT),
        ("sesionstart", "SessionStart"),
    ):
        for act in (hooks.register, hooks.fire):
            with pytest.raises(BadArgument) as raised:
                act(wrong, {})  # type: ignore[operator]
            assert f"the nearest is '{near}'" in raised.value.message
    with pytest.raises(BadArgument):
        hooks.list(5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong", [{"priority": "urgent"}, {"on_error": "stop"}, {"scope": 5}, {"tags": [1]}, {"name": "x" * 513}]
)
def test_wrong_options_are_refused(hooks: Hooks, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadArgument):
        hooks.register(POINT, print, **wrong)
    assert hooks.list() == []


def test_patterns_choose_by_scope_and_key(hooks: Hooks) -> None:
    ran: list[str] = []
    for scope, key in (("", ""), ("agent:*", ""), ("", "*secret*"), ("agent:*", "a")):
        hooks.register(POINT, lambda _, name=f"{scope}/{key}": ran.append(name), scope=scope, key=key)  # type: ignore[misc]
    hooks.fire(POINT, {"scope": "agent:1", "key": "a"})
    assert ran == ["/", "agent:*/", "agent:*/a"]
    ran.clear()
    hooks.fire(POINT, {"scope": "agents", "key": "my secret"})
    assert ran == ["/", "/*secret*"]
    ran.clear()
    hooks.fire(POINT, {"scope": 5})
    assert ran == ["/"]


def test_a_hook_that_was_removed_runs_no_more_also_when_it_removes_itself(hooks: Hooks) -> None:
    ran: list[str] = []

    def once(_: Any) -> None:
        ran.append("once")
        assert hooks.unregister(hook)

    hook = hooks.register(POINT, once)
    hooks.register(POINT, lambda _: ran.append("always"))
    hooks.fire(POINT, {})
    hooks.fire(POINT, {})
    assert ran == ["once", "always", "always"]
    assert not hooks.unregister(hook)
    assert not hooks.unregister("no id")


def test_list_filters(hooks: Hooks) -> None:
    one = hooks.register(POINT, print, tags=["a", "b"], priority="high")
    two = hooks.register("SessionStart", print, tags=["b"])
    own = hooks.register("SessionStart", print, is_builtin=True)
    assert hooks.list() == [one, two]
    assert hooks.list(tag="b", priority="high") == [one]
    assert hooks.list("SessionStart", include_builtin=True) == [two, own]
    assert hooks.list(language="lua") == []
    assert hooks.wants(POINT)
    assert not hooks.wants("SessionEnd")


def test_a_failing_hook_is_as_if_it_had_said_nothing_and_is_warned_of(bench: Bench) -> None:
    def fail(_: Any) -> None:
        raise ValueError("boom")

    hook = bench.hooks.register(POINT, fail, name="bad")
    assert bench.hooks.fire(POINT, {}).kind == "continue"
    assert bench.warnings == [("a hook failed", {"hook": "bad", "point": POINT, "error": "boom"})]
    assert (hook.executions, hook.failures) == (1, 1)


def test_a_failing_hook_cancels_when_it_was_registered_so(hooks: Hooks) -> None:
    hooks.register(POINT, lambda _: 1 / 0, on_error="cancel", name="needed")
    outcome = hooks.fire(POINT, {})
    assert (outcome.kind, outcome.hook, outcome.reason) == ("cancel", "needed", "it failed: division by zero")
    assert hooks.cancelled == 1


@pytest.mark.parametrize(
    "said",
    [
        5, True, [], {}, {"type": "explode"}, {"type": 5}, {"type": "modified"}, {"type": "modified", "data": [1]},
        {"type": "modified", "data": {5: 1}}, {"type": "redirect"}, {"type": "redirect", "target": {"scope": "a"}},
        {"type": "redirect", "target": {"scope": 5, "key": "a"}}, {"type": "retry", "delay_ms": -1},
        {"type": "retry", "delay_ms": "soon"}, {"type": "retry", "max_attempts": 10**9}, {"type": "cache"},
        {"type": "cache", "ttl": True}, {"type": "cancel", "reason": {}}, float("nan"), object(),
        {"type": "replace", "data": object()},
    ],
)  # fmt: skip
def test_what_is_no_result_counts_as_a_failure_and_changes_nothing(bench: Bench, said: Any) -> None:
    hook = bench.hooks.register(POINT, lambda _: said)
    outcome = bench.hooks.fire(POINT, {"a": 1})
    assert (outcome.kind, outcome.data, outcome.changed) == ("continue", {"a": 1}, set())
    assert hook.failures == 1
    assert len(bench.warnings) == 1


def test_a_hook_that_is_only_told_may_return_anything(bench: Bench) -> None:
    for said in (5, True, [1], b"x", 1.5):
        bench.hooks.register("SessionStart", lambda _, said=said: said)  # type: ignore[misc]
    assert bench.hooks.fire("SessionStart", {}).kind == "continue"
    assert bench.warnings == []


def test_an_overrun_counts_as_a_failure(bench: Bench) -> None:
    bench.hooks.timeout = 0.01
    bench.hooks.register(POINT, lambda _: time.sleep(0.02) or "no", on_error="continue")
    assert bench.hooks.fire(POINT, {}).kind == "continue"
    assert "the limit is 0.01 s" in bench.warnings[0][1]["error"]


def test_retry_calls_again_after_the_delay_and_fails_in_the_end(bench: Bench) -> None:
    calls: list[int] = []

    def busy(_: Any) -> Any:
        calls.append(1)
        return {"type": "retry", "delay_ms": 20, "max_attempts": 4} if len(calls) % 10 else "enough"

    hook = bench.hooks.register(POINT, busy)
    assert bench.hooks.fire(POINT, {}).kind == "continue"
    assert (len(calls), bench.waited, hook.failures) == (4, [0.02] * 3, 1)
    calls.extend([1] * 3)
    outcome = bench.hooks.fire(POINT, {})
    assert (outcome.kind, outcome.reason, len(calls), hook.failures) == ("cancel", "enough", 10, 1)


def test_a_hook_does_not_meet_what_it_does_itself(hooks: Hooks) -> None:
    ran: list[str] = []

    def one(_: Any) -> None:
        ran.append("one")
        hooks.fire(POINT, {})

    def two(_: Any) -> None:
        ran.append("two")
        hooks.fire(POINT, {})

    hooks.register(POINT, one)
    hooks.register(POINT, two)
    hooks.fire(POINT, {})
    assert ran == ["one", "two", "two", "one"]


def test_hooks_that_cause_each_other_are_bounded(bench: Bench) -> None:
    depths: list[int] = []

    def deeper(context: Any) -> None:
        depth = context["data"]["depth"]
        depths.append(depth)
        bench.hooks.register(POINT, deeper, priority="highest")
        bench.hooks.fire(POINT, {"depth": depth + 1})

    bench.hooks.register(POINT, deeper)
    bench.hooks.fire(POINT, {"depth": 1})
    assert max(depths) == MAX_DEPTH
    assert "deeper than 8 levels" in bench.warnings[0][1]["error"]


def test_another_thread_does_not_run_the_hook_of_a_script(hooks: Hooks) -> None:
    ran: list[int] = []
    hooks.register_call(POINT, lambda *_: ran.append(1) or encode(None), language="lua", thread=threading.get_ident())  # type: ignore[func-returns-value]
    worker = threading.Thread(target=hooks.fire, args=(POINT, {}))
    worker.start()
    worker.join()
    assert ran == []
    hooks.fire(POINT, {})
    assert ran == [1]
    hooks.end_script()
    assert hooks.list() == []


def test_a_failure_while_the_script_is_ending_is_no_fault_of_the_hook() -> None:
    hooks = Hooks(is_stopping=lambda: True)
    hook = hooks.register(POINT, lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        hooks.fire(POINT, {})
    assert hook.failures == 0


def test_every_run_is_recorded(hooks: Hooks) -> None:
    recorded: list[Execution] = []
    hooks.recorders.append(recorded.append)
    hooks.register(POINT, lambda context: {"type": "modified", "data": {"n": context["data"]["n"] + 1}}, name="plus")
    hooks.register(POINT, lambda _: 1 / 0, name="bad")
    hooks.fire(POINT, {"n": 1})
    first, second = recorded
    assert (first.point, first.hook, first.language, first.error, first.correlation_id) == (
        POINT,
        "plus",
        "python",
        "",
        "run-1",
    )
    assert decode(first.context)["data"] == {"n": 1}
    assert decode(first.result) == {"type": "modified", "data": {"n": 2}}
    assert abs(first.at / 1e6 - time.time()) < 60
    assert 0 <= first.duration < 10
    assert (second.error, decode(second.result), decode(second.context)["data"]) == ("division by zero", None, {"n": 2})


def test_a_recorded_execution_runs_again_against_the_hook_of_its_name_else_those_of_its_point(hooks: Hooks) -> None:
    recorded: list[Execution] = []
    hooks.recorders.append(recorded.append)
    plus = hooks.register(POINT, lambda context: {"type": "replace", "data": context["data"]["n"] + 1}, name="plus")
    other = hooks.register(POINT, lambda _: "no", name="other")
    hooks.fire(POINT, {"n": 1})
    (execution,) = recorded
    recorded.clear()
    (again,) = hooks.run(execution.point, execution.hook, execution.context)
    assert (again.context, again.result, again.hook_id) == (execution.context, execution.result, plus.id)
    both = hooks.run(POINT, "gone", execution.context)
    assert [run.hook for run in both] == ["plus", "other"]
    assert recorded == []
    assert (plus.executions, other.executions) == (1, 0)
    with pytest.raises(BadValue):
        hooks.run(POINT, "plus", encode(5))
    (failed,) = hooks.run(POINT, "plus", encode({"data": {}}))
    assert failed.error == "'n'"


def test_points_and_priorities_are_the_documented_ones() -> None:
    assert len(POINTS) == len(set(POINTS)) == 41
    assert PRIORITIES == ("highest", "high", "normal", "low", "lowest")
