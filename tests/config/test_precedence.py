"""Defaults < profile < file < environment < command line."""

import itertools

import pytest

from llmspell.config import profiles

from .conftest import Place

SOURCES = ("profile", "file", "environment", "command line")
VALUES = {"profile": 1, "file": 2, "environment": 3, "command line": 4}


@pytest.mark.parametrize("present", [c for n in range(5) for c in itertools.combinations(SOURCES, n)], ids=str)
def test_the_highest_source_that_says_something_wins(
    place: Place, monkeypatch: pytest.MonkeyPatch, present: tuple[str, ...]
) -> None:
    monkeypatch.setattr(profiles, "FOLDER", str(place.home))
    place.write("state.journal.keep_days = 1\n" if "profile" in present else "", "test.toml", place.home)
    path = place.write("state.journal.keep_days = 2\n" if "file" in present else "")
    config = place.load(
        path,
        profile="test",
        environ={"LLMSPELL_STATE__JOURNAL__KEEP_DAYS": "3"} if "environment" in present else {},
        overrides={"state.journal.keep_days": 4} if "command line" in present else None,
    )
    highest = [source for source in SOURCES if source in present][-1:]
    assert config.state.journal.keep_days == (VALUES[highest[0]] if highest else 30)
    assert config.is_given("state.journal.keep_days") == bool(present)
    origins = {
        "profile": "profile test:1",
        "file": f"{path}:1",
        "environment": "LLMSPELL_STATE__JOURNAL__KEEP_DAYS",
        "command line": "command line",
    }
    assert config.origin("state.journal.keep_days") == (origins[highest[0]] if highest else "default")


def test_sources_add_up_key_by_key(place: Place) -> None:
    config = place.text(
        "[state]\nmax_value_bytes = 7\n",
        profile="state-enabled",
        environ={"LLMSPELL_STATE__ENABLED": "true"},
        overrides={"state.path": "/x"},
    )
    assert config.state.backend == "disk"
    assert config.state.max_value_bytes == 7
    assert config.state.path == "/x"
    assert config.profile == "state-enabled"


def test_a_list_is_replaced_as_a_whole(place: Place) -> None:
    config = place.text(
        '[engines.lua]\npackage_paths = ["a", "b"]\n', environ={"LLMSPELL_ENGINES__LUA__PACKAGE_PATHS": "c"}
    )
    assert config.engines.lua.package_paths == ["c"]


def test_another_spelling_in_a_higher_source_wins_and_is_no_conflict(place: Place) -> None:
    config = place.text("[state]\nbackup_enabled = true\n", environ={"LLMSPELL_STATE__BACKUP__ENABLED": "false"})
    assert not config.state.backup.enabled
