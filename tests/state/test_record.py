"""Stored records: exact, checked, and never mistaken."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmspell import values
from llmspell.errors import Corrupt, StorageError
from llmspell.state.check import examine, examine_index
from llmspell.state.journal import JournalPolicy
from llmspell.state.manager import StateManager
from llmspell.storage import keys, record
from llmspell.storage.record import Record
from llmspell.storage.store import Store

KEY = keys.scope_prefix("user:ann") + b"profile"


def pack(
    payload: bytes = b"\xc1\x05",
    *,
    class_code: int = record.STANDARD,
    schema: tuple[int, int, int] = (1, 2, 3),
    version: int = 7,
    created_at: int = 10,
    updated_at: int = 20,
    expires_at: int = 0,
) -> bytes:
    header = record.HEADER.pack(record.FORMAT, class_code, *schema, version, created_at, updated_at, expires_at)
    return record.seal(KEY, header, payload)


@given(
    st.binary(max_size=300),
    st.integers(1, 5),
    st.tuples(*[st.integers(0, 65535)] * 3),
    st.integers(0, 2**64 - 1),
    st.tuples(*[st.integers(0, 2**62)] * 3),
)
def test_records_hold_what_was_packed(
    payload: bytes, class_code: int, schema: tuple[int, int, int], version: int, times: tuple[int, int, int]
) -> None:
    created, updated, expires = times
    stored = pack(
        payload, class_code=class_code, schema=schema, version=version, created_at=created, updated_at=updated,
        expires_at=expires,
    )  # fmt: skip
    found = Record(KEY, stored)
    assert (found.payload, found.class_code, found.schema, found.version) == (payload, class_code, schema, version)
    assert (found.created_at, found.updated_at, found.expires_at) == times
    assert record.verify(KEY, stored) is None


def test_the_layout_of_format_1_stays() -> None:
    stored = pack(expires_at=30)
    header = "010301000200030007000000000000000a0000000000000014000000000000001e00000000000000"
    assert stored[:40].hex() == header
    assert stored[40:42] == b"\xc1\x05"
    assert len(stored) == 46


@pytest.mark.parametrize("bit", range(8))
def test_every_flipped_bit_is_damage_that_names_scope_and_key(bit: int) -> None:
    stored = pack(b"\xc1\xa5hello", expires_at=99)
    for position in range(len(stored)):
        damaged = bytearray(stored)
        damaged[position] ^= 1 << bit
        with pytest.raises(Corrupt, match="'profile' in scope 'user:ann' is damaged"):
            Record(KEY, bytes(damaged))
        assert "'profile' in scope 'user:ann'" in (record.verify(KEY, bytes(damaged)) or "")


def test_every_cut_is_damage() -> None:
    stored = pack(b"\xc1\xa5hello")
    for length in range(len(stored)):
        with pytest.raises(Corrupt):
            Record(KEY, stored[:length])
    with pytest.raises(Corrupt):
        Record(KEY, stored + b"\0")


def test_a_record_under_another_key_is_damage() -> None:
    with pytest.raises(Corrupt, match="'other' in scope 'user:ann'"):
        Record(keys.scope_prefix("user:ann") + b"other", pack())
    with pytest.raises(Corrupt, match="scope 'user:anna'"):
        Record(keys.scope_prefix("user:anna") + b"profile", pack())


def test_a_later_format_is_named_and_not_called_damage() -> None:
    later = record.seal(KEY, b"\x02" + bytes(39), b"whatever")
    with pytest.raises(StorageError, match="unknown record format 2") as caught:
        Record(KEY, later)
    assert "later one" in caught.value.hint
    assert "unknown record format 2" in (record.verify(KEY, later) or "")


def test_an_unknown_class_is_found_by_verify() -> None:
    assert "unknown class 77" in (record.verify(KEY, pack(class_code=77)) or "")


def damage(store: Store, key: bytes, position: int) -> None:
    with store.write() as transaction:
        stored = bytearray(transaction.get(key) or b"")
        stored[position] ^= 0x20
        transaction.put(key, bytes(stored))


def test_damage_raises_wherever_the_value_is_read_or_replaced(state: StateManager, store: Store) -> None:
    state.set("user:ann", "profile", {"name": "Ann"}, ttl=1000)
    state.set("user:ann", "fine", 1)
    before = state.version()
    for position in range(len(store.get(KEY) or b"")):
        damage(store, KEY, position)
        for call in (
            lambda: state.load("user:ann", "profile"),
            lambda: state.entry("user:ann", "profile"),
            lambda: state.exists("user:ann", "profile"),
            lambda: state.list("user:ann"),
            lambda: state.set("user:ann", "profile", 1),
            lambda: state.delete("user:ann", "profile"),
            lambda: state.increment("user:ann", "profile"),
            lambda: state.update("user:ann", "profile", lambda payload: payload),
            lambda: state.clear("user:ann"),
            lambda: state.history("user:ann", "profile"),
            lambda: state.load_at("user:ann", "profile", 1),
        ):
            with pytest.raises(Corrupt, match="'profile' in scope 'user:ann'"):
                call()
        damage(store, KEY, position)
    assert state.version() == before
    assert state.get("user:ann", "profile") == {"name": "Ann"}
    assert state.list_keys("user:ann") == ["fine", "profile"]


def test_every_damage_of_every_entry_is_found_by_the_check(make, store: Store) -> None:
    state = make(journal=JournalPolicy(keep_versions=1))
    for number in range(4):
        state.set("user:ann", "profile", number, ttl=100)
    make(journal=None).set("user:ann", "other", 1)
    with store.read() as txn:
        pairs = [pair for pair in txn.scan(b"") if pair[0] != b"m/format"]
    assert {key[:1] for key, _ in pairs} == {b"s", b"x", b"h", b"j", b"m"}
    assert any(key.endswith(bytes(8)) for key, _ in pairs)
    for key, value in pairs:
        assert examine(key, value) is None
        for position in range(len(value)):
            damaged = bytearray(value)
            damaged[position] ^= 0x10
            assert examine(key, bytes(damaged)) is not None
    assert examine(b"x" + bytes(12), b"?") is not None
    assert examine(b"Zother", b"anything") is None


def test_an_index_that_does_not_fit_is_found_by_the_check(state: StateManager, store: Store) -> None:
    state.set("s", "k", 1, ttl=1)
    with store.read() as txn:
        entry = next(txn.scan_keys(b"x"))
        assert list(examine_index(txn)) == []
    with store.write() as txn:
        txn.delete(entry)
        assert list(examine_index(txn)) == ["'k' in scope 's' expires, but is not in the expiry index"]
        txn.put(b"x" + bytes(8) + b"s\0k", b"")
        assert "which does not expire then" in next(examine_index(txn))
        txn.put(entry, b"")
        txn.delete(b"x" + bytes(8) + b"s\0k")


def test_damage_in_history_raises_there_and_only_there(state: StateManager, store: Store) -> None:
    state.set("user:ann", "profile", "first")
    state.set("user:ann", "profile", "second")
    history_key = keys.history_key(KEY, 2)
    for position in range(len(store.get(history_key) or b"")):
        damage(store, history_key, position)
        for call in (lambda: state.history("user:ann", "profile"), lambda: state.load_at("user:ann", "profile", 1)):
            with pytest.raises(Corrupt, match="'profile' in scope 'user:ann'"):
                call()
        assert state.get("user:ann", "profile") == "second"
        damage(store, history_key, position)
    assert len(state.history("user:ann", "profile")) == 2


def test_damage_in_the_journal_raises(state: StateManager, store: Store) -> None:
    state.set("user:ann", "profile", "first")
    journal_key = keys.journal_key(1)
    for position in range(len(store.get(journal_key) or b"")):
        damage(store, journal_key, position)
        with pytest.raises(Corrupt, match="journal's entry for version 1 is damaged"):
            state.changes()
        damage(store, journal_key, position)
    assert len(state.changes()[0]) == 1


@pytest.mark.parametrize(
    ("policy", "counter", "complaint"),
    [
        (None, keys.HEAD, "version counter is damaged"),
        (JournalPolicy(), keys.journal_key(1), "journal's entry for version 1 is damaged"),
    ],
)
def test_a_damaged_version_counter_stops_every_write(
    make: Callable[..., StateManager], store: Store, policy: JournalPolicy | None, counter: bytes, complaint: str
) -> None:
    state = make(journal=policy)
    state.set("s", "k", 1)
    stored = store.get(counter)
    assert stored is not None
    for position in range(len(stored)):
        damage(store, counter, position)
        with pytest.raises(Corrupt, match=complaint):
            state.set("s", "k", 2)
        assert state.get("s", "k") == 1
        damage(store, counter, position)
    state.set("s", "k", 3)
    assert state.version() == 2


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(values.INT_MIN, values.INT_MAX) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5) | st.integers(-9, 9), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=60)
@given(VALUES.filter(lambda value: value is not None))
def test_values_come_back_as_they_went_in(value: object) -> None:
    from llmspell.storage.memory import MemoryStore

    with StateManager(MemoryStore()) as state:
        state.set("s", "k", value)
        found = state.get("s", "k")
        assert repr(found) == repr(value)
        for payload in (values.encode(value), values.dump_json(value)):
            state.save("s", "k", payload)
            assert state.load("s", "k") == payload
