"""Export and import of sessions: everything comes along, and a file that is not what it says changes nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmspell import values
from llmspell.errors import BadArgument, Conflict, Corrupt, LimitExceeded, LlmspellError, NotFound
from llmspell.sessions import archive
from llmspell.sessions.archive import CHECKPOINT, DETAILS, ENTRY, VALUE
from llmspell.sessions.policies import Policies
from llmspell.sessions.sessions import Sessions
from llmspell.sessions.transfer import export, import_
from llmspell.state.manager import StateManager
from llmspell.storage.memory import MemoryStore
from tests.state.conftest import Clock

from .conftest import everything, problems, scope
from .test_timeline import execution


def fill(sessions: Sessions, state: StateManager, clock: Clock) -> str:
    """A session with a past: values that came, changed and went between its checkpoints."""
    work = sessions.create(name="report", tags=["a"], metadata={"step": 0}, max_artifacts=7)
    sessions.set_current(work)
    for turn in range(6):
        clock.advance(1)
        state.set(scope(work), "changing", turn)
        state.set(scope(work), f"turn{turn}", "x" * turn, ttl=1000 if turn == 4 else None)
        if turn == 3:
            state.delete(scope(work), "turn1")
            sessions.update(work, name="later", metadata={"step": 3})
        sessions.record_execution(execution(turn, clock()))
        sessions.save(work, label=f"l{turn}")
    state.set(scope(work), "turn1", "again")
    state.set("global", "elsewhere", 1)
    sessions.set_current(None)
    return work


def told(sessions: Sessions, state: StateManager, work: str) -> list[Any]:
    """Everything that there is to know of a session, without ids and versions."""
    entries = [
        (entry.seq, entry.at, entry.kind, {name: value for name, value in entry.data.items() if name not in ("scope", "version")})
        for entry in sessions.timeline(work)
    ]  # fmt: skip
    found = sessions.get(work)
    seen: list[Any] = [entries, [each.label for each in sessions.checkpoints(work)]]
    seen.append((found.name, found.tags, found.metadata, found.limits, found.operation_count, found.checkpoint_count))
    seen.append([(each.seq, each.execution.hook) for each in sessions.executions(work)])
    seen.append(state.items(scope(work)))
    for point in sessions.checkpoints(work):
        sessions.load(work, checkpoint=point.id)
        seen.append((point.label, sessions.get(work).name, state.items(scope(work))))
    return seen


@pytest.mark.parametrize("separate", [False, True], ids=["into shared", "into separate"])
def test_everything_comes_along(
    sessions: Sessions, state: StateManager, clock: Clock, tmp_path: Path, separate: bool
) -> None:
    work = fill(sessions, state, clock)
    export(sessions, work, str(tmp_path / "session"))
    other_state = StateManager(MemoryStore(), clock=clock)
    for number in range(30):
        other_state.set("global", "busy", number)
    other = Sessions(StateManager(MemoryStore(), clock=clock) if separate else other_state, other_state)
    assert import_(other, str(tmp_path / "session")) == work
    assert problems(other.home.store) == []
    copy = import_(other, str(tmp_path / "session"), as_new=True)
    assert copy != work
    other.delete(work, force=True)
    assert problems(other.home.store) == []
    assert told(other, other_state, copy) == told(sessions, state, work)
    assert problems(other.home.store) == []
    again = other.save(copy)
    other_state.set(scope(copy), "changing", "after")
    other.load(copy, checkpoint=again.id)


def test_an_export_that_cannot_be_written_leaves_nothing(sessions: Sessions, tmp_path: Path) -> None:
    work, folder = sessions.create(), tmp_path / "exports"
    folder.mkdir()
    with pytest.raises(NotFound):
        export(sessions, "nobody", str(folder / "session"))
    with pytest.raises(BadArgument):
        export(sessions, work, str(folder / "no" / "folder"))
    with pytest.raises(BadArgument):
        import_(sessions, str(folder / "nothing"))
    assert list(folder.iterdir()) == []


@pytest.fixture
def exported(sessions: Sessions, state: StateManager, clock: Clock, tmp_path: Path) -> Path:
    path = tmp_path / "session"
    export(sessions, fill(sessions, state, clock), str(path))
    return path


@pytest.fixture
def empty(clock: Clock) -> Sessions:
    state = StateManager(MemoryStore(), clock=clock)
    return Sessions(state, state, policies=Policies(max_sessions=1))


def test_a_session_that_is_there_or_does_not_fit_is_refused(empty: Sessions, exported: Path) -> None:
    import_(empty, str(exported))
    before = everything(empty.home.store)
    with pytest.raises(Conflict):
        import_(empty, str(exported))
    with pytest.raises(LimitExceeded):
        import_(empty, str(exported), as_new=True)
    with empty.home.transaction(), pytest.raises(BadArgument, match="within a transaction"):
        import_(empty, str(exported))
    assert everything(empty.home.store) == before


def test_every_cut_and_flipped_byte_is_found(empty: Sessions, exported: Path, tmp_path: Path) -> None:
    whole = exported.read_bytes()
    broken = tmp_path / "broken"
    before = everything(empty.home.store)
    for place in range(0, len(whole), max(1, len(whole) // 120)):
        for data in (whole[:place], whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :]):
            broken.write_bytes(data)
            with pytest.raises(Corrupt):
                import_(empty, str(broken))
    broken.write_bytes(whole + b"more")
    assert everything(empty.home.store) == before


def forge(path: Path, frames: list[tuple[int, bytes]]) -> None:
    path.unlink(missing_ok=True)
    with archive.Writer(str(path), lambda _: None) as out:
        for kind, body in frames:
            out.add(kind, body)


Change = Callable[[dict[str, Any]], object]
FORGERIES: dict[str, tuple[int, Change]] = {
    "id of nobody": (DETAILS, lambda told: told.update(id="../../etc") if "id" in told else None),
    "no status": (DETAILS, lambda told: told.pop("status")),
    "odd status": (DETAILS, lambda told: told.update(status="immortal")),
    "name that is no text": (DETAILS, lambda told: told.update(name=5)),
    "name of many lines": (DETAILS, lambda told: told.update(name="a\nb")),
    "unknown field": (DETAILS, lambda told: told.update(root=True)),
    "negative limit": (DETAILS, lambda told: told.update(max_artifacts=-1)),
    "more checkpoints than there are": (DETAILS, lambda told: told.update(checkpoints=9) if "id" in told else None),
    "endless checkpoints": (DETAILS, lambda told: told.update(checkpoints=2**40) if "id" in told else None),
    "places that overlap": (DETAILS, lambda told: told.update(first=0)),
    "no counters": (DETAILS, lambda told: told.update(usage=None) if "id" in told else None),
    "odd parent": (DETAILS, lambda told: told.update(parent=b"\0")),
    "checkpoint without an id": (CHECKPOINT, lambda told: told.pop("id")),
    "label of bytes": (CHECKPOINT, lambda told: told.update(label=b"x")),
    "key with a control character": (VALUE, lambda told: told.update(key="a\0b")),
    "reserved key": (VALUE, lambda told: told.update(key="__x")),
    "key that is too long": (VALUE, lambda told: told.update(key="k" * 300)),
    "place after the present": (VALUE, lambda told: told.update(last=1000)),
    "values out of order": (VALUE, lambda told: told.update(first=0, last=0)),
    "ephemeral value": (VALUE, lambda told: told.update({"class": 1})),
    "sensitive value": (VALUE, lambda told: told.update({"class": 4})),
    "payload that is none": (VALUE, lambda told: told.update(payload=b"\xc1\xc1")),
    "payload that is text": (VALUE, lambda told: told.update(payload="text")),
    "time out of range": (VALUE, lambda told: told.update(created_at=2**62)),
    "schema of letters": (VALUE, lambda told: told.update(schema=["a", 0, 0])),
    "entry beyond the last": (ENTRY, lambda told: told.update(seq=10**6)),
    "entries out of order": (ENTRY, lambda told: told.update(seq=1)),
    "unknown kind": (ENTRY, lambda told: told.update(kind="session.hacked")),
    "entry that claims another kind": (ENTRY, lambda told: told["data"].update(kind="x")),
}  # fmt: skip


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_file_changes_nothing(empty: Sessions, exported: Path, tmp_path: Path, forgery: str) -> None:
    wanted, change = FORGERIES[forgery]
    frames = list(archive.read(str(exported), lambda _: None))
    forged = []
    for kind, body in frames:
        if kind == wanted:
            fields = values.decode(body)
            change(fields)
            body = values.encode(fields)
        forged.append((kind, body))
    assert forged != frames
    forge(tmp_path / "forged", forged)
    before = everything(empty.home.store)
    with pytest.raises(LlmspellError) as caught:
        import_(empty, str(tmp_path / "forged"))
    assert caught.value.code in ("corrupt", "bad_argument", "not_enabled")
    assert everything(empty.home.store) == before


def test_frames_that_are_missing_doubled_or_swapped_change_nothing(
    empty: Sessions, exported: Path, tmp_path: Path
) -> None:
    frames = list(archive.read(str(exported), lambda _: None))
    before = everything(empty.home.store)
    variants = [[], frames[1:], frames[:2], list(reversed(frames)), [*frames, frames[0]], [*frames, (99, b"")]]
    variants += [frames[:at] + frames[at + 1 :] for at, (kind, _) in enumerate(frames) if kind in (DETAILS, CHECKPOINT)]
    variants += [
        [*frames[:at], frames[at], *frames[at:]] for at, (kind, _) in enumerate(frames) if kind in (VALUE, ENTRY)
    ]
    for variant in variants:
        forge(tmp_path / "forged", variant)
        with pytest.raises((Corrupt, BadArgument)):
            import_(empty, str(tmp_path / "forged"))
    assert everything(empty.home.store) == before


def test_a_file_that_unpacks_without_end_is_refused(empty: Sessions, tmp_path: Path) -> None:
    import zstandard

    bomb = zstandard.ZstdCompressor().compress(b"\1\xff\xff\xff\xff" + bytes(50_000_000))
    (tmp_path / "bomb").write_bytes(archive.MARK + bomb)
    with pytest.raises(Corrupt):
        import_(empty, str(tmp_path / "bomb"))
