"""SIGKILL at random moments: every document is exactly old or exactly new, and going on ends as if nothing had happened."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from llmspell.migration.engine import Migrations
from llmspell.state.manager import StateManager
from llmspell.storage.check import check
from llmspell.storage.lmdb import LmdbStore
from tests.migration.conftest import V1, V2, picture, setup, to

ROOT = Path(__file__).parents[2]
DOCUMENTS = 3000
ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}


def make(path: Path) -> None:
    """A store with documents of the first version, and both versions registered."""
    with LmdbStore(path) as store:
        migrations = setup(store)
        with migrations.manager.transaction():
            for number in range(DOCUMENTS):
                value = {"user_id": f"u{number}", "lang": "de", "age": number % 100}
                migrations.manager.set(f"user:{number % 7}", f"profile{number:05}", value)
            migrations.manager.set("other", "profile", {"lang": "de"})
        migrations.register(V1)
        migrations.register(V2)


def payloads(store: LmdbStore) -> dict[bytes, tuple[bytes, bytes]]:
    """Schema version and payload of every record: what does not depend on when it was written."""
    return {key: (value[2:8], value[40:-4]) for key, value in picture(store, b"s").items()}


def kill(path: Path, action: str, moment: float) -> bool:
    """Run the action and kill it so long after it has begun; whether it had ended before."""
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("victim.py")), str(path), action],
        stdout=subprocess.PIPE, env=ENVIRONMENT,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(moment)
        process.kill()
        rest = process.stdout.read()
    # A process may be killed between its last commit and telling of it: then the next one has nothing left to do.
    ended = (b"completed", b"rolled_back", b"already_current", b"there is no migration to roll back")
    assert b"failed" not in rest or ended[-1] in rest, rest
    return any(word in rest for word in ended)


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory) -> dict[bytes, tuple[bytes, bytes]]:
    """What an undisturbed migration makes of the documents."""
    path = tmp_path_factory.mktemp("undisturbed")
    make(path)
    with LmdbStore(path) as store:
        assert setup(store).migrate(to(2)).migrated == DOCUMENTS
        return payloads(store)


def rounds(short: int, long: int) -> list[object]:
    """A short sample in every run, the long one under `make test-crash`."""
    return [pytest.param(short, id=str(short)), pytest.param(long, id=str(long), marks=pytest.mark.crash)]


@pytest.mark.parametrize("count", rounds(4, 100))
def test_a_killed_migration_is_resumed_to_what_an_undisturbed_one_gives(
    tmp_path: Path, count: int, after: dict[bytes, tuple[bytes, bytes]]
) -> None:
    chance = random.Random(count)
    kills = attempt = 0
    while kills < count:
        attempt += 1
        path = tmp_path / str(attempt)
        make(path)
        with LmdbStore(path) as store:
            old, before = payloads(store), picture(store)
        while not kill(path, "migrate", chance.uniform(0, 0.12)):
            kills += 1
            with LmdbStore(path) as store:
                assert check(store).problems == []
                now = payloads(store)
                assert now.keys() == old.keys()
                assert all(found in (old[key], after[key]) for key, found in now.items())
            if chance.random() < 0.3:
                while not kill(path, "rollback", chance.uniform(0, 0.1)):
                    kills += 1
                with LmdbStore(path) as store:
                    assert picture(store) == before
        with LmdbStore(path) as store:
            assert payloads(store) == after
            migrations = setup(store)
            assert (migrations.status()["unfinished"], migrations.status()["current_version"]) == (None, "2.0.0")
            assert migrations.rollback().migrated == DOCUMENTS
            assert picture(store) == before


def test_a_migration_whose_process_was_killed_keeps_nobody_waiting(tmp_path: Path) -> None:
    make(tmp_path / "store")
    program = (
        "import os, signal, sys\nfrom llmspell.migration.lease import Lease\nfrom llmspell.storage.lmdb import LmdbStore\n"
        "store = LmdbStore(sys.argv[1])\nLease(store, lambda: 10**18).__enter__()\nprint('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "store")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT,
    ) as holder:  # fmt: skip
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with StateManager.with_backend("lmdb", path=tmp_path / "store") as manager:
            migrations = Migrations(manager)
            refused = migrations.migrate(to(2))
            assert (refused.code, f"process {holder.pid}" in str(refused.error)) == ("storage_busy", True)
            holder.kill()
            holder.wait()
            assert migrations.migrate(to(2)).migrated == DOCUMENTS
