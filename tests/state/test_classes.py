"""Classes: who chooses them, and what each means."""

import threading

import pytest

from llmspell.errors import BadArgument, BadValue, ConfigError, Corrupt, NotEnabled
from llmspell.state.classes import ClassRules
from llmspell.state.manager import StateManager
from llmspell.state.scope import Scope
from llmspell.storage import keys
from llmspell.storage.record import EPHEMERAL, STANDARD, TRUSTED
from llmspell.storage.store import Store
from tests.state.conftest import Clock


@pytest.mark.parametrize(
    ("pattern", "scope", "key", "matches"),
    [
        ("tmp:*", "s", "tmp:", True),
        ("tmp:*", "s", "tmp:a", True),
        ("tmp:*", "s", "xtmp:a", False),
        ("tmp:*", "tmp:", "a", False),
        ("*", "s", "anything", True),
        ("a", "s", "a", True),
        ("a", "s", "ab", False),
        ("*a*b*", "s", "xxaxxbxx", True),
        ("*a*b*", "s", "xxbxxaxx", False),
        ("ab*ba", "s", "aba", False),
        ("ab*ba", "s", "abba", True),
        ("a*a*a", "s", "aa", False),
        ("a*a*a", "s", "aaa", True),
        ("cache/*", "cache", "k", True),
        ("cache/*", "cache2", "k", False),
        ("user:*/tmp", "user:ann", "tmp", True),
        ("user:*/tmp", "user:ann", "tmp2", False),
        ("a/b", "s", "a/b", False),
        ("[ab]", "s", "a", False),
        ("a?", "s", "ab", False),
    ],
)
def test_a_star_stands_for_any_characters(pattern: str, scope: str, key: str, matches: bool) -> None:
    rules = ClassRules({pattern: "trusted"})
    assert rules.resolve(Scope.parse(scope), key) == (TRUSTED if matches else STANDARD)


def test_the_first_matching_pattern_decides() -> None:
    rules = ClassRules({"a*": "trusted", "*": "ephemeral"})
    scope = Scope.parse("s")
    assert [rules.resolve(scope, key) for key in ("ab", "b", "ab")] == [TRUSTED, EPHEMERAL, TRUSTED]


def test_the_memory_of_the_rules_is_bounded() -> None:
    rules = ClassRules({"a*": "trusted"})
    for number in range(10_000):
        rules.resolve(Scope.parse("s"), str(number))
    assert len(rules._cache) <= 4096


def test_unknown_classes_are_refused(make, state: StateManager) -> None:
    with pytest.raises(ConfigError, match=r"\[state.classes\] 'a\*' names no class: 'fast'"):
        make(classes={"a*": "fast"})
    with pytest.raises(BadArgument, match="unknown class 'fast'; the classes are ephemeral, trusted"):
        state.set("s", "k", 1, class_="fast")
    assert state.version() == 0


def test_the_caller_goes_before_the_patterns(make) -> None:
    state = make(classes={"tmp:*": "ephemeral"})
    state.set("s", "tmp:a", 1)
    state.set("s", "tmp:b", 1, class_="standard")
    state.set("s", "c", 1)
    classes = {key: state.entry("s", key).class_name for key in state.list_keys("s")}
    assert classes == {"tmp:a": "ephemeral", "tmp:b": "standard", "c": "standard"}


def test_a_sensitive_value_needs_encryption(make, state: StateManager) -> None:
    for manager, options in ((state, {"class_": "sensitive"}), (make(classes={"k": "sensitive"}), {})):
        with pytest.raises(NotEnabled, match="without encryption") as caught:
            manager.set("s", "k", 1, **options)
        assert "[state.security]" in caught.value.hint
        assert "encryption_enabled" in caught.value.hint
    with pytest.raises(NotEnabled):
        make(classes={"k": "sensitive"}).increment("s", "k")
    assert state.list_scopes() == []


def test_an_external_value_is_looked_at_to_its_end(state: StateManager) -> None:
    state.save("s", "k", b"\xc1\x93\x01\x02\xa1x", class_="external")
    assert state.get("s", "k") == [1, 2, "x"]
    for payload in (b"\xc1\x93\x01", b"\xc1\x01\x01", b" {", b"junk", b" [NaN]", b"\xc1\xcb\x7f\xf0\0\0\0\0\0\0"):
        with pytest.raises((BadValue, Corrupt)):
            state.save("s", "k", payload, class_="external")
    assert state.get("s", "k") == [1, 2, "x"]
    with pytest.raises((BadValue, Corrupt)):
        state.update("s", "k", lambda _: b" {")
    assert state.get("s", "k") == [1, 2, "x"]


class TestEphemeral:
    def test_it_never_reaches_the_store_or_the_journal(self, state: StateManager, store: Store) -> None:
        state.set("s", "k", "volatile", class_="ephemeral")
        assert state.get("s", "k") == "volatile"
        assert state.increment("s", "n") == 1
        with state.transaction():
            state.set("s", "k2", "volatile", class_="ephemeral")
        assert store.get(keys.scope_prefix("s") + b"k") is None
        assert [change.key for change in state.changes()[0]] == ["n"]
        assert state.version() == 1
        with store.read() as txn:
            assert b"volatile" not in b"".join(key + value for key, value in txn.scan(b"\0"))

    def test_it_is_gone_for_another_manager(self, make, state: StateManager) -> None:
        state.set("s", "k", 1, class_="ephemeral")
        assert make().get("s", "k") is None

    def test_reads_and_listings_show_both_kinds_in_order(self, state: StateManager) -> None:
        for number, key in enumerate("bdfh"):
            state.set("s", key, number)
        for number, key in enumerate("aceg"):
            state.set("s", key, number, class_="ephemeral")
        state.set("other", "k", 1, class_="ephemeral")
        assert state.list_keys("s") == list("abcdefgh")
        assert state.list_keys("s", reverse=True, limit=3) == list("hgf")
        assert state.list_keys("s", after="c", limit=2) == list("de")
        assert [key for key, _ in state.list("s", after="f", reverse=True)] == list("edcba")
        assert [key for key, _ in state.list("s", limit=3)] == list("abc")
        assert state.count("s") == 8
        assert state.list_scopes() == ["other", "s"]
        assert state.clear("s", prefix="c") == 1
        assert state.clear("s") == 7
        assert state.list_scopes() == ["other"]

    def test_a_key_lives_in_one_class_at_a_time(self, state: StateManager, store: Store) -> None:
        stored = keys.scope_prefix("s") + b"k"
        state.set("s", "k", 1)
        state.set("s", "k", 2, class_="ephemeral")
        assert store.get(stored) is None
        assert state.get("s", "k") == 2
        assert [revision.operation for revision in state.history("s", "k")] == ["delete", "save"]
        state.set("s", "k", 3)
        assert state.get("s", "k") == 3
        assert state.count("s") == 1
        assert state.ephemeral_store is not None
        assert state.ephemeral_store.get(stored) is None
        assert state.delete("s", "k")
        assert state.get("s", "k") is None

    def test_transactions_undo_it(self, state: StateManager) -> None:
        state.set("s", "moved", 1)
        with pytest.raises(ZeroDivisionError), state.transaction():
            state.set("s", "new", 1, class_="ephemeral")
            state.set("s", "moved", 2, class_="ephemeral")
            assert state.list_keys("s") == ["moved", "new"]
            raise ZeroDivisionError
        assert state.list_keys("s") == ["moved"]
        assert state.entry("s", "moved").class_name == "standard"

    def test_savepoints_undo_it(self, state: StateManager) -> None:
        with state.transaction():
            state.set("s", "kept", 1, class_="ephemeral")
            with pytest.raises(ZeroDivisionError), state.transaction():
                state.set("s", "lost", 1, class_="ephemeral")
                state.set("s", "kept", 2, class_="ephemeral")
                raise ZeroDivisionError
            assert state.list_keys("s") == ["kept"]
        assert state.get("s", "kept") == 1

    def test_a_first_ephemeral_value_inside_a_savepoint_is_undone(self, state: StateManager) -> None:
        with state.transaction():
            with pytest.raises(ZeroDivisionError), state.transaction():
                state.set("s", "lost", 1, class_="ephemeral")
                raise ZeroDivisionError
            assert state.get("s", "lost") is None
        assert state.get("s", "lost") is None

    def test_it_expires(self, state: StateManager, clock: Clock) -> None:
        state.set("s", "k", 1, class_="ephemeral", ttl=5)
        state.set("s", "stays", 1, class_="ephemeral")
        assert state.increment("s", "k") == 2
        clock.advance(4.999999)
        assert state.get("s", "k") == 2
        clock.advance(0.000001)
        assert state.list_keys("s") == ["stays"]
        assert state.get("s", "k") is None
        assert not state.delete("s", "k")
        state.set("s", "other", 1, class_="ephemeral")
        assert state.ephemeral_store is not None
        assert state.ephemeral_store.get(keys.scope_prefix("s") + b"k") is None

    def test_an_expired_one_does_not_hide_a_durable_one(self, make, state: StateManager, clock: Clock) -> None:
        state.set("s", "k", "mine", class_="ephemeral", ttl=5)
        make().set("s", "k", "durable")
        assert state.get("s", "k") == "mine"
        clock.advance(5)
        assert state.get("s", "k") == "durable"
        assert state.list_keys("s") == ["k"]

    def test_what_another_handle_saved_durably_is_journaled_when_it_is_replaced(
        self, make, state: StateManager
    ) -> None:
        state.set("s", "k", "mine", class_="ephemeral")
        make().set("s", "k", "durable", ttl=9)
        state.set("s", "k", "replaced")
        assert [revision.payload[2:] for revision in state.history("s", "k")] == [b"replaced", b"durable"]

    def test_versions_never_match_those_of_durable_values(self, state: StateManager) -> None:
        state.set("s", "k", 1, class_="ephemeral")
        version = state.entry("s", "k").version
        state.set("s", "k", 2, class_="ephemeral", if_version=version)
        assert state.entry("s", "k").version > version >= 2**52

    def test_increment_and_update_keep_the_class(self, state: StateManager) -> None:
        state.set("s", "n", 1, class_="ephemeral")
        state.increment("s", "n")
        state.update("s", "n", lambda payload: payload)
        assert state.entry("s", "n").class_name == "ephemeral"
        assert state.version() == 0

    def test_saving_one_alone_does_not_wait_for_a_writer(self, state: StateManager, store: Store, clock: Clock) -> None:
        state.set("s", "first", 1, class_="ephemeral")
        done = threading.Event()

        def save() -> None:
            for number in range(3):
                state.set("s", "k", number, class_="ephemeral", ttl=5)
            done.set()

        with store.write():
            thread = threading.Thread(target=save)
            thread.start()
            assert done.wait(20)
            thread.join()
        entry = state.entry("s", "k")
        assert (entry.payload, entry.class_name, entry.created_at) == (b"\xc1\x02", "ephemeral", clock.now)
        assert state.version() == 0
        clock.advance(5)
        assert state.list_keys("s") == ["first"]
        state.set("s", "other", 1, class_="ephemeral", ttl=5)
        assert state.ephemeral_store is not None
        assert state.ephemeral_store.get(keys.scope_prefix("s") + b"k") is None

    def test_saving_one_in_the_place_of_a_durable_one_is_journaled(self, state: StateManager) -> None:
        state.set("s", "first", 1, class_="ephemeral")
        state.set("s", "k", "durable")
        state.set("s", "k", "volatile", class_="ephemeral")
        assert state.get("s", "k") == "volatile"
        assert [change.operation for change in state.changes()[0]] == ["save", "delete"]
        assert state.delete("s", "k")
        assert state.get("s", "k") is None
