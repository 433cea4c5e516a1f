"""Replays of recorded hooks: with the hooks of now, compared with what was recorded, and changing nothing."""

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmspell.errors import BadArgument, NotFound, StorageError
from llmspell.events.event import Event
from llmspell.hooks import builtin
from llmspell.replay.config import Modification, ReplayConfig
from llmspell.replay.replays import Replayed
from tests.replay.conftest import Work


def doubled(context: dict[str, Any]) -> dict[str, Any]:
    return {"type": "modified", "data": {"new_value": context["data"]["new_value"] * 2}}


def shown(done: Replayed) -> list[tuple[int, str, str, str]]:
    return [(found.seq, found.hook, found.difference.path, found.difference.description) for found in done.differences]


def replay(work: Work, mode: str = "exact", **options: Any) -> Replayed:
    return work.replays.replay(work.session, ReplayConfig(mode, **options))


def test_the_same_hooks_say_the_same(work: Work) -> None:
    work.hooks.register("BeforeStateWrite", doubled, name="double")
    work.record(("a", 1), ("b", 2))
    done = replay(work)
    assert (done.recorded, done.replayed, done.successful, done.failed) == (2, 2, 2, 0)
    assert done.differences == []
    assert done.is_faithful
    assert done.correlation_id == work.sessions.get(work.session).correlation_id


def test_hooks_that_have_changed_are_told_by_path(work: Work) -> None:
    hook = work.hooks.register("BeforeStateWrite", doubled, name="double")
    work.record(("a", 1), ("b", 5))
    work.hooks.unregister(hook)
    work.hooks.register("BeforeStateWrite", lambda c: {"type": "modified", "data": {"new_value": 2}}, name="double")
    done = replay(work)
    seq = work.sessions.executions(work.session)[1].seq
    assert shown(done) == [(seq, "double", "$.data.new_value", "was 10, is 2")]
    assert not done.is_faithful
    assert done.failed == 0


def test_another_hook_of_the_point_stands_in(work: Work) -> None:
    hook = work.hooks.register("BeforeStateWrite", doubled, name="double")
    work.record(("a", 1))
    work.hooks.unregister(hook)
    work.hooks.register("BeforeStateWrite", lambda c: None, name="one")
    work.hooks.register("BeforeStateWrite", doubled, name="two")
    done = replay(work)
    assert (done.replayed, done.successful) == (1, 1)
    assert [(hook, path) for _, hook, path, _ in shown(done)] == [("one", "$")]


def test_a_hook_that_is_gone_is_a_failure(work: Work) -> None:
    hook = work.hooks.register("BeforeStateWrite", doubled, name="double")
    work.record(("a", 1), ("b", 1))
    work.hooks.unregister(hook)
    done = replay(work)
    assert (done.replayed, done.successful, done.failed, done.without_hook) == (2, 0, 2, 2)
    assert [text for *_, text in shown(done)] == ["no hook waits at BeforeStateWrite any more"] * 2
    assert replay(work, stop_on_error=True).stopped == "error"
    assert replay(work, stop_on_error=True).replayed == 1


def test_a_hook_that_fails_now_is_told(work: Work) -> None:
    answers: list[Any] = [None, None, ValueError("broken"), ValueError("broken")]

    def answer(_context: dict[str, Any]) -> Any:
        said = answers.pop(0)
        if isinstance(said, Exception):
            raise said
        return said

    work.hooks.register("BeforeStateWrite", answer, name="unsteady")
    work.record(("a", 1), ("b", 2))
    done = replay(work)
    assert (done.successful, done.failed) == (0, 2)
    assert {text for *_, text in shown(done)} == {"what failed was nothing, is broken"}


def test_ways_of_saying_nothing_are_the_same(work: Work) -> None:
    answers: list[Any] = [None, "continue", "skip", None]
    work.hooks.register("BeforeStateWrite", lambda _: answers.pop(0), name="quiet")
    work.record(("a", 1), ("b", 2))
    assert replay(work).is_faithful


def test_modifications_change_the_inputs(work: Work) -> None:
    work.hooks.register("BeforeStateWrite", doubled, name="double")
    work.record(("a", 1), ("b", 2))
    changed = Modification("context.data.new_value", 50)
    done = replay(work, "modified", modifications=[changed])
    assert [text for *_, text in shown(done)] == ["was 2, is 100", "was 4, is 100"]
    assert done.modified == 2
    assert shown(replay(work, "simulate", modifications=[changed])) == []
    changed.is_enabled = False
    assert replay(work, "modified", modifications=[changed]).is_faithful
    with pytest.raises(BadArgument, match="without modifications"):
        replay(work, "exact", modifications=[Modification("data.new_value", 1)])


def test_modifications_of_one_step_do_not_reach_the_next(work: Work) -> None:
    seen = []

    def look(context: dict[str, Any]) -> None:
        seen.append(context["data"]["new_value"])
        context["data"]["new_value"] = "spoilt"

    work.hooks.register("BeforeStateWrite", look)
    work.record(("a", {"x": 1}), ("b", {"x": 2}))
    seen.clear()
    given = [Modification("data.new_value.list", [1]), Modification("data.new_value.list[0]", {"y": 2})]
    done = replay(work, "simulate", modifications=given)
    assert seen == [{"x": 1, "list": [{"y": 2}]}, {"x": 2, "list": [{"y": 2}]}]
    assert done.modified == 2
    missing = replay(work, "simulate", modifications=[Modification("data.nowhere.x", 1)])
    assert (missing.modified, missing.successful) == (0, 2)


def test_debug_shows_every_step(work: Work) -> None:
    work.hooks.register("BeforeStateWrite", doubled, name="double")
    work.record(("a", 1))
    done = replay(work, "debug")
    (step,) = done.steps
    assert step.is_successful
    assert [run.hook for run in step.runs] == ["double"]
    assert replay(work).steps == []


def test_bounds_and_filter_choose(work: Work) -> None:
    work.hooks.register("BeforeStateWrite", doubled, name="double")
    work.hooks.register("AfterStateWrite", lambda _: None, name="after")
    work.record(("a", 1), ("b", 2), ("c", 3))
    seqs = [each.seq for each in work.sessions.executions(work.session)]
    assert len(seqs) == 6
    assert replay(work, first=seqs[2], last=seqs[4]).recorded == 3
    assert replay(work, hook_filter="dou*").recorded == 3
    assert replay(work, hook_filter="AfterStateWrite").recorded == 3
    assert replay(work, last="2020-01-01T00:00:00Z").recorded == 0
    nothing = replay(work, hook_filter="none")
    assert (nothing.recorded, nothing.replayed, nothing.is_faithful) == (0, 0, True)


def test_a_replay_ends_with_its_time(work: Work) -> None:
    work.hooks.register("BeforeStateWrite", lambda _: time.sleep(0.05) if work.state.current else None, name="slow")
    work.record(("a", 1), ("b", 2), ("c", 3), ("d", 4))
    done = replay(work, timeout=0.06)
    assert done.stopped == "timeout"
    assert 0 < done.replayed < done.recorded
    assert not done.is_faithful


def test_what_is_recorded_can_be_looked_at(work: Work) -> None:
    assert not work.replays.can_replay(work.session)
    assert work.replays.list_replayable() == []
    empty = work.replays.overview(work.session)
    assert (empty.total_hooks, empty.first_at, empty.total_duration) == (0, None, 0)
    with pytest.raises(NotFound, match="nothing is recorded"):
        replay(work)
    for call in (work.replays.can_replay, work.replays.overview):
        with pytest.raises(NotFound):
            call("nobody")
    with pytest.raises(NotFound):
        work.replays.replay("nobody", ReplayConfig())
    work.hooks.register("BeforeStateWrite", doubled)
    work.record(("a", 1), ("b", 2))
    other = work.sessions.create()
    assert work.replays.can_replay(work.session)
    assert not work.replays.can_replay(other)
    assert work.replays.list_replayable() == [work.session]
    found = work.replays.overview(work.session)
    assert found.total_hooks == 2
    assert found.first_at is not None
    assert found.last_at is not None
    assert found.first_at <= found.last_at


def test_hooks_see_what_those_before_them_did_and_then_it_is_gone(work: Work) -> None:
    counted = []
    work.hooks.register(
        "BeforeStateWrite", lambda _: counted.append(work.state.increment("stats", "saves")), scope="session:*"
    )
    work.record(("a", 1), ("b", 2))
    replay(work)
    assert counted == [1, 2, 3, 4]
    assert work.state.get("stats", "saves") == 2


def test_a_hook_does_not_meet_itself_in_a_replay(work: Work) -> None:
    saved = []

    def echo(context: dict[str, Any]) -> None:
        saved.append(context["data"]["key"])
        work.state.set("echo", "again", 1)

    work.hooks.register("BeforeStateWrite", echo)
    work.record(("a", 1))
    replay(work)
    assert saved == ["a", "a"]


def test_events_of_hooks_reach_nobody(work: Work) -> None:
    heard: list[Event] = []
    work.events.subscribe("*", heard.append)
    work.hooks.register("BeforeStateWrite", lambda _: work.events.emit("seen", 1) and None)
    work.record(("a", 1))
    assert len(heard) == 1
    before = work.events.stats()
    replay(work)
    assert len(heard) == 1
    assert work.events.stats() == before
    work.events.emit("later", 1)
    assert len(heard) == 2


def test_hooks_that_come_or_go_within_are_as_before(work: Work) -> None:
    kept = work.hooks.register("AfterStateWrite", lambda _: None, name="kept")
    is_replayed = False

    def change(_context: dict[str, Any]) -> None:
        if is_replayed:
            work.hooks.unregister(kept)
            work.hooks.register("AfterStateRead", lambda _: None, name="new")

    work.hooks.register("BeforeStateWrite", change, name="change")
    work.record(("a", 1))
    is_replayed = True
    replay(work, hook_filter="change")
    assert [hook.name for hook in work.hooks.list()] == ["kept", "change"]


def test_built_in_hooks_that_act_outside_are_left_out(work: Work) -> None:
    logged: list[str] = []
    made: list[str] = []
    builtin.log_changes(work.hooks, lambda message, _: logged.append(message))
    builtin.CriticalBackup(work.hooks, ["*"], 0.0, lambda description: made.append(description))
    hook = work.hooks.register("AfterStateWrite", lambda _: None, name="mine")
    work.record(("a", 1), ("b", 2))
    assert (len(logged), len(made)) == (2, 2)
    done = replay(work)
    assert (done.recorded, done.successful, done.is_faithful) == (2, 2, True)
    work.hooks.unregister(hook)
    assert replay(work).without_hook == 2
    for finish in work.hooks.finishers:
        finish()
    assert (len(logged), len(made)) == (2, 2)


def test_within_a_transaction_of_the_caller_only_the_replay_is_undone(work: Work) -> None:
    work.hooks.register(
        "BeforeStateWrite", lambda _: work.state.increment("stats", "saves") and None, scope="session:*"
    )
    work.record(("a", 1))
    with work.state.transaction():
        work.state.set("mine", "x", 1)
        assert replay(work).successful == 1
    assert work.state.get("mine", "x") == 1
    assert work.state.get("stats", "saves") == 1


ACTS = {
    "save": lambda work: work.state.set("other", "k", {"v": 1}),
    "save here": lambda work: work.state.set(f"session:{work.session}", "a", "spoilt"),
    "ephemeral": lambda work: work.state.set("other", "e", 1, class_="ephemeral"),
    "expire": lambda work: work.state.set("other", "t", 1, ttl=0.001),
    "delete": lambda work: work.state.delete(f"session:{work.session}", "a"),
    "clear": lambda work: work.state.clear(f"session:{work.session}"),
    "increment": lambda work: work.state.increment("other", "n"),
    "sweep": lambda work: work.state.flush(),
    "create": lambda work: work.sessions.create(name="inside"),
    "checkpoint": lambda work: work.sessions.save(work.session, label="inside"),
    "suspend": lambda work: work.sessions.suspend(work.session),
    "complete": lambda work: work.sessions.complete(work.session),
    "erase": lambda work: work.sessions.delete(work.session, force=True),
    "become": lambda work: work.sessions.set_current(work.session),
    "event": lambda work: work.events.emit("inside", [1]),
    "raise": lambda work: work.state.set("", "k", 1),
    "break": lambda work: _raise(StorageError("no more space")),
    "nested": lambda work: work.replays.replay(work.session, ReplayConfig()) if work.hooks.list() else None,
}


def _raise(error: Exception) -> None:
    raise error


@given(
    st.lists(st.sampled_from(sorted(ACTS)), min_size=1, max_size=6),
    st.sampled_from(["exact", "simulate", "debug"]),
    st.booleans(),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.parametrize("is_shared", [True, False], ids=["one store", "two stores"])
def test_a_replay_changes_not_a_byte(is_shared: bool, acts: list[str], mode: str, is_current: bool) -> None:
    work = Work(is_shared=is_shared)
    todo: list[str] = []
    depth = 0

    def act(_context: dict[str, Any]) -> None:
        nonlocal depth
        if depth < 2:
            depth += 1
            try:
                for name in todo:
                    ACTS[name](work)
            finally:
                depth -= 1

    work.hooks.register("BeforeStateWrite", act, name="act", scope="session:*")
    work.hooks.register("AfterStateWrite", lambda _: None, name="after")
    work.hooks.register("BeforeStateWrite", lambda _: None, name="recorded too", scope="other")
    work.record(("a", 1), ("b", 2))
    todo[:] = acts
    if is_current:
        work.sessions.set_current(work.session)
    before, current = work.contents(), work.sessions.current_id
    shelf = work.state.ephemeral_store
    done = work.replays.replay(work.session, ReplayConfig(mode))
    assert done.replayed == 4
    assert work.sessions.current_id == current
    work.sessions.flush()
    assert work.contents() == before
    assert work.state.get("other", "e") is None
    assert shelf is None or work.state.ephemeral_store is shelf
    todo.clear()
    work.record(("c", 3))
    assert work.state.get(f"session:{work.session}", "c") == 3
