"""Retention: what goes, what stays and why, and a dry run that changes nothing."""

from pathlib import Path
from typing import Any

import pytest

from llmspell.backup.retention import Policy, decide
from tests.backup.conftest import DAY, Place, write_later_format

HOUR = DAY // 24


class Backup:
    """As much of a manifest as a decision looks at."""

    def __init__(self, number: int, age: float, parent: int | None = None) -> None:
        self.id = str(number)
        self.created_at = 1000 * DAY - round(age)
        self.parent = None if parent is None else str(parent)
        self.sources: list[str] = []


def kept(backups: list[Any], valid: set[str] | None = None, **policy: Any) -> list[int]:
    settings = {"retention_days": 0, "min_backups": 0, **policy}
    decisions = decide(backups, Policy(**settings), 1000 * DAY, lambda each: valid is None or each.id in valid, [])
    assert [each.manifest for each in decisions] == backups
    assert all(each.reason for each in decisions)
    return [int(each.manifest.id) for each in decisions if each.keep]


DAILY = [Backup(number, number * DAY) for number in range(60)]


def test_without_limits_everything_stays() -> None:
    assert kept(DAILY) == list(range(60))


def test_more_than_the_maximum_goes_from_the_oldest() -> None:
    assert kept(DAILY, max_backups=3) == [0, 1, 2]


def test_older_than_the_days_goes() -> None:
    assert kept(DAILY, retention_days=2.5) == [0, 1, 2]


def test_the_minimum_stays_whatever_its_age() -> None:
    assert kept([Backup(0, 90 * DAY), Backup(1, 91 * DAY), Backup(2, 92 * DAY)], retention_days=30, min_backups=2) == [
        0,
        1,
    ]


def test_keep_rules_keep_the_newest_of_each_time() -> None:
    hourly = [Backup(number, number * HOUR // 2) for number in range(200)]
    assert kept(hourly, max_backups=1, keep_hourly=3) == [0, 1, 3]
    assert len(kept(hourly, max_backups=1, keep_daily=4)) == 4
    assert kept(DAILY, max_backups=1, keep_weekly=3) == [0, *[n for n in range(1, 20) if (1000 - n + 3) % 7 == 6][:2]]
    assert len(kept(DAILY, max_backups=1, keep_monthly=12)) == 3


def test_what_is_built_on_stays() -> None:
    chain = [Backup(0, 0, 1), Backup(1, 50 * DAY, 2), Backup(2, 90 * DAY), Backup(3, 91 * DAY)]
    assert kept(chain, retention_days=30) == [0, 1, 2]
    chain[0].sources = ["3"]
    assert kept(chain, retention_days=30) == [0, 1, 2, 3]


def test_the_last_valid_backup_stays_with_what_it_needs() -> None:
    chain = [Backup(0, 0), Backup(1, 50 * DAY), Backup(2, 60 * DAY, 3), Backup(3, 90 * DAY), Backup(4, 95 * DAY)]
    assert kept(chain, valid={"2", "3", "4"}, retention_days=30) == [0, 2, 3]
    assert kept(chain, valid=set(), retention_days=30) == [0]
    assert kept(chain, valid={"4"}, retention_days=1, max_backups=0) == [0, 4]


def test_a_dry_run_decides_the_same_and_removes_nothing(place: Place) -> None:
    for _ in range(6):
        place.state.set("a", "key", _)
        place.backups.create()
        place.clock.now += DAY
    backups = place.use(policy=Policy(max_backups=2))
    (place.path / "01a1fbc6-7b77-72f8-81d0-52c653a52904.pack").write_bytes(b"debris")
    files = place.files()
    told = backups.cleanup(dry_run=True)
    assert place.files() == files
    done = backups.cleanup()
    assert [(each.keep, each.reason) for each in told.decisions] == [
        (each.keep, each.reason) for each in done.decisions
    ]
    assert (told.freed, told.deleted) == (done.freed, done.deleted)
    assert (done.deleted, len(backups.list())) == (4, 2)
    assert done.freed == sum(map(len, files.values())) - sum(map(len, place.files().values()))


def test_the_last_valid_backup_is_found_by_reading_it(place: Place) -> None:
    place.state.set("a", "key", 1)
    sound = place.backups.create()
    damaged = place.backups.create()
    pack = Path(place.backups.folder.pack_path(damaged.id))
    data = bytearray(pack.read_bytes())
    data[70] ^= 1
    pack.write_bytes(data)
    cleaned = place.use(policy=Policy(max_backups=1)).cleanup()
    assert [(each.manifest.id, each.keep) for each in cleaned.decisions] == [(damaged.id, True), (sound.id, True)]
    assert cleaned.decisions[1].reason == "the last valid backup"


def test_making_a_backup_cleans_up_only_when_told_to(place: Place) -> None:
    policy = Policy(max_backups=1)
    for _ in range(3):
        place.use(policy=policy).create()
    assert len(place.backups.list()) == 3
    place.use(policy=policy, auto_cleanup=True).create()
    assert len(place.backups.list()) == 1


def test_usage_counts_every_byte(place: Place) -> None:
    empty = place.backups.usage()
    assert (empty.count, empty.total, empty.oldest, empty.newest) == (0, 0, None, None)
    first = place.backups.create()
    place.state.set("a", "key", 1)
    second = place.backups.create("incremental")
    usage = place.backups.usage()
    assert (usage.count, usage.full, usage.incremental) == (2, 1, 1)
    assert (usage.oldest, usage.newest) == (first.created_at, second.created_at)
    assert usage.total == sum(map(len, place.files().values())) <= usage.stored


@pytest.mark.parametrize("limit", [None, 0, 1, 5])
def test_the_list_is_newest_first_also_within_one_moment(place: Place, limit: int | None) -> None:
    state = place.state
    state.clock = lambda: 1_700_000_000_000_000
    made = [place.backups.create().id for _ in range(3)]
    assert [each.id for each in place.backups.list(limit)] == made[::-1][:limit]


def test_a_clock_that_steps_back_does_not_make_the_newest_backup_the_oldest(place: Place) -> None:
    earlier = [place.backups.create().id for _ in range(2)]
    place.clock.now -= DAY
    backups = place.use(policy=Policy(max_backups=2), auto_cleanup=True)
    place.state.set("a", "key", 1)
    made = backups.create("incremental")
    assert made.parent == earlier[1]
    assert [each.id for each in backups.list()] == [made.id, earlier[1]]


def test_what_a_backup_with_a_damaged_manifest_builds_on_stays(place: Place) -> None:
    base = place.backups.create()
    place.state.set("a", "key", 1)
    hidden = place.backups.create("incremental")
    path = Path(place.backups.folder.manifest_path(hidden.id))
    path.write_bytes(path.read_bytes()[:-1])
    for _ in range(2):
        place.clock.now += DAY
        last = place.backups.create()
    cleaned = place.use(policy=Policy(max_backups=1)).cleanup()
    assert {each.manifest.id: each.reason for each in cleaned.decisions if each.keep} == {
        last.id: "within the limits",
        base.id: f"{hidden.id} builds on it",
    }
    assert len(cleaned.warnings) == 1
    place.backups.restore(hidden.id, salvage=True)
    assert place.state.get("a", "key") == 1


def test_nothing_goes_while_a_backup_of_a_later_version_may_need_it(place: Place) -> None:
    made = [place.backups.create().id for _ in range(3)]
    write_later_format(Path(place.backups.folder.manifest_path(made[0])))
    backups = place.use(policy=Policy(max_backups=1))
    cleaned = backups.cleanup()
    assert cleaned.deleted == 0
    assert "a later version" in cleaned.warnings[0]
    assert [each.id for each in backups.list()] == [made[2], made[1]]
