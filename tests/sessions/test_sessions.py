"""Sessions: what they are, the steps they may take, how they are found, and the limits they keep."""

from collections.abc import Callable
from typing import Any

import pytest

from llmspell.errors import BadArgument, BadValue, InvalidTransition, LimitExceeded, NotFound, ValueTooLarge
from llmspell.sessions.session import STEPS
from llmspell.sessions.sessions import Sessions
from llmspell.state.manager import StateManager
from tests.state.conftest import START, Clock

from .conftest import scope

STEP = {"active": "resume", "suspended": "suspend", "completed": "complete", "failed": "fail", "archived": "archive"}
WAYS = {
    "active": (), "suspended": ("suspend",), "completed": ("complete",), "failed": ("fail",),
    "archived": ("complete", "archive"),
}  # fmt: skip


def made(sessions: Sessions, status: str, **fields: Any) -> str:
    work = sessions.create(**fields)
    for step in WAYS[status]:
        getattr(sessions, step)(work)
    return work


def test_a_session_is_what_was_given(sessions: Sessions) -> None:
    parent = sessions.create()
    work = sessions.create(
        name="straße", description="two\nlines", tags=["a", "b", "a"], metadata={"n": [1, None]}, created_by="ann",
        parent_session_id=parent, max_duration=0, max_artifacts=0,
    )  # fmt: skip
    found = sessions.get(work)
    assert (found.name, found.description, found.tags, found.metadata) == (
        "straße",
        "two\nlines",
        ["a", "b"],
        {"n": [1, None]},
    )
    assert (found.created_by, found.parent_session_id, found.status) == ("ann", parent, "active")
    assert (found.created_at, found.updated_at, found.ended_at, found.failure_reason) == (START, START, None, None)
    assert found.limits == {"max_duration": 0, "max_artifacts": 0}


@pytest.mark.parametrize("before", STEPS)
@pytest.mark.parametrize("after", STEPS)
def test_only_legal_steps_are_taken(sessions: Sessions, before: str, after: str) -> None:
    work = made(sessions, before)
    if after in STEPS[before]:
        getattr(sessions, STEP[after])(work)
        assert sessions.get(work).status == after
        return
    entries = len(sessions.timeline(work))
    with pytest.raises(InvalidTransition, match=f"{before}.*{after}"):
        getattr(sessions, STEP[after])(work)
    assert sessions.get(work).status == before
    assert len(sessions.timeline(work)) == entries


UNKNOWN = "0192f0c1-7f4e-7a3b-8c2d-1e0f5a6b7cd8"


@pytest.mark.parametrize("wrong", ["", "x", UNKNOWN, UNKNOWN.upper(), "é" * 36, UNKNOWN[:-1] + " "])
def test_an_unknown_id_is_not_found(sessions: Sessions, wrong: str) -> None:
    for act in (sessions.get, sessions.suspend, sessions.save, sessions.load, sessions.fork, sessions.timeline,
                sessions.delete, sessions.set_current, sessions.checkpoints):  # fmt: skip
        with pytest.raises(NotFound):
            act(wrong)
    with pytest.raises(NotFound):
        sessions.create(parent_session_id=wrong)


@pytest.mark.parametrize("fields", [
    {"name": 1}, {"name": "x" * 256}, {"name": "a\nb"}, {"name": "\ud800"}, {"tags": "a"}, {"tags": [1]}, {"tags": [""]},
    {"tags": ["x"] * 1001}, {"metadata": []}, {"metadata": {"f": print}}, {"max_duration": -1}, {"max_duration": float("nan")},
    {"max_artifacts": 1.5}, {"max_rate": True}, {"created_by": None, "description": "x" * 70_000},
])  # fmt: skip
def test_bad_fields_are_refused_and_change_nothing(sessions: Sessions, fields: dict[str, Any]) -> None:
    with pytest.raises((BadArgument, BadValue)):
        sessions.create(**fields)
    work = sessions.create(name="good")
    with pytest.raises((BadArgument, BadValue)):
        sessions.update(work, **{name: value for name, value in fields.items() if name != "created_by"})
    assert [each.name for each in sessions.list()] == ["good"]


def test_metadata_is_bounded_as_values_are(state: StateManager, make: Callable[..., Sessions]) -> None:
    state.max_value_bytes = 1000
    sessions = make()
    with pytest.raises(ValueTooLarge):
        sessions.create(metadata={"text": "x" * 2000})
    work = sessions.create(metadata={"a": "x" * 600})
    with pytest.raises(ValueTooLarge):
        sessions.update(work, metadata={"b": "x" * 600})


def test_update_merges_metadata_and_replaces_the_rest(sessions: Sessions) -> None:
    work = sessions.create(name="a", tags=["old"], metadata={"keep": 1, "change": 1, "drop": 1})
    sessions.update(work, name="b", tags=["new"], metadata={"change": 2, "drop": None, "add": 3})
    found = sessions.get(work)
    assert (found.name, found.tags, found.metadata) == ("b", ["new"], {"keep": 1, "change": 2, "add": 3})
    assert [each.id for each in sessions.list(name="b")] == [work]
    assert sessions.list(name="a") == []


def test_every_filter_works_alone_and_together(sessions: Sessions, clock: Clock) -> None:
    parent = sessions.create(name="parent")
    ids = {}
    for number, status in enumerate(WAYS):
        clock.advance(10)
        ids[status] = made(
            sessions, status, name=f"work {number}", description="Big REPORT" if number % 2 else "", tags=["t", f"n{number}"],
            parent_session_id=parent,
        )  # fmt: skip

    def listed(**query: Any) -> list[str]:
        return [each.id for each in sessions.list(**query)]

    assert listed() == [parent, ids["active"], ids["suspended"]]
    assert listed(status="all") == [parent, *ids.values()]
    for status, work in ids.items():
        assert listed(status=status, parent_session_id=parent) == [work]
    assert listed(status="all", tags=["t", "n3"]) == [ids["failed"]]
    assert listed(status="all", name="work 2") == [ids["completed"]]
    assert listed(name="work 2") == []
    assert listed(status="all", text="report") == [ids["suspended"], ids["failed"]]
    assert listed(status="all", text="ARENT") == [parent]
    after, before = START + 10_000_000, START + 40_000_000
    assert listed(status="all", created_after=after, created_before=before) == [ids["suspended"], ids["completed"]]
    assert listed(status="all", descending=True, limit=2, offset=1) == [ids["failed"], ids["completed"]]
    assert listed(status="all", sort_by="name", descending=True, limit=1) == [ids["archived"]]
    assert listed(status="all", parent_session_id=ids["active"]) == []
    sessions.update(ids["active"], description="touched")
    assert listed(sort_by="updated_at")[-1] == ids["active"]
    for query in ({"status": "odd"}, {"sort_by": "id"}, {"limit": -1}, {"offset": True}):
        with pytest.raises(BadArgument):
            sessions.list(**query)  # type: ignore[arg-type]


def test_open_sessions_are_limited(make: Callable[..., Sessions]) -> None:
    sessions = make(max_sessions=2)
    first, second = sessions.create(), sessions.create()
    sessions.suspend(second)
    for act in (sessions.create, lambda: sessions.fork(first)):
        with pytest.raises(LimitExceeded, match="2 active or suspended"):
            act()
    point = sessions.save(first)
    sessions.complete(first)
    third = sessions.create()
    with pytest.raises(LimitExceeded):
        sessions.load(first, checkpoint=point.id)
    sessions.delete(third, force=True)
    sessions.load(first, checkpoint=point.id)
    assert sorted(each.status for each in sessions.list()) == ["active", "suspended"]


@pytest.mark.parametrize(("limits", "reason"), [
    ({"max_idle_time": 100}, "idle for longer than 100 seconds"), ({"max_duration": 100}, "active for longer than 100 seconds"),
])  # fmt: skip
def test_a_session_over_its_time_is_suspended_and_can_go_on(
    sessions: Sessions, state: StateManager, clock: Clock, limits: dict[str, float], reason: str
) -> None:
    work = sessions.create(**limits)  # type: ignore[arg-type]
    sessions.set_current(work)
    state.set(scope(work), "n", 1)
    clock.advance(101)
    with pytest.raises(LimitExceeded, match=reason):
        state.set(scope(work), "n", 2)
    assert state.get(scope(work), "n") == 1
    assert [(each.status, each.failure_reason) for each in sessions.list(status="suspended")] == [("suspended", reason)]
    assert sessions.list(status="active") == []
    assert [entry.kind for entry in sessions.timeline(work)][-1] == "session.suspended"
    with pytest.raises(LimitExceeded, match=reason):
        state.set(scope(work), "n", 2)
    sessions.resume(work)
    assert sessions.get(work).failure_reason is None
    state.set(scope(work), "n", 2)
    clock.advance(101)
    assert sessions.get(work).status == "suspended"
    sessions.update(work, **dict.fromkeys(limits, 1000))  # type: ignore[arg-type]
    assert sessions.get(work).status == "active"
    state.set(scope(work), "n", 3)
    sessions.update(work, max_idle_time=0, max_duration=0)
    clock.advance(10**7)
    state.set(scope(work), "n", 4)


def test_operations_and_their_rate_are_limited(sessions: Sessions, state: StateManager, clock: Clock) -> None:
    work = sessions.create(max_operations=5, max_rate=3)
    sessions.set_current(work)
    with state.transaction():
        for number in range(3):
            state.set(scope(work), f"k{number}", 1)
    with pytest.raises(LimitExceeded, match="3 operations per second"):
        state.set(scope(work), "more", 1)
    assert not state.exists(scope(work), "more")
    clock.advance(1)
    state.set(scope(work), "k0", 2)
    state.delete(scope(work), "k1")
    clock.advance(1)
    with pytest.raises(LimitExceeded, match="5 operations"):
        state.set("global", "more", 1)
    assert sessions.get(work).operation_count == 5
    sessions.set_current(None)
    state.set("global", "more", 1)


def test_what_owns_and_counts_artifacts_is_held_to_the_limits(
    state: StateManager, make: Callable[..., Sessions]
) -> None:
    sessions = make(max_artifacts=2, max_artifact_bytes=100)
    work = sessions.create()

    def admit(**counts: int) -> None:
        with state.transaction() as transaction:
            sessions.admit(transaction, work, **counts)

    admit(artifacts=1, bytes=60)
    with pytest.raises(LimitExceeded, match="100 bytes"):
        admit(artifacts=1, bytes=60)
    admit(artifacts=1, bytes=40)
    with pytest.raises(LimitExceeded, match="2 artifacts"):
        admit(artifacts=1, bytes=0)
    sessions.complete(work)
    with pytest.raises(InvalidTransition, match="completed"):
        admit(artifacts=1)
    admit(artifacts=-1, bytes=-40)
    found = sessions.get(work)
    assert (found.artifact_count, found.artifact_bytes, found.operation_count) == (1, 60, 3)


def test_archived_sessions_do_not_change_but_can_be_forked_and_deleted(sessions: Sessions, state: StateManager) -> None:
    work = sessions.create(name="old")
    state.set(scope(work), "n", 1)
    point = sessions.save(work)
    sessions.complete(work)
    sessions.archive(work)
    for act in (
        lambda: sessions.update(work, name="new"), lambda: sessions.save(work),
        lambda: sessions.load(work, checkpoint=point.id), lambda: sessions.set_current(work),
    ):  # fmt: skip
        with pytest.raises(InvalidTransition):
            act()
    assert state.get(scope(sessions.fork(work, checkpoint=point.id)), "n") == 1
    sessions.delete(work)


def test_a_reason_may_have_lines(sessions: Sessions) -> None:
    work = sessions.create()
    sessions.fail(work, "it broke\n\tat line 3")
    assert sessions.get(work).failure_reason == "it broke\n\tat line 3"
