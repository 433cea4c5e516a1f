"""What is not built yet may stand in a file, and is refused when it is switched on."""

from typing import Any

import pytest

from llmspell.config.environment import variable
from llmspell.config.layer import CATALOGUE
from llmspell.config.not_built import NOT_BUILT
from llmspell.config.wording import toml_value
from llmspell.errors import NotEnabled

from .conftest import Place


@pytest.fixture(autouse=True)
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table as it is, and three lines that will never be deleted."""
    monkeypatch.setitem(NOT_BUILT, "state.journal.enabled", "journal")
    monkeypatch.setitem(NOT_BUILT, "engines.lua.package_paths", "packages")
    monkeypatch.setitem(NOT_BUILT, "engines.lua.stdlib=full", "full library")


def switched_on(entry: str) -> tuple[str, Any]:
    key, _, value = entry.partition("=")
    setting = CATALOGUE.settings[key]
    if value:
        return key, value
    if setting.item is not None:
        return key, [{name: item.example for name, item in setting.item.SETTINGS.items()}]
    return key, setting.example if setting.example is not None else True


def test_every_line_of_the_table_is_refused_when_it_is_switched_on(place: Place) -> None:
    for entry, lack in NOT_BUILT.items():
        key, value = switched_on(entry)
        path = place.write(f"\n{key} = {toml_value(value)}\n")
        with pytest.raises(NotEnabled) as caught:
            place.load(path)
        section, _, name = key.rpartition(".")
        assert str(caught.value).startswith(f"{path}:2: [{section}] {name} is ")
        assert str(caught.value).endswith(f", but this version has no {lack} yet")
        assert caught.value.exit_status == 3
        assert caught.value.hint


def test_the_sentence_says_how_it_was_switched_on(place: Place) -> None:
    said = place.text(
        "[engines.lua]\nstdlib = 'full'\npackage_paths = ['x']\n[state.journal]\nenabled = true\n", allow_unbuilt=True
    ).unbuilt()
    path = place.work / "llmspell.toml"
    assert said == [
        f'{path}:2: [engines.lua] stdlib is "full", but this version has no full library yet',
        f"{path}:3: [engines.lua] package_paths is given, but this version has no packages yet",
        f"{path}:5: [state.journal] enabled is on, but this version has no journal yet",
    ]


def test_what_is_off_or_empty_is_not_refused(place: Place) -> None:
    place.text("[engines.lua]\nstdlib = 'safe'\npackage_paths = []\n[state.journal]\nenabled = false\n")


def test_a_default_that_is_on_is_not_refused(place: Place) -> None:
    assert place.load().state.journal.enabled


def test_a_higher_source_may_switch_it_off_again(place: Place) -> None:
    path = place.write("[state.journal]\nenabled = true\n")
    place.load(path, overrides={"state.journal.enabled": False})


def test_the_refusal_names_a_variable_or_the_command_line(place: Place) -> None:
    name = variable("state.journal.enabled")
    with pytest.raises(NotEnabled, match=rf"^{name}: \[state\.journal\] enabled is on"):
        place.load(environ={name: "1"})
    with pytest.raises(NotEnabled, match=r"^command line: \[state\.journal\] enabled is on"):
        place.load(overrides={"state.journal.enabled": True})


def test_an_old_spelling_is_refused_under_its_main_name(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NOT_BUILT, "state.backup.enabled", "backups")
    with pytest.raises(NotEnabled, match=r":2: \[state\.backup\] enabled is on, but this version has no backups yet"):
        place.text("[state]\nbackup_enabled = true\n")
