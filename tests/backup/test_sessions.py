"""Sessions and artifacts are in every backup, and an incremental one costs what they changed."""

from pathlib import Path
from random import Random

import pytest

from llmspell.artifacts.artifacts import Artifacts
from llmspell.sessions.sessions import Sessions
from llmspell.state.manager import StateManager
from llmspell.storage.lmdb import LmdbStore
from llmspell.storage.memory import MemoryStore
from tests.backup.conftest import Place, content


class Work:
    """A session with artifacts, in the state's store."""

    def __init__(self, state: StateManager) -> None:
        self.sessions = Sessions(state, state)
        self.artifacts = Artifacts(self.sessions)
        found = self.sessions.list()
        self.id = found[0].id if found else self.sessions.create(name="work")

    def store(self, name: str, data: bytes) -> None:
        self.artifacts.store(self.id, "tool_result", name, data)


def test_every_point_in_time_has_its_artifacts(place: Place) -> None:
    rng = Random(1)
    work = Work(place.state)
    made, contents = [], []
    for step in range(25):
        for _ in range(rng.randrange(4)):
            work.store(f"name{rng.randrange(6)}", rng.randbytes(rng.choice((10, 5000, 300_000))) * rng.randrange(1, 3))
        if step % 4 == 3:
            work.artifacts.delete(work.id, rng.choice(work.artifacts.list(work.id)).name)
        if step % 8 == 7:
            work.artifacts.collect()
        if step % 5 == 4:
            work.sessions.save(work.id)
        place.state.set("app", "step", step)
        made.append(place.backups.create("incremental"))
        contents.append(content(place.store, exactly=True))
    assert [each.layer for each in made] == ["complete"] + ["changes"] * 24
    for each, wanted in zip(made, contents, strict=True):
        assert place.backups.validate(each.id, restore_test=True).errors == []
        with MemoryStore() as memory:
            place.backups.restore(each.id, to=memory)
            assert content(memory, exactly=True) == wanted


def test_restoring_brings_back_what_was_deleted_and_collected(place: Place, tmp_path: Path) -> None:
    work = Work(place.state)
    data = Random(2).randbytes(500_000)
    work.store("report", data)
    made = place.backups.create()
    work.sessions.delete(work.id, force=True)
    assert work.artifacts.collect().pieces > 0 or not work.artifacts.query()
    place.backups.restore(made.id)
    back = Work(place.state)
    assert (back.id, back.artifacts.read(back.id, "report")) == (work.id, data)
    assert back.artifacts.verify().problems == []
    place.backups.restore(made.id, to=str(tmp_path / "elsewhere"))
    with LmdbStore(tmp_path / "elsewhere") as store:
        other = Work(StateManager(store))
        assert other.artifacts.read(work.id, "report") == data


@pytest.mark.parametrize("size", [1000, 200_000])
def test_a_change_beside_many_artifacts_costs_little(place: Place, size: int) -> None:
    work = Work(place.state)
    rng = Random(3)
    with place.state.transaction():
        for number in range(min(900, 20_000_000 // size)):
            work.store(f"name{number}", rng.randbytes(size))
    place.backups.create()
    place.state.set("app", "key", 1)
    made = place.backups.create("incremental")
    assert made.total_bytes < 65536
    work.store("one more", rng.randbytes(100))
    made = place.backups.create("incremental")
    assert made.total_bytes < 300_000
    assert place.backups.validate(made.id).errors == []
