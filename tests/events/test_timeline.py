"""Timelines: what one correlation has led to, in order, across processes as far as it is stored."""

import time

import pytest

from llmspell import values
from llmspell.errors import Corrupt, ScriptError
from llmspell.events.events import Events
from llmspell.events.timeline import Entry, Timeline
from llmspell.ids import new_id
from llmspell.state import past
from llmspell.state.journal import JournalPolicy
from llmspell.state.manager import StateManager
from llmspell.storage import keys
from tests.languages.engine import open_runtime


def test_what_several_sources_tell_of_counts_once_and_is_in_order() -> None:
    timeline = Timeline()
    timeline.sources.append(lambda _, __: [Entry(3, "b", "c", {"from": 1}, ("b", 1)), Entry(1, "a", "c", {}, ("a", 1))])
    timeline.sources.append(lambda _, __: [Entry(3, "b", "c", {"from": 2}, ("b", 1)), Entry(2, "d", "c", {}, ("d", 1))])
    found = timeline.read("c")
    assert [(entry.at, entry.kind) for entry in found] == [(1, "a"), (2, "d"), (3, "b")]
    assert found[2].data == {"from": 1}
    assert [entry.at for entry in timeline.read("c", since=1, limit=1)] == [2]


def test_recent_events_are_told_until_they_fall_off() -> None:
    events = Events(buffer_size=3)
    for number in range(5):
        events.emit("a", number, correlation_id="c" if number % 2 == 0 else "other")
    assert [entry.data["data"] for entry in events.timeline.read("c")] == [2, 4]


def test_changes_of_a_correlation_come_from_the_journal_oldest_first() -> None:
    with StateManager.with_backend("memory", correlation_id="run") as state:
        with state.with_correlation("c"):
            state.set("app", "a", 1)
            with state.transaction():
                state.set("app", "b", 1)
                state.delete("app", "a")
        state.set("app", "z", 1)
        with state.with_correlation("c"):
            state.delete("app", "b")
        found = past.caused(state, "c", 0)
        assert [(change.version, change.operation, change.key) for change in found] == [
            (1, "save", "a"), (2, "save", "b"), (2, "delete", "a"), (4, "delete", "b"),
        ]  # fmt: skip
        assert past.caused(state, "c", found[2].at) == [] or past.caused(state, "c", found[2].at)[0].version == 4
        assert past.caused(state, "nobody", 0) == []
        changes, _ = state.changes(correlation_id="c", limit=3)
        assert [change.key for change in changes] == ["a", "b", "a"]


def test_without_a_journal_there_are_no_changes_to_tell_of() -> None:
    with StateManager.with_backend("memory", journal=JournalPolicy(enabled=False), correlation_id="c") as state:
        state.set("app", "a", 1)
        assert past.caused(state, "c", 0) == []


def test_damage_in_the_journal_is_told() -> None:
    with StateManager.with_backend("memory", correlation_id="c") as state:
        state.set("app", "a", 1)
        with state.store.write() as txn:
            key = keys.journal_key(1)
            entry = txn.get(key)
            assert entry is not None
            txn.put(key, entry[:-1] + bytes([entry[-1] ^ 1]))
        with pytest.raises(Corrupt):
            past.caused(state, "c", 0)


def test_the_time_in_an_id_bounds_how_far_the_journal_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    made = new_id()
    assert 0 < time.time_ns() // 1000 - past.begin_of(made) < 120_000_000
    for other in ("", "request-7", "x" * 36, "0-000000-0000-7000-8000-000000000000", "\u0661" * 36):
        assert past.begin_of(other) == 0
    with StateManager.with_backend("memory", correlation_id="old") as state:
        for number in range(300):
            state.set("app", f"k{number}", 1)
        with state.with_correlation(made):
            state.set("app", "mine", 1)
        monkeypatch.setattr(past, "MAX_ENTRIES_READ", 2)
        assert [change.key for change in past.caused(state, made, 0)] == ["mine"]
        assert len(past.caused(state, "old", 0)) == 1


def test_a_timeline_reaches_into_other_processes_through_the_journal_and_the_sessions(tmp_path: object) -> None:
    settings = {"state__backend": "disk", "state__path": f"{tmp_path}/state", "runtime__sessions__enabled": True}
    with open_runtime(**settings) as runtime:
        correlation_id = values.decode(
            runtime.run(
                b"""local id = Session.create({name = "s"})
                Session.set_current(id)
                Hook.register("BeforeStateWrite", function() end, {name = "look"})
                Event.publish("job.started", {n = 1})
                State.save("jobs", "one", 1)
                Session.set_current(nil)
                return Session.get(id).correlation_id""",
                name="first.lua",
            )
        )
    with open_runtime(**settings) as runtime:
        found = values.decode(runtime.run(b"return Event.timeline(args[1])", name="second.lua", args=[correlation_id]))
        kinds = [entry["kind"] for entry in found]
        assert kinds.count("event.published") == 1
        assert kinds.count("state.saved") == 1
        assert kinds.count("hook.executed") == 1
        assert kinds[0] == "session.created"
        assert {entry["correlation_id"] for entry in found} == {correlation_id}
        assert [entry["at"] for entry in found] == sorted(entry["at"] for entry in found)


def test_hooks_that_run_are_in_the_timeline_of_what_they_ran_for() -> None:
    with open_runtime() as runtime:
        found = values.decode(
            runtime.run(
                b"""Event.publish("begin", {})
                Hook.register("BeforeStateWrite", function() end, {name = "look"})
                Hook.register("BeforeStateWrite", function() error("no") end, {name = "fail"})
                Event.subscribe("go", function() State.save("a", "b", 1) end)
                Event.publish("go", {}, {correlation_id = "c"})
                sleep(0)
                return Event.timeline("c")""",
                name="x.lua",
            )
        )
    assert [(entry["kind"], entry.get("hook"), "error" in entry) for entry in found] == [
        ("event.published", None, False), ("hook.executed", "look", False), ("hook.executed", "fail", True),
        ("state.saved", None, False),
    ]  # fmt: skip


def test_a_script_that_needs_events_hears_how_to_switch_them_on() -> None:
    with open_runtime(runtime__events__enabled=False) as runtime:
        with pytest.raises(ScriptError) as failed:
            runtime.run(b"Event.publish('a', {})", name="x.lua")
        assert "enabled = true in [runtime.events]" in failed.value.hint
        runtime.announce("backup.created", {}, point="BackupCreated")  # nobody listens, nothing happens


def test_subscriptions_of_a_script_end_with_it_and_those_of_python_stay() -> None:
    with open_runtime() as runtime:
        kept = runtime.events.subscribe("c")
        source = b"""Event.subscribe("state.*") Event.subscribe("b", function() end)
        Event.publish("c", 5) State.save("app", "k", 1)"""
        runtime.run(source, name="x.lua")
        assert [found.id for found in runtime.events.subscriptions()] == [kept]
        event = runtime.events.receive(kept, 0)
        assert event is not None
        assert (event.event_type, event.value, event.language) == ("c", 5, "lua")


def test_the_state_is_listened_to_only_while_somebody_wants_its_changes() -> None:
    with open_runtime() as runtime:
        before = list(runtime.state.listeners)
        watching = runtime.events.subscribe("state.*")
        assert len(runtime.state.listeners) == len(before) + 1
        runtime.events.unsubscribe(watching)
        assert runtime.state.listeners == before


def test_announcements_are_events_of_the_runtime() -> None:
    with open_runtime() as runtime:
        subscription = runtime.events.subscribe("backup.*")
        runtime.announce("backup.created", {"id": "b"}, point="BackupCreated")
        event = runtime.events.receive(subscription, 0)
        assert event is not None
        assert (event.value, event.language) == ({"id": "b"}, "runtime")


@pytest.mark.parametrize("language", ["lua", "javascript"])
def test_an_event_crosses_between_python_and_scripts_and_between_languages(language: str) -> None:
    """What JavaScript wrote as JSON arrives in Lua, and the other way round, with bytes and large integers."""
    value = {"n": 2**60, "bytes": b"\x00\xff", "list": [1, None, "x"], "f": 1.5, "empty": {}}
    payloads = {"lua": values.dump_json(value), "javascript": values.encode(value)}
    script = {
        "lua": "Event.subscribe('in', function(e) State.save('app', 'handled', e.data) end) "
        "local s = Event.subscribe('in') State.save('app', 'ready', 1) State.save('app', 'got', Event.receive(s, 5000).data)",
        "javascript": "Event.subscribe('in', (e) => { State.save('app', 'handled', e.data) }); "
        "const s = Event.subscribe('in'); State.save('app', 'ready', 1); State.save('app', 'got', Event.receive(s, 5000).data)",
    }[language]
    with open_runtime() as runtime:

        def answer(event: object) -> None:
            if runtime.state.get("app", "ready"):
                changed = runtime.events
                changed.unsubscribe(watching)
                changed.publish("in", payloads[language])

        watching = runtime.events.subscribe("state.changed", answer)
        runtime.run(script.encode(), name="x." + ("lua" if language == "lua" else "js"))
        assert runtime.state.get("app", "got") == value
        assert runtime.state.get("app", "handled") == value
