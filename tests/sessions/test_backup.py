"""Checkpoints survive backups: full, incremental, of one scope, also when the journal has let go of what they need."""

from pathlib import Path

import pytest

from llmspell.backup.backups import Backups
from llmspell.errors import EncryptionError
from llmspell.sessions.sessions import Sessions
from llmspell.state.journal import DAY, JournalPolicy
from llmspell.state.manager import StateManager
from llmspell.storage.lmdb import LmdbStore
from llmspell.storage.memory import MemoryStore
from tests.state.conftest import Clock

from .conftest import problems, scope


def no_secret() -> "object":
    raise EncryptionError("there is no key")


@pytest.mark.parametrize("journal", [True, False], ids=["journal", "no journal"])
def test_checkpoints_survive_incremental_backups(tmp_path: Path, clock: Clock, journal: bool) -> None:
    policy = JournalPolicy(enabled=journal, keep_days=1)
    with LmdbStore(tmp_path / "store", sync=False) as store:
        state = StateManager(store, clock=clock, journal=policy)
        sessions = Sessions(state, state)
        backups = Backups(state, str(tmp_path / "backups"), ask_secret=no_secret)  # type: ignore[arg-type]
        work = sessions.create(name="one", max_idle_time=0)
        held = []
        last = backups.create()
        for step in range(4):
            state.set(scope(work), "n", step)
            state.set(scope(work), f"k{step}", step)
            held.append((sessions.save(work).id, state.items(scope(work))))
            state.set(scope(work), "n", "between")
            state.delete(scope(work), f"k{step}")
            clock.advance(2 * DAY / 1_000_000)
            if journal:
                state.compact()
            last = backups.create("incremental")
        assert problems(store) == []
        with MemoryStore() as restored:
            backups.restore(last.id, to=restored)
            assert problems(restored) == []
            again = StateManager(restored, clock=clock, journal=policy)
            loaded = Sessions(again, again)
            for checkpoint, items in held:
                loaded.load(work, checkpoint=checkpoint)
                assert again.items(scope(work)) == items


def test_restoring_one_scope_leaves_the_checkpoints(tmp_path: Path, clock: Clock) -> None:
    with LmdbStore(tmp_path / "store", sync=False) as store:
        state = StateManager(store, clock=clock)
        sessions = Sessions(state, state)
        backups = Backups(state, str(tmp_path / "backups"), ask_secret=no_secret)  # type: ignore[arg-type]
        work = sessions.create()
        state.set(scope(work), "n", 1)
        made = backups.create()
        state.set(scope(work), "n", 2)
        point = sessions.save(work)
        state.set(scope(work), "n", 3)
        backups.restore(made.id, scope=scope(work))
        assert state.get(scope(work), "n") == 1
        sessions.load(work, checkpoint=point.id)
        assert state.get(scope(work), "n") == 2
        assert problems(store) == []
