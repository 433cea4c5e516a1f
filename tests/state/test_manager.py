"""What every operation does, on its own."""

from collections.abc import Callable
from typing import Any

import pytest

from llmspell import values
from llmspell.errors import BadArgument, BadValue, Conflict, InvalidKey, InvalidScope, StorageError, ValueTooLarge
from llmspell.state.manager import StateManager
from llmspell.state.scope import Scope
from llmspell.storage.store import Store
from tests.state.conftest import SECOND, START, Clock

Make = Callable[..., StateManager]


def contents(store: Store) -> dict[bytes, bytes]:
    with store.read() as txn:
        return dict(txn.scan(b"\0"))


class TestSaveAndLoad:
    def test_a_value_is_there_after_saving(self, state: StateManager) -> None:
        state.save("global", "k", b"\xc1\x05")
        assert state.load("global", "k") == b"\xc1\x05"
        assert state.load(Scope.global_(), "k") == b"\xc1\x05"
        assert state.exists("global", "k")
        assert state.load("global", "other") is None
        assert not state.exists("other", "k")

    def test_python_values_go_in_and_out(self, state: StateManager) -> None:
        state.set("s", "k", {"a": [1, 2.0, None, b"\xff"], 5: True})
        assert state.get("s", "k") == {"a": [1, 2.0, None, b"\xff"], 5: True}
        assert state.get("s", "none") is None
        assert state.get("s", "none", "default") == "default"
        with pytest.raises(BadValue):
            state.set("s", "k", float("nan"))

    def test_payloads_of_both_encodings_stay_as_they_are(self, state: StateManager) -> None:
        for payload in (b"\xc1\x81\xa1a\x01", b' {"a": 1}', b'\t{"$bytes":"AA=="}'):
            state.save("s", "k", payload)
            assert state.load("s", "k") == payload

    @pytest.mark.parametrize("null", [b"\xc1\xc0", b" null", b"\tnull"])
    def test_saving_null_deletes(self, state: StateManager, null: bytes) -> None:
        state.set("s", "k", 1)
        state.save("s", "k", null)
        assert not state.exists("s", "k")
        state.save("s", "k", null)
        state.set("s", "k", None)
        assert [revision.operation for revision in state.history("s", "k")] == ["delete", "save"]

    def test_an_entry_tells_what_is_known(self, make: Make, clock: Clock) -> None:
        state = make(schema_version="2.1.0")
        state.set("s", "k", "a")
        clock.advance(10)
        state.set("s", "k", "b", ttl=60, class_="trusted")
        entry = state.entry("s", "k")
        assert entry is not None
        assert (entry.value, entry.version, entry.class_name, entry.schema_version) == ("b", 2, "trusted", "2.1.0")
        assert (entry.created_at, entry.updated_at) == (START, START + 10 * SECOND)
        assert entry.expires_at == START + 70 * SECOND
        assert state.entry("s", "other") is None

    def test_every_commit_has_the_next_version(self, state: StateManager) -> None:
        assert state.version() == 0
        for version in range(1, 5):
            state.set("s", f"k{version}", 1)
            assert state.version() == version
            assert state.entry("s", f"k{version}").version == version

    def test_what_changes_nothing_makes_no_commit(self, state: StateManager) -> None:
        assert not state.delete("s", "k")
        assert state.clear("s") == 0
        state.save("s", "k", b" null")
        with state.transaction():
            state.load("s", "k")
        assert state.update("s", "k", lambda payload: payload) is None
        assert state.version() == 0

    def test_the_state_survives_reopening(self, tmp_path) -> None:
        path = str(tmp_path / "state")
        with StateManager.with_backend("lmdb", path=path) as state:
            state.set("s", "k", [1])
        with StateManager.with_backend("disk", path=path) as state:
            assert state.get("s", "k") == [1]
            assert state.version() == 1

    def test_a_manager_can_be_in_memory(self) -> None:
        with StateManager.with_backend("memory", max_value_bytes=100) as state:
            state.set("s", "k", 1)
            assert state.get("s", "k") == 1
        with pytest.raises(StorageError):
            state.get("s", "k")

    def test_an_unknown_backend_is_named(self) -> None:
        with pytest.raises(BadArgument, match="unknown backend 'mongo'"):
            StateManager.with_backend("mongo")
        with pytest.raises(BadArgument, match="needs a path"):
            StateManager.with_backend("lmdb")


class TestLimits:
    def test_a_value_above_the_limit_is_refused(self, make: Make) -> None:
        state = make(max_value_bytes=1_000_000)
        state.set("s", "k", "small")
        state.save("s", "largest", b"\xc1" + bytes(999_999))
        for call in (
            lambda: state.save("s", "k", b"\xc1" + bytes(1_000_000)),
            lambda: state.update("s", "k", lambda _: b"\xc1" + bytes(1_000_000)),
        ):
            with pytest.raises(
                ValueTooLarge, match=r"the value is 1000001 bytes, the limit is 1000000 bytes"
            ) as caught:
                call()
            assert caught.value.hint == "raise max_value_bytes in [state]"
        assert state.get("s", "k") == "small"

    def test_sizes_read_as_people_say_them(self, make: Make) -> None:
        state = make()
        with pytest.raises(ValueTooLarge, match=r"the value is 12.1 MB, the limit is 10 MB"):
            state.save("s", "k", b"\xc1" + bytes(12_100_000))
        with pytest.raises(ValueTooLarge, match=r"the value is 12 bytes, the limit is 10 bytes"):
            make(max_value_bytes=10).save("s", "k", b"\xc1" + bytes(11))

    @pytest.mark.parametrize("version", ["1", "1.0", "a.b.c", "1.0.65536", "-1.0.0", "1.0.0-rc", 1])
    def test_a_schema_version_has_three_numbers(self, make: Make, version: Any) -> None:
        with pytest.raises(BadArgument, match="schema version"):
            make(schema_version=version)

    @pytest.mark.parametrize("ttl", [0, -1, True, float("nan"), float("inf"), "5", 1e12])
    def test_a_wrong_ttl_is_a_bad_argument(self, state: StateManager, ttl: Any) -> None:
        for payload in (b"\xc1\x05", b" null"):
            with pytest.raises(BadArgument, match="ttl must be a number of seconds above 0"):
                state.save("s", "k", payload, ttl=ttl)
        assert state.version() == 0

    @pytest.mark.parametrize("version", [-1, True, 1.0, "1"])
    def test_a_wrong_if_version_is_a_bad_argument(self, state: StateManager, version: Any) -> None:
        for call in (
            lambda: state.save("s", "k", b"\xc1\x05", if_version=version),
            lambda: state.save("s", "k", b" null", if_version=version),
            lambda: state.delete("s", "k", if_version=version),
        ):
            with pytest.raises(BadArgument, match="if_version must be a whole number"):
                call()

    @pytest.mark.parametrize("limit", [-1, True, 1.0, "1"])
    def test_a_wrong_limit_is_a_bad_argument(self, state: StateManager, limit: Any) -> None:
        for call in (state.list_keys, state.list):
            with pytest.raises(BadArgument, match="limit must be a whole number"):
                call("s", limit=limit)
        with pytest.raises(BadArgument):
            state.changes(limit=limit)
        with pytest.raises(BadArgument):
            state.history("s", "k", limit=limit)

    def test_a_refused_save_changes_no_byte_of_the_store(self, make: Make, store: Store) -> None:
        state = make(max_value_bytes=100)
        state.set("s", "k", 5, ttl=9)
        before = contents(store)
        for error, call in [
            (ValueTooLarge, lambda: state.save("s", "k", bytes(101))),
            (InvalidKey, lambda: state.set("s", "", 1)),
            (InvalidScope, lambda: state.set("", "k", 1)),
            (BadArgument, lambda: state.set("s", "k", 1, ttl=0)),
            (BadArgument, lambda: state.set("s", "k", 1, class_="no")),
            (Conflict, lambda: state.set("s", "k", 1, if_version=7)),
            (Conflict, lambda: state.delete("s", "k", if_version=7)),
            (BadValue, lambda: state.increment("s", "k", 2**63 - 1)),
            (BadArgument, lambda: state.increment("s", "k", float("inf"))),
            (ZeroDivisionError, lambda: state.update("s", "k", lambda _: 1 // 0)),
            (ValueTooLarge, lambda: state.update("s", "k", lambda _: bytes(101))),
            (BadArgument, lambda: state.list_keys("s", prefix="\ud800")),
            (BadArgument, lambda: state.clear("s", prefix=5)),
        ]:
            with pytest.raises(error):
                call()
            assert contents(store) == before


class TestConditions:
    def test_version_0_means_it_must_not_exist(self, state: StateManager) -> None:
        state.set("s", "k", 1, if_version=0)
        with pytest.raises(Conflict, match="'k' in scope 's' exists already, at version 1"):
            state.set("s", "k", 2, if_version=0)
        assert state.get("s", "k") == 1

    def test_the_version_must_fit(self, state: StateManager) -> None:
        state.set("s", "k", 1)
        state.set("s", "k", 2, if_version=1)
        with pytest.raises(Conflict, match="is at version 2, not at 1"):
            state.set("s", "k", 3, if_version=1)
        with pytest.raises(Conflict, match="does not exist, so it is not at version 4"):
            state.set("s", "none", 3, if_version=4)
        assert state.get("s", "k") == 2

    def test_deletion_takes_conditions_too(self, state: StateManager) -> None:
        state.set("s", "k", 1)
        with pytest.raises(Conflict):
            state.delete("s", "k", if_version=0)
        with pytest.raises(Conflict):
            state.delete("s", "k", if_version=2)
        with pytest.raises(Conflict):
            state.save("s", "k", b" null", if_version=2)
        assert state.delete("s", "k", if_version=1)
        assert not state.delete("s", "k", if_version=0)
        with pytest.raises(Conflict):
            state.delete("s", "k", if_version=1)

    def test_an_expired_value_counts_as_absent(self, state: StateManager, clock: Clock) -> None:
        state.set("s", "k", 1, ttl=1)
        clock.advance(1)
        with pytest.raises(Conflict, match="does not exist"):
            state.set("s", "k", 2, if_version=1)
        state.set("s", "k", 2, if_version=0)
        assert state.get("s", "k") == 2

    def test_a_deleted_and_saved_value_has_another_version(self, state: StateManager) -> None:
        state.set("s", "k", 1)
        version = state.entry("s", "k").version
        state.delete("s", "k")
        state.set("s", "k", 1)
        with pytest.raises(Conflict):
            state.set("s", "k", 2, if_version=version)


class TestLists:
    KEYS = ("", "a", "a1", "a2", "b", "z", "é", "\U0001f600")[1:]

    @pytest.fixture
    def filled(self, state: StateManager) -> StateManager:
        for number, key in enumerate(self.KEYS):
            state.set("s", key, number)
            state.set("t", key, 0)
        return state

    def test_keys_come_in_byte_order(self, filled: StateManager) -> None:
        assert filled.list_keys("s") == sorted(self.KEYS, key=str.encode)
        assert filled.list_keys("s", reverse=True) == sorted(self.KEYS, key=str.encode, reverse=True)
        assert filled.list_keys("none") == []

    def test_pages_meet_without_gap_or_overlap(self, filled: StateManager) -> None:
        for reverse in (False, True):
            everything = filled.list_keys("s", reverse=reverse)
            for size in (1, 2, 3, 100):
                pages: list[str] = []
                after = None
                while page := filled.list_keys("s", after=after, limit=size, reverse=reverse):
                    pages += page
                    after = page[-1]
                assert pages == everything

    def test_after_need_not_exist(self, filled: StateManager) -> None:
        assert filled.list_keys("s", after="a11") == ["a2", "b", "z", "é", "\U0001f600"]
        assert filled.list_keys("s", after="a11", reverse=True) == ["a1", "a"]
        assert filled.list_keys("s", after="x" * 1000) == ["z", "é", "\U0001f600"]
        assert filled.list_keys("s", after="x" * 1000, reverse=True) == ["b", "a2", "a1", "a"]
        assert filled.list_keys("s", after="", limit=1) == ["a"]
        assert filled.list_keys("s", after="", reverse=True) == []

    def test_prefix_and_limits(self, filled: StateManager) -> None:
        assert filled.list_keys("s", prefix="a") == ["a", "a1", "a2"]
        assert filled.list_keys("s", prefix="a", after="a1") == ["a2"]
        assert filled.list_keys("s", prefix="a", after="a2", reverse=True) == ["a1", "a"]
        assert filled.list_keys("s", prefix="a", after="zz") == []
        assert filled.list_keys("s", prefix="b", after="a") == ["b"]
        assert filled.list_keys("s", prefix="x" * 2000) == []
        assert filled.list_keys("s", prefix="\0") == []
        assert filled.list_keys("s", limit=0) == []
        assert filled.list_keys("s", limit=2, reverse=True) == ["\U0001f600", "é"]
        assert filled.count("s") == 7
        assert filled.count("s", prefix="a") == 3
        assert filled.count("none") == 0

    def test_lists_give_keys_and_payloads(self, filled: StateManager) -> None:
        found = filled.list("s", prefix="a")
        assert [(key, values.decode(payload)) for key, payload in found] == [("a", 0), ("a1", 1), ("a2", 2)]
        assert [key for key, _ in filled.list("s", limit=2, reverse=True)] == ["\U0001f600", "é"]
        assert [key for key, _ in filled.list("s", after="b")] == ["z", "é", "\U0001f600"]

    def test_clear_is_one_commit_and_touches_no_other_scope(self, filled: StateManager) -> None:
        before = filled.version()
        assert filled.clear("s", prefix="a") == 3
        assert filled.list_keys("s") == ["b", "z", "é", "\U0001f600"]
        assert filled.clear("s") == 4
        assert filled.version() == before + 2
        assert filled.count("t") == 7
        assert filled.list_scopes() == ["t"]


class TestIncrement:
    def test_a_missing_number_counts_as_zero(self, state: StateManager) -> None:
        assert state.increment("s", "n") == 1
        assert state.increment("s", "n", 5) == 6
        assert state.increment("s", "n", -10) == -4
        assert repr(state.increment("s", "x", 0.5)) == "0.5"

    def test_integers_stay_integers_and_floats_stay_floats(self, state: StateManager) -> None:
        assert repr(state.increment("s", "n", 2)) == "2"
        assert repr(state.increment("s", "n", 0.5)) == "2.5"
        assert repr(state.increment("s", "n", 0.5)) == "3.0"
        assert repr(state.increment("s", "n", 1)) == "4.0"
        assert state.load("s", "n") == values.encode(4.0)

    @pytest.mark.parametrize("start", [2**63 - 1, -(2**63), 127, 128, -32, -33, 65535, 2**31, 2**32 - 1])
    def test_integers_are_exact(self, state: StateManager, start: int) -> None:
        state.set("s", "n", start)
        step = -1 if start > 0 else 1
        assert state.increment("s", "n", step) == start + step
        assert state.get("s", "n") == start + step

    @pytest.mark.parametrize("value", ["5", True, [1], {"a": 1}, b"1"])
    def test_what_is_no_number_is_left_alone(self, state: StateManager, value: object) -> None:
        state.set("s", "k", value)
        with pytest.raises(BadValue, match="'k' in scope 's' is not a number"):
            state.increment("s", "k")
        assert state.get("s", "k") == value
        assert state.version() == 1

    def test_leaving_64_bits_changes_nothing(self, state: StateManager) -> None:
        state.set("s", "n", 2**63 - 1)
        with pytest.raises(BadValue, match="does not fit into 64 bits"):
            state.increment("s", "n")
        assert state.get("s", "n") == 2**63 - 1

    def test_numbers_written_by_javascript_are_numbers(self, state: StateManager) -> None:
        state.save("s", "n", b" 41")
        assert state.increment("s", "n") == 42
        state.save("s", "n", b"\t9223372036854775806")
        assert state.increment("s", "n") == 2**63 - 1
        state.save("s", "n", b" 1.5e0")
        assert state.increment("s", "n") == 2.5


class TestUpdate:
    def test_it_replaces_by_what_the_function_returns(self, state: StateManager) -> None:
        seen = []

        def fn(payload: bytes | None) -> bytes:
            seen.append(payload)
            return b"\xc1\x01" if payload is None else b"\xc1\x02"

        assert state.update("s", "k", fn) == b"\xc1\x01"
        assert state.update("s", "k", fn) == b"\xc1\x02"
        assert seen == [None, b"\xc1\x01"]
        assert state.get("s", "k") == 2

    @pytest.mark.parametrize("nothing", [None, b"\xc1\xc0", b" null"])
    def test_nothing_deletes(self, state: StateManager, nothing: bytes | None) -> None:
        state.set("s", "k", 1)
        assert state.update("s", "k", lambda _: nothing) is None
        assert not state.exists("s", "k")

    def test_what_the_function_saves_commits_with_it_or_not_at_all(self, state: StateManager) -> None:
        def fn(payload: bytes | None) -> bytes:
            state.set("s", "beside", 1)
            return b"\xc1\x01"

        def failing(payload: bytes | None) -> bytes:
            state.set("s", "lost", 1)
            raise ZeroDivisionError

        state.update("s", "k", fn)
        with pytest.raises(ZeroDivisionError):
            state.update("s", "k", failing)
        assert state.list_keys("s") == ["beside", "k"]
        assert state.version() == 1
        with state.transaction():
            with pytest.raises(ZeroDivisionError):
                state.update("s", "k", failing)
            state.set("s", "more", 1)
        assert state.list_keys("s") == ["beside", "k", "more"]


def test_flush_works_at_any_time(state: StateManager) -> None:
    state.flush()
    state.set("s", "k", 1)
    state.flush()
    assert state.get("s", "k") == 1


def test_a_commit_of_another_domain_alone_has_a_version_and_no_changes(state: StateManager, store: Store) -> None:
    state.set("notes", "a", 1)
    before = state.version()
    with state.transaction() as transaction:
        transaction.main.put(b"Zone", b"beside")
        transaction.touch()
    assert state.version() == before + 1
    state.set("notes", "a", 2)
    assert [(change.version, change.key) for change in state.changes(since=before)[0]] == [(before + 2, "a")]
    assert state.get("notes", "a", at=before + 1) == 1


def test_participants_commit_with_the_state_and_listeners_hear_of_it(state: StateManager, store: Store) -> None:
    heard = []
    state.participants.append(lambda txn: txn.main.put(b"Z" + str(len(txn.changes)).encode(), b"beside"))
    state.listeners.append(
        lambda commit: heard.append((commit.version, commit.at, commit.correlation_id, commit.operations))
    )
    with state.transaction():
        state.set("s", "a", 1)
        state.set("s", "b", 1)
    with pytest.raises(ZeroDivisionError), state.transaction():
        state.set("s", "c", 1)
        raise ZeroDivisionError
    state.delete("s", "none")
    assert store.get(b"Z2") == b"beside"
    assert store.get(b"Z1") is None
    assert heard == [(1, START, "run-1", {b"ss\0a": 1, b"ss\0b": 1})]


def test_a_failing_participant_undoes_the_commit(state: StateManager) -> None:
    def fail(transaction: object) -> None:
        raise StorageError("no room")

    state.participants.append(fail)
    with pytest.raises(StorageError, match="no room"):
        state.set("s", "k", 1)
    state.participants.clear()
    assert not state.exists("s", "k")
    state.set("s", "k", 1)
    assert state.version() == 1
