"""Backups that older versions made are opened, validated and restored by every later one."""

import shutil
from pathlib import Path

import pytest

from llmspell.artifacts.artifacts import Artifacts
from llmspell.backup.backups import Backups
from llmspell.backup.secret import Secret
from llmspell.sessions.sessions import Sessions
from llmspell.state.manager import StateManager
from llmspell.storage.memory import MemoryStore

FIXTURES = Path(__file__).parent.parent / "formats" / "v1" / "backups"
FIRST = {
    **{("user:ann", f"key{number}"): {"number": number, "text": "straße", "bytes": b"\xff"} for number in range(5)},
    ("app", "short"): "later gone",
    ("app", "secret"): [1, 2.5, None, True],
}
SECOND = {key: value for key, value in FIRST.items() if key != ("user:ann", "key2")} | {
    ("user:ann", "key1"): "changed",
    ("new", "key"): 1,
}
CONTENTS = {
    "small": [FIRST],
    "gzip": [FIRST],
    "chain": [FIRST, SECOND],
    "encrypted": [FIRST, SECOND],
    "artifacts": [FIRST, SECOND],
}


def test_every_fixture_is_tested() -> None:
    assert {folder.name for folder in FIXTURES.iterdir()} == CONTENTS.keys()


@pytest.mark.parametrize("name", CONTENTS)
def test_a_backup_of_format_1_is_restored(name: str, tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / name, tmp_path / name)
    for number, wanted in enumerate(CONTENTS[name]):
        with MemoryStore() as store:
            state = StateManager(store, clock=lambda: 1_700_000_100_000_000)
            backups = Backups(state, str(tmp_path / name), ask_secret=lambda: Secret("correct horse battery staple"))
            made = backups.list()[::-1]
            assert len(made) == len(CONTENTS[name])
            assert made[0].description == name
            assert backups.validate(made[number].id, restore_test=True).errors == []
            backups.restore(made[number].id)
            found = {
                (scope, key): state.get(scope, key) for scope in state.list_scopes() for key in state.list_keys(scope)
            }
            assert found == wanted
            assert state.get("user:ann", "key1") == wanted["user:ann", "key1"]
            assert len(state.history("user:ann", "key1")) == number + 1
            assert state.version() == made[number].version


def test_artifacts_of_format_1_are_restored(tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "artifacts", tmp_path / "artifacts")
    wanted = [
        {"report.md": "# Report\n" * 2000, "gone.bin": bytes(range(256)) * 10},
        {"report.md": "# Report, again\n" * 2000},
    ]
    for number, contents in enumerate(wanted):
        with MemoryStore() as store:
            state = StateManager(store)
            backups = Backups(state, str(tmp_path / "artifacts"))
            backups.restore(backups.list()[::-1][number].id)
            sessions = Sessions(state, state)
            artifacts = Artifacts(sessions)
            (work,) = sessions.list()
            assert {name: artifacts.read(work.id, name) for name in contents} == contents
            assert {each.name for each in artifacts.list(work.id)} == contents.keys()
            assert artifacts.verify().problems == []
