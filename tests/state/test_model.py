"""The state against a model: random operations, a controlled clock, transactions, savepoints, handles and reopening."""

import shutil
import tempfile
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from llmspell import values
from llmspell.errors import BadValue, Conflict
from llmspell.state.journal import JournalPolicy
from llmspell.state.manager import StateManager
from llmspell.storage.memory import MemoryStore
from llmspell.storage.store import Store
from tests.state.conftest import SECOND, Clock

SCOPES = ["s", "s:", "sa", "agent:s", "global"]
KEYS = ["a", "ab", "b", "é"]
SCOPE = st.sampled_from(SCOPES + ["s"] * 6)
KEY = st.sampled_from(KEYS + ["a"] * 5)
"""Mostly one place, so that much happens to it."""
VALUES = st.sampled_from([1, 2.5, "text", [1, [2]], {"k": b"\xff"}, -(2**63), 2**63 - 1, ""])


class Item:
    """What the model knows of one value."""

    def __init__(self, value: Any, version: int, created_at: int, expires_at: int | None) -> None:
        self.value = value
        self.version = version
        self.created_at = created_at
        self.expires_at = expires_at


class Model(RuleBasedStateMachine):
    """Committed contents, one working copy per open transaction level, and a snapshot for every version."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.folder = tempfile.mkdtemp(prefix="model-")
        self.store = self.open()
        self.managers = [self.manage(), self.manage()]
        self.items: dict[tuple[str, str], Item] = {}
        self.levels: list[tuple[Any, dict[tuple[str, str], Item]]] = []
        self.version = 0
        self.owner = 0
        self.is_changed = False
        self.began = 0
        self.snapshots: dict[int, dict[tuple[str, str], Any]] = {0: {}}

    def open(self) -> Store:
        return MemoryStore()

    def manage(self) -> StateManager:
        return StateManager(self.store, clock=self.clock, journal=JournalPolicy(keep_days=0))

    def teardown(self) -> None:
        while self.levels:
            self.end(keep=False)
        self.store.close()
        shutil.rmtree(self.folder)

    # The model

    def manager(self, handle: int) -> StateManager:
        return self.managers[self.owner if self.levels else handle]

    def live(self, scope: str, key: str) -> Item | None:
        item = self.items.get((scope, key))
        return None if item is None or (item.expires_at or self.clock.now + 1) <= self.clock.now else item

    def live_keys(self, scope: str) -> list[str]:
        return sorted((key for name, key in self.items if name == scope and self.live(scope, key)), key=str.encode)

    def changed(self) -> int:
        """The version that a change gets."""
        self.is_changed = True
        return self.version + 1

    def committed(self) -> None:
        if self.levels:
            return
        if not self.is_changed:
            self.began = 0
            return
        self.is_changed = False
        self.version += 1
        # All of a commit happens at the time its transaction began.
        at, self.began = self.began or self.clock.now, 0
        self.snapshots[self.version] = {
            place: item.value for place, item in self.items.items() if (item.expires_at or at + 1) > at
        }

    def put(self, scope: str, key: str, value: Any, expires_at: int | None) -> None:
        old = self.live(scope, key)
        created_at = (self.began or self.clock.now) if old is None else old.created_at
        self.items[scope, key] = Item(value, self.changed(), created_at, expires_at)
        self.committed()

    # What happens

    @rule(
        handle=st.integers(0, 1), scope=SCOPE, key=KEY, value=VALUES,
        ttl=st.none() | st.integers(1, 5), condition=st.sampled_from([None, None, None, "right", "wrong", "absent"]),
    )  # fmt: skip
    def save(self, handle: int, scope: str, key: str, value: Any, ttl: int | None, condition: str | None) -> None:
        item = self.live(scope, key)
        current = 0 if item is None else item.version
        wanted = {None: None, "right": current, "wrong": current + 1, "absent": 0}[condition]
        manager = self.manager(handle)
        if wanted is not None and wanted != current:
            with pytest.raises(Conflict):
                manager.set(scope, key, value, ttl=ttl, if_version=wanted)
            return
        manager.set(scope, key, value, ttl=ttl, if_version=wanted)
        self.put(scope, key, value, self.clock.now + ttl * SECOND if ttl else None)

    @rule(handle=st.integers(0, 1), scope=SCOPE, key=KEY)
    def delete(self, handle: int, scope: str, key: str) -> None:
        was_there = self.live(scope, key) is not None
        assert self.manager(handle).delete(scope, key) == was_there
        if was_there:
            del self.items[scope, key]
            self.changed()
            self.committed()

    @rule(handle=st.integers(0, 1), scope=SCOPE, prefix=st.sampled_from(["", "a", "b", "x"]))
    def clear(self, handle: int, scope: str, prefix: str) -> None:
        gone = [key for key in self.live_keys(scope) if key.startswith(prefix)]
        assert self.manager(handle).clear(scope, prefix=prefix) == len(gone)
        for key in gone:
            del self.items[scope, key]
            self.changed()
        self.committed()

    @rule(
        handle=st.integers(0, 1), scope=SCOPE, key=KEY,
        by=st.sampled_from([1, -7, 0.5]),
    )  # fmt: skip
    def increment(self, handle: int, scope: str, key: str, by: int | float) -> None:
        item = self.live(scope, key)
        current = 0 if item is None else item.value
        manager = self.manager(handle)
        total = current + by if type(current) in (int, float) else None
        if total is None or (type(total) is int and not values.INT_MIN <= total <= values.INT_MAX):
            with pytest.raises(BadValue):
                manager.increment(scope, key, by)
            return
        assert repr(manager.increment(scope, key, by)) == repr(total)
        self.put(scope, key, total, None if item is None else item.expires_at)

    @rule(
        handle=st.integers(0, 1), scope=SCOPE, key=KEY, value=st.none() | VALUES,
        fails=st.booleans(),
    )  # fmt: skip
    def update(self, handle: int, scope: str, key: str, value: Any, fails: bool) -> None:
        item = self.live(scope, key)
        manager = self.manager(handle)
        seen: list[Any] = []

        def fn(payload: bytes | None) -> bytes | None:
            seen.append(None if payload is None else values.decode(payload))
            if fails:
                manager.set(scope, "b", "lost")
                raise ZeroDivisionError
            return None if value is None else values.encode(value)

        if fails:
            with pytest.raises(ZeroDivisionError):
                manager.update(scope, key, fn)
        else:
            manager.update(scope, key, fn)
            if value is not None:
                self.put(scope, key, value, None if item is None else item.expires_at)
            elif item is not None:
                del self.items[scope, key]
                self.changed()
                self.committed()
        assert seen == [None if item is None else item.value]

    @rule(handle=st.integers(0, 1))
    @precondition(lambda self: len(self.levels) < 3)
    def begin(self, handle: int) -> None:
        if not self.levels:
            self.owner = handle
            self.began = self.clock.now
        block = self.managers[self.owner].transaction()
        block.__enter__()
        self.levels.append((block, deepcopy(self.items)))

    @rule(keep=st.booleans())
    @precondition(lambda self: self.levels)
    def end(self, keep: bool) -> None:
        block, before = self.levels.pop()
        if keep:
            block.__exit__(None, None, None)
        else:
            error = ZeroDivisionError()
            block.__exit__(ZeroDivisionError, error, None)
            self.items = before
        if not self.levels:
            # Whether a transaction that undid some of its parts has changed anything shows only in the store.
            version = self.managers[0].version()
            self.is_changed = version > self.version
            assert version - self.version in (0, 1)
            if not keep:
                assert not self.is_changed
        self.committed()

    @rule(seconds=st.sampled_from([0.000001, 0.5, 1, 3]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(handle=st.integers(0, 1))
    @precondition(lambda self: not self.levels)
    def sweep(self, handle: int) -> None:
        manager = self.managers[handle]
        if manager.sweep():
            self.sync_version()

    @rule()
    @precondition(lambda self: not self.levels)
    def reopen(self) -> None:
        self.managers = [self.manage(), self.manage()]

    def sync_version(self) -> None:
        """Sweeping makes commits of its own."""
        while self.version < self.managers[0].version():
            self.is_changed = True
            self.committed()

    # What must hold

    @invariant()
    def every_read_agrees(self) -> None:
        for manager in [self.managers[self.owner]] if self.levels else self.managers:
            assert manager.list_scopes() == sorted({scope for scope, key in self.items if self.live(scope, key)})
            for scope in SCOPES:
                expected = self.live_keys(scope)
                assert manager.list_keys(scope) == expected
                assert manager.list_keys(scope, after="a", reverse=True) == []
                assert manager.list_keys(scope, after="a", limit=1) == [key for key in expected if key > "a"][:1]
                assert manager.count(scope, prefix="a") == sum(key.startswith("a") for key in expected)
                assert [key for key, _ in manager.list(scope)] == expected
                for key in KEYS:
                    item, entry = self.live(scope, key), manager.entry(scope, key)
                    assert (item is None) == (entry is None)
                    if item is not None and entry is not None:
                        assert repr(manager.get(scope, key)) == repr(entry.value) == repr(item.value)
                        assert (entry.version, entry.expires_at) == (item.version, item.expires_at)
                        assert entry.created_at == item.created_at <= entry.updated_at <= self.clock.now

    @invariant()
    def the_journal_agrees(self) -> None:
        if self.levels:
            return
        manager = self.managers[0]
        assert manager.version() == self.version
        latest = max(self.snapshots)
        for version in {latest, latest // 2, max(latest - 1, 0)}:
            for scope in SCOPES[:2]:
                for key in KEYS[:2]:
                    expected = self.snapshots[version].get((scope, key))
                    if version == latest and self.live(scope, key) is None:
                        expected = None
                    payload = manager.load_at(scope, key, version)
                    assert repr(None if payload is None else values.decode(payload)) == repr(expected)
        for place in ((scope, key) for scope in SCOPES for key in KEYS):
            found = manager.history(*place)
            if self.live(*place):
                assert (found[0].operation, found[0].version) == ("save", self.items[place].version)
                assert repr(found[0].value) == repr(self.items[place].value)
            elif found and place not in self.items:
                assert found[0].operation != "save"
            assert [r.version for r in found] == sorted((r.version for r in found), reverse=True)
            saved = [r.version for r in found if r.operation == "save"]
            assert len(saved) == len(set(saved))
        replayed: dict[tuple[str, str], str] = {}
        for change in manager.changes()[0]:
            replayed[change.scope, change.key] = change.operation
        for place in self.items:
            if self.live(*place):
                assert replayed[place] == "save"


class LmdbModel(Model):
    """The same on disk, where reopening closes the files."""

    def open(self) -> Store:
        from llmspell.storage.lmdb import LmdbStore

        return LmdbStore(self.folder + "/store", sync=False)

    @rule()
    @precondition(lambda self: not self.levels)
    def reopen(self) -> None:
        self.store.close()
        self.store = self.open()
        self.managers = [self.manage(), self.manage()]


def budget(examples: int) -> settings:
    return settings(
        max_examples=examples, stateful_step_count=40, deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )  # fmt: skip


TestModelInMemory = Model.TestCase
TestModelInMemory.settings = budget(60)
TestModelOnDisk = LmdbModel.TestCase
TestModelOnDisk.settings = budget(25)
