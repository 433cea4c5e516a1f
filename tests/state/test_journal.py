"""The journal: history, the past, the feed of changes, and how far back it goes."""

import threading
import time
from collections.abc import Callable

import pytest

from llmspell import values
from llmspell.errors import BadArgument, NotEnabled, NotFound
from llmspell.state import moment
from llmspell.state.journal import JournalPolicy
from llmspell.state.manager import StateManager
from llmspell.storage.store import Store
from tests.state.conftest import SECOND, START, Clock

Make = Callable[..., StateManager]
DAY = 86_400


def keys_in(store: Store, space: bytes) -> int:
    with store.read() as txn:
        return sum(1 for _ in txn.scan_keys(space, bytes([space[0] + 1])))


def decoded(payload: bytes | None) -> object:
    return None if payload is None else values.decode(payload)


class TestHistory:
    def test_it_is_newest_first_with_times_and_correlations(self, state: StateManager, clock: Clock) -> None:
        state.set("s", "k", "a")
        clock.advance(1)
        state.correlation_id = "run-2"
        state.set("s", "k", "b", class_="trusted")
        clock.advance(1)
        state.delete("s", "k")
        clock.advance(1)
        state.set("s", "k", "c")
        state.set("s", "other", 1)
        found = state.history("s", "k")
        assert [
            (r.version, (r.at - START) // SECOND, r.operation, decoded(r.payload), r.class_name, r.correlation_id)
            for r in found
        ] == [
            (4, 3, "save", "c", "standard", "run-2"),
            (3, 2, "delete", None, "", "run-2"),
            (2, 1, "save", "b", "trusted", "run-2"),
            (1, 0, "save", "a", "standard", "run-1"),
        ]

    def test_limit_and_since(self, state: StateManager, clock: Clock) -> None:
        for number in range(5):
            state.set("s", "k", number)
            clock.advance(1)
        versions = lambda **options: [r.version for r in state.history("s", "k", **options)]  # noqa: E731
        assert versions() == [5, 4, 3, 2, 1]
        assert versions(limit=2) == [5, 4]
        assert versions(limit=0) == []
        assert versions(since=3) == [5, 4]
        assert versions(since=9) == []
        assert versions(since=moment.text(START + 2 * SECOND)) == [5, 4]
        assert versions(since=(START + 2 * SECOND) // SECOND) == [5, 4]
        assert state.history("s", "never") == []

    def test_changes_within_one_commit_are_one(self, state: StateManager) -> None:
        for key in ("saved", "deleted", "back"):
            state.set("s", key, 0)
        with state.transaction():
            for key in ("saved", "deleted", "new"):
                for number in range(1, 4):
                    state.set("s", key, number)
            state.delete("s", "deleted")
            state.delete("s", "back")
            state.set("s", "back", 9)
            state.delete("s", "new")
        told = {
            key: [(r.version, r.operation, decoded(r.payload)) for r in state.history("s", key)]
            for key in ("saved", "deleted", "back", "new")
        }
        assert told == {
            "saved": [(4, "save", 3), (1, "save", 0)],
            "deleted": [(4, "delete", None), (2, "save", 0)],
            "back": [(4, "save", 9), (3, "save", 0)],
            "new": [],
        }
        assert [decoded(state.load_at("s", "back", version)) for version in (2, 3, 4)] == [None, 0, 9]
        assert [decoded(state.load_at("s", "deleted", version)) for version in (1, 2, 3, 4)] == [None, 0, 0, None]

    def test_neighbouring_keys_do_not_mix(self, state: StateManager) -> None:
        for key in ("k", "k1", "k ", "K"):
            for number in range(3):
                state.set("s", key, [key, number])
        state.set("s:k", "k", 1)
        for key in ("k", "k1", "k ", "K"):
            assert [decoded(r.payload) for r in state.history("s", key)] == [[key, 2], [key, 1], [key, 0]]


class TestThePast:
    def test_a_version_gives_what_was_current_then(self, state: StateManager) -> None:
        state.set("s", "k", "a")
        state.set("s", "other", 1)
        state.set("s", "k", "b")
        state.delete("s", "k")
        state.set("s", "k", "c")
        at = [decoded(state.load_at("s", "k", version)) for version in range(8)]
        assert at == [None, "a", "a", "b", None, "c", "c", "c"]

    def test_a_time_is_inclusive(self, state: StateManager, clock: Clock) -> None:
        for value in "abc":
            state.set("s", "k", value)
            clock.advance(10)
        assert decoded(state.load_at("s", "k", moment.text(START - 1))) is None
        assert decoded(state.load_at("s", "k", moment.text(START))) == "a"
        assert decoded(state.load_at("s", "k", moment.text(START + 10 * SECOND - 1))) == "a"
        assert decoded(state.load_at("s", "k", moment.text(START + 10 * SECOND))) == "b"
        assert decoded(state.load_at("s", "k", START // SECOND + 20)) == "c"
        assert decoded(state.load_at("s", "k", START / SECOND + 19.5)) == "b"
        assert decoded(state.load_at("s", "k", "2099-01-01T00:00:00Z")) == "c"

    def test_the_time_of_an_entry_finds_its_value(self, state: StateManager, clock: Clock) -> None:
        for value in range(50):
            state.set("s", f"k{value % 7}", value)
            clock.advance(0.000001 * (value % 3))
        for number in range(7):
            for revision in state.history("s", f"k{number}"):
                later = [r for r in state.history("s", f"k{number}") if r.at == revision.at]
                assert state.load_at("s", f"k{number}", moment.text(revision.at)) == later[0].payload

    def test_an_expired_value_is_absent_in_the_past_too(self, state: StateManager, clock: Clock) -> None:
        state.set("s", "k", "a", ttl=5)
        clock.advance(4)
        state.set("s", "other", 1)
        clock.advance(4)
        state.set("s", "other", 2)
        assert decoded(state.load_at("s", "k", 2)) == "a"
        assert decoded(state.load_at("s", "k", moment.text(START + 5 * SECOND - 1))) == "a"
        assert state.load_at("s", "k", moment.text(START + 5 * SECOND)) is None
        assert state.load_at("s", "k", 3) is None
        state.sweep()
        assert decoded(state.load_at("s", "k", 2)) == "a"
        assert decoded(state.load_at("s", "k", moment.text(START + 5 * SECOND - 1))) == "a"
        assert state.load_at("s", "k", moment.text(START + 5 * SECOND)) is None

    def test_it_does_not_see_what_is_not_committed(self, state: StateManager) -> None:
        state.set("s", "k", "a")
        with state.transaction():
            state.set("s", "k", "b")
            assert decoded(state.load_at("s", "k", 1)) == "a"
            assert decoded(state.load_at("s", "k", 2)) == "b"

    def test_the_present_is_known_also_when_the_journal_has_dropped_everything(self, make: Make, clock: Clock) -> None:
        state = make(journal=JournalPolicy(keep_days=1))
        state.set("s", "k", "a")
        clock.advance(3 * DAY)
        state.compact()
        assert state.changes() == ([], 1)
        for at in (1, moment.text(START), moment.text(START + DAY * SECOND), START // SECOND):
            assert decoded(state.load_at("s", "k", at)) == "a"
            assert state.load_at("s", "never", at) is None

    @pytest.mark.parametrize("at", [-1, True, "yesterday", float("nan"), None, [1]])
    def test_a_wrong_at_is_a_bad_argument(self, state: StateManager, at: object) -> None:
        with pytest.raises(BadArgument):
            state.load_at("s", "k", at)  # type: ignore[arg-type]
        with pytest.raises(BadArgument):
            state.changes(since=at)  # type: ignore[arg-type]

    def test_a_clock_that_steps_back_a_little_keeps_times_in_order(self, state: StateManager, clock: Clock) -> None:
        state.set("s", "k", "a")
        clock.advance(-60)
        state.set("s", "k", "b")
        assert [r.at for r in state.history("s", "k")] == [START, START]
        assert decoded(state.load_at("s", "k", moment.text(START))) == "b"


class TestChanges:
    def test_they_come_in_version_order_with_what_happened(self, state: StateManager, clock: Clock) -> None:
        state.set("s", "a", 1)
        with state.transaction():
            state.set("t", "b", 1)
            state.delete("s", "a")
        clock.advance(1)
        state.set("s", "x", 1, ttl=1)
        clock.advance(1)
        state.sweep()
        found, following = state.changes()
        assert [(c.version, c.operation, c.scope, c.key) for c in found] == [
            (1, "save", "s", "a"), (2, "save", "t", "b"), (2, "delete", "s", "a"), (3, "save", "s", "x"),
            (4, "expire", "s", "x"),
        ]  # fmt: skip
        assert following == 4
        assert {c.correlation_id for c in found} == {"run-1"}
        assert [c.at for c in found] == [START] * 3 + [START + SECOND, START + 2 * SECOND]
        assert state.changes(since=4) == ([], 4)
        assert state.changes(since=99) == ([], 99)

    def test_filters_do_not_stop_the_position(self, state: StateManager) -> None:
        for scope in ("s", "s:x", "t"):
            for key in ("ab", "abc", "b"):
                state.set(scope, key, 1)
        found, following = state.changes(scope="s")
        assert [c.key for c in found] == ["ab", "abc", "b"]
        assert following == 9
        found, _ = state.changes(scope="s:x", prefix="ab")
        assert [(c.scope, c.key) for c in found] == [("s:x", "ab"), ("s:x", "abc")]
        found, _ = state.changes(prefix="abc")
        assert [c.scope for c in found] == ["s", "s:x", "t"]

    def test_pages_meet_also_inside_long_commits(self, state: StateManager) -> None:
        with state.transaction():
            for number in range(1300):
                state.set("s", f"k{number:04}", 1)
        state.set("t", "one", 1)
        with state.transaction():
            state.set("s", "two", 1)
            state.set("t", "three", 1)
        everything = [c.key for c in state.changes()[0]]
        assert everything == [f"k{number:04}" for number in range(1300)] + ["one", "two", "three"]
        for size in (1, 7, 511, 512, 513, 1300, 2000):
            since: int | float | str = 0
            pages: list[str] = []
            while True:
                page, since = state.changes(since=since, limit=size)
                assert len(page) <= size
                pages += [c.key for c in page]
                if not page or len(pages) == 20:
                    break
            assert pages == everything[: 20 if size == 1 else None]
        assert state.changes(limit=1300)[1] == 1
        assert state.changes(since="1+1299")[0][0].key == "k1299"
        assert state.changes(limit=0) == ([], 0)

    @pytest.mark.parametrize("since", ["1+", "+1", "1+x", "x+1", "1+1+1", "", "-1+5"])
    def test_a_wrong_position_is_a_bad_argument(self, state: StateManager, since: str) -> None:
        with pytest.raises(BadArgument):
            state.changes(since=since)

    def test_a_time_is_exclusive(self, state: StateManager, clock: Clock) -> None:
        for number in range(5):
            state.set("s", f"k{number}", 1)
            clock.advance(1)
        found, _ = state.changes(since=moment.text(START + 2 * SECOND))
        assert [c.key for c in found] == ["k3", "k4"]
        assert len(state.changes(since=moment.text(START - 1))[0]) == 5

    def test_waiting_ends_with_the_first_change_of_another_handle(self, make: Make, state: StateManager) -> None:
        other = make()
        state.set("s", "k", 1)

        def change() -> None:
            time.sleep(0.05)
            other.set("t", "ignored", 1)
            time.sleep(0.05)
            other.set("s", "seen", 1)

        thread = threading.Thread(target=change)
        thread.start()
        begin = time.monotonic()
        found, following = state.changes(since=1, scope="s", timeout=10)
        took = time.monotonic() - begin
        thread.join()
        assert [c.key for c in found] == ["seen"]
        assert following == 3
        assert 0.09 < took < 2

    def test_waiting_ends_with_the_timeout(self, state: StateManager) -> None:
        begin = time.monotonic()
        assert state.changes(timeout=0.05) == ([], 0)
        assert 0.045 < time.monotonic() - begin < 1

    def test_waiting_can_be_stopped(self, state: StateManager) -> None:
        waits: list[float] = []

        def wait(seconds: float) -> bool:
            waits.append(seconds)
            return len(waits) == 20

        assert state.changes(timeout=100, wait=wait) == ([], 0)
        assert waits[0] == 0.002
        assert max(waits) == 0.02

        def raising(seconds: float) -> bool:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            state.changes(timeout=100, wait=raising)

    def test_nobody_waits_inside_a_transaction(self, state: StateManager) -> None:
        with state.transaction():
            state.set("s", "k", 1)
            assert state.changes(timeout=100) == ([], 0)

    @pytest.mark.parametrize("timeout", [-1, True, "1", float("nan")])
    def test_a_wrong_timeout_is_a_bad_argument(self, state: StateManager, timeout: object) -> None:
        with pytest.raises(BadArgument, match="timeout must be"):
            state.changes(timeout=timeout)  # type: ignore[arg-type]


class TestRetention:
    def test_days_drop_what_is_older_and_keep_what_was_current_then(
        self, make: Make, store: Store, clock: Clock
    ) -> None:
        state = make(journal=JournalPolicy(keep_days=10))
        for number in range(5):
            state.set("s", "k", number)
            state.set("s", "same", "old") if number == 0 else None
            clock.advance(3 * DAY)
        state.compact()
        found, _ = state.changes()
        assert [c.version for c in found] == [3, 4, 5, 6][-len(found) :]
        oldest = found[0].version
        assert [decoded(r.payload) for r in state.history("s", "k")][-1] == oldest - 3
        assert decoded(state.load_at("s", "k", oldest)) == oldest - 2
        assert decoded(state.load_at("s", "k", oldest - 1)) == oldest - 3
        with pytest.raises(NotFound, match="goes back to version"):
            state.load_at("s", "k", oldest - 2)
        with pytest.raises(NotFound, match="no longer in the journal"):
            state.changes(since=oldest - 2)
        assert [c.version for c in state.changes(since=oldest - 1)[0]] == [c.version for c in found]
        assert decoded(state.load_at("s", "same", oldest - 1)) == "old"
        assert decoded(state.load_at("s", "same", 2)) == "old"
        with pytest.raises(NotFound):
            state.load_at("s", "same", 1)
        with pytest.raises(NotFound):
            state.load_at("s", "k", moment.text(START))
        assert decoded(state.load_at("s", "k", moment.text(clock.now - 9 * DAY * SECOND))) is not None
        assert keys_in(store, b"j") == len(found)
        assert keys_in(store, b"h") == len(found)

    def test_commits_compact_a_little_each(self, make: Make, store: Store, clock: Clock) -> None:
        state = make(journal=JournalPolicy(keep_days=1))
        for number in range(1000):
            state.set("s", f"k{number % 10}", number)
        clock.advance(2 * DAY)
        begin = keys_in(store, b"j")
        state.set("s", "k", 1)
        assert begin - 400 < keys_in(store, b"j") < begin
        for _ in range(5):
            state.set("s", "k", 1)
        assert keys_in(store, b"j") == 6
        assert keys_in(store, b"h") == 5
        assert state.count("s") == 11

    def test_zero_days_keep_everything(self, make: Make, store: Store, clock: Clock) -> None:
        state = make(journal=JournalPolicy(keep_days=0))
        state.set("s", "k", 1)
        clock.advance(10_000 * DAY)
        state.set("s", "k", 2)
        state.compact()
        assert len(state.history("s", "k")) == 2

    def test_long_commits_are_dropped_part_by_part(self, make: Make, store: Store, clock: Clock) -> None:
        state = make(journal=JournalPolicy(keep_days=1))
        with state.transaction():
            for number in range(3000):
                state.set("s", f"k{number}", 1)
        clock.advance(2 * DAY)
        assert keys_in(store, b"j") == 6
        state.set("t", "k", 1)
        assert keys_in(store, b"j") == 6
        with pytest.raises(NotFound):
            state.load_at("s", "k0x", 0)
        state.compact()
        assert keys_in(store, b"j") == 1
        assert decoded(state.load_at("s", "k0", 1)) == 1

    def test_versions_per_key_are_kept_and_no_more_are_shown(self, make: Make, store: Store) -> None:
        state = make(journal=JournalPolicy(keep_versions=3))
        for number in range(200):
            state.set("s", "k", number)
            state.set("s", f"once{number}", number)
        assert [decoded(r.payload) for r in state.history("s", "k")] == [199, 198, 197, 196]
        assert keys_in(store, b"h") == 4
        latest = state.entry("s", "k").version
        assert decoded(state.load_at("s", "k", latest - 1)) == 198
        with pytest.raises(NotFound, match="'k' in scope 's' goes back to version"):
            state.load_at("s", "k", 1)
        assert state.load_at("s", "once50", 1) is None

    def test_many_versions_are_thinned_now_and_then(self, make: Make, store: Store) -> None:
        state = make(journal=JournalPolicy(keep_versions=80))
        for number in range(400):
            state.set("s", "k", number)
        assert len(state.history("s", "k")) == 81
        assert 80 <= keys_in(store, b"h") < 160

    def test_thinning_marks_go_with_the_days(self, make: Make, store: Store, clock: Clock) -> None:
        state = make(journal=JournalPolicy(keep_days=1, keep_versions=1))
        for number in range(50):
            state.set("s", "k", number)
        clock.advance(2 * DAY)
        state.compact()
        assert keys_in(store, b"h") == 0
        assert state.get("s", "k") == 49

    def test_a_journal_that_was_off_for_a_while_does_not_invent_a_past(self, make: Make) -> None:
        on, off = make(), make(journal=None)
        on.set("s", "k", "a")
        on.set("s", "k", "b")
        off.delete("s", "k")
        off.set("s", "gone", 1)
        on.set("s", "k", "c")
        assert decoded(on.load_at("s", "k", 1)) == "a"
        assert decoded(on.load_at("s", "k", 5)) == "c"
        assert on.load_at("s", "k", 4) is None
        for version in (2, 3):
            with pytest.raises(NotFound):
                on.load_at("s", "k", version)
        with pytest.raises(NotFound):
            on.changes(since=2)
        assert [c.version for c in on.changes(since=4)[0]] == [5]

    @pytest.mark.parametrize("policy", [None, JournalPolicy(enabled=False)])
    def test_switched_off_it_writes_nothing_and_says_so(
        self, make: Make, store: Store, policy: JournalPolicy | None
    ) -> None:
        state = make(journal=policy)
        state.set("s", "k", 1)
        state.set("s", "k", 2)
        state.delete("s", "k")
        assert keys_in(store, b"j") == keys_in(store, b"h") == 0
        for call in (
            lambda: state.history("s", "k"),
            lambda: state.load_at("s", "k", 1),
            lambda: state.changes(),
            lambda: state.compact(),
        ):
            with pytest.raises(NotEnabled, match="the journal is switched off") as caught:
                call()
            assert "[state.journal]" in caught.value.hint

    def test_compaction_never_holds_the_writer_long(self, make: Make, clock: Clock) -> None:
        state = make(journal=JournalPolicy(keep_days=1))
        with state.transaction():
            for number in range(20_000):
                state.set("s", f"k{number % 5000}", number)
        for number in range(200):
            state.set("s", "hot", number)
        clock.advance(3 * DAY)
        longest = 0.0
        for _ in range(30):
            begin = time.perf_counter()
            state.set("t", "k", 1)
            longest = max(longest, time.perf_counter() - begin)
        assert longest < 0.05
