"""SIGKILL while artifacts are stored, deleted, collected and put back to checkpoints: what had returned is there, no reference
is without its bytes, no bytes are lost that a reference needs, and everything counted is right.
"""

from pathlib import Path

import pytest

from llmspell.artifacts.artifacts import Artifacts
from llmspell.sessions.sessions import Sessions
from llmspell.state.manager import StateManager
from tests.artifacts.conftest import problems
from tests.crash.test_sigkill import rounds
from tests.crash.victim import Victim

MIX = """
import random, sys, threading
from llmspell import Artifacts, LlmspellError, Sessions, StateManager
from llmspell.sessions.policies import Policies

state = StateManager.with_backend("lmdb", path=sys.argv[1])
sessions = Sessions(state, state, policies=Policies(max_artifacts=10**6))
artifacts = Artifacts(sessions)
work = next((each.id for each in sessions.list()), None) or sessions.create(name="kill")
chance = random.Random()
# Few different contents, so that references to the same pieces come and go all the time.
contents = [bytes([seed]) * size for seed in range(4) for size in (10, 50_000, 131_000, 500_000)]
streams = [bytes([seed]) * 4_000_000 for seed in range(3)]


def collect():
    while True:
        artifacts.collect()


threading.Thread(target=collect, daemon=True).start()
while True:
    number = chance.randrange(10**9)
    step = chance.choice(["store", "store", "stream", "delete", "delete", "save", "load", "drop"])
    owned = artifacts.list(work)
    saved = sessions.checkpoints(work)
    if step == "store":
        data = chance.choice(contents)
        made = artifacts.store(work, "t", f"n{number % 5}", data, custom={"number": number}, tags=["x"])
        print("stored", made.sequence, number, data[0], len(data), flush=True)
    elif step == "stream":
        data = chance.choice(streams) + bytes([number % 256])
        blocks = (data[start:start + 700_000] for start in range(0, len(data), 700_000)) if number % 2 else [data] * 3
        made = artifacts.store_stream(work, "t", "stream", blocks, custom={"number": number})
        print("stored", made.sequence, number, data[0], made.size, flush=True)
    elif step == "delete" and owned:
        gone = chance.choice(owned)
        print("deleting", gone.sequence, flush=True)
        artifacts.delete(work, gone)
        print("deleted", gone.sequence, flush=True)
    elif step == "save" and len(saved) < 4:
        label = f"c{number}"
        print("saving", label, *[each.sequence for each in owned], flush=True)
        sessions.save(work, label=label)
        print("saved", label, flush=True)
    elif step == "load" and saved:
        label = chance.choice(saved).label
        print("loading", label, flush=True)
        sessions.load(work, checkpoint=label)
        print("loaded", label, flush=True)
    elif step == "drop" and saved:
        label = chance.choice(saved).label
        print("dropping", label, flush=True)
        sessions.delete_checkpoint(work, label)
        print("dropped", label, flush=True)
"""


class Expected:
    """What must be there, as the lines say that were printed: artifacts by sequence, and those of each checkpoint."""

    def __init__(self) -> None:
        self.there: set[int] = set()
        self.checkpoints: dict[str, set[int]] = {}
        self.begun: list[str] = []

    def follow(self, lines: list[str]) -> list[set[int]]:
        """Carry out what had returned. Gives what may be there now: the last step may have been done, or not."""
        begun: list[str] = []
        for line in lines:
            word, *rest = line.split()
            if word in ("deleting", "saving", "loading", "dropping"):
                begun = [word, *rest]
                continue
            if word == "stored":
                self.there.add(int(rest[0]))
            else:
                self.end(begun)
            begun = []
        before = set(self.there)
        if begun:
            self.begun = begun
            other = Expected()
            other.there, other.checkpoints = set(self.there), dict(self.checkpoints)
            other.end(begun)
            return [before, other.there]
        return [before]

    def end(self, begun: list[str]) -> None:
        word, *rest = begun
        if word == "deleting":
            self.there.discard(int(rest[0]))
        elif word == "saving":
            self.checkpoints[rest[0]] = {int(each) for each in rest[1:]}
        elif word == "loading":
            self.there = set(self.checkpoints[rest[0]])
        elif word == "dropping":
            self.checkpoints.pop(rest[0], None)


@pytest.mark.parametrize("count", rounds(2, 100))
def test_no_reference_is_without_its_bytes(tmp_path: Path, count: int) -> None:
    victim = Victim(tmp_path, MIX, "python")
    expected = Expected()
    for _ in range(count):
        possible = expected.follow(victim.kill(longest=0.6))
        state = victim.open()
        with state.store:
            check(state, expected, possible)


def check(state: StateManager, expected: Expected, possible: list[set[int]]) -> None:
    assert problems(state.store) == []
    sessions = Sessions(state, state)
    artifacts = Artifacts(sessions)
    work = sessions.list()[0].id
    assert artifacts.verify().problems == []
    owned = artifacts.list(work)
    there = {each.sequence for each in owned}
    # A store that was not told of may have been done all the same.
    assert any(there - each <= {max(there, default=0)} and each <= there for each in possible), (there, possible)
    for each in owned:
        data = artifacts.read(work, each)
        assert len(data) == each.size
        assert set(data[:-1] if each.name == "stream" else data) != set()
    found = sessions.get(work)
    assert (found.artifact_count, found.artifact_bytes) == (len(owned), sum(each.size for each in owned))
    artifacts.collect()
    assert problems(state.store) == []
    assert artifacts.collect(dry_run=True).pieces == 0
    # Every checkpoint can be gone back to, and has all that it had.
    kept = {each.label: each.id for each in sessions.checkpoints(work)}
    assert expected.checkpoints.keys() - {"?"} <= kept.keys() | unsure(expected)
    for label, checkpoint in kept.items():
        sessions.load(work, checkpoint=checkpoint)
        at_checkpoint = artifacts.list(work)
        if label in expected.checkpoints:
            assert {each.sequence for each in at_checkpoint} == expected.checkpoints[label]
        else:
            expected.checkpoints[label] = {each.sequence for each in at_checkpoint}
        for each in at_checkpoint:
            assert len(artifacts.read(work, each)) == each.size
    assert problems(state.store) == []
    expected.checkpoints = {label: expected.checkpoints[label] for label in kept}
    expected.there = {each.sequence for each in artifacts.list(work)}
    expected.begun = []


def unsure(expected: Expected) -> set[str]:
    """The checkpoint that was being dropped when the process was killed."""
    begun = expected.begun
    return {begun[1]} if begun and begun[0] == "dropping" else set()
