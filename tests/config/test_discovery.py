"""Which file is loaded, when several could be."""

import os
from pathlib import Path

import pytest

from llmspell.config import load
from llmspell.errors import ConfigError

from .conftest import Place


def marked(number: int) -> str:
    return f"[state]\nmax_value_bytes = {number}\n"


def test_the_first_of_the_known_places_is_loaded(place: Place, tmp_path: Path) -> None:
    user = tmp_path / "xdg"
    files = [
        place.write(marked(1), "llmspell.toml"),
        place.write(marked(2), ".llmspell.toml"),
        place.write(marked(3), "llmspell/config.toml", user),
        place.write(marked(4), ".llmspell/config.toml", place.home),
    ]
    for number, file in enumerate(files, 1):
        config = place.load(environ={"XDG_CONFIG_HOME": str(user)})
        assert config.state.max_value_bytes == number
        assert config.source == file
        os.unlink(file)
    assert place.load(environ={"XDG_CONFIG_HOME": str(user)}).source is None


@pytest.mark.parametrize("user", ["", "relative"])
def test_without_a_usable_folder_of_the_user_it_is_below_home(place: Place, user: str) -> None:
    file = place.write(marked(5), ".config/llmspell/config.toml", place.home)
    assert place.load(environ={"XDG_CONFIG_HOME": user}).source == file


def test_a_named_file_hides_the_known_places(place: Place) -> None:
    place.write(marked(1))
    named = place.write(marked(2), "named.toml")
    other = place.write(marked(3), "other.toml")
    assert place.load(environ={"LLMSPELL_CONFIG": named}).source == named
    assert place.load("other.toml", environ={"LLMSPELL_CONFIG": named}).source == other


def test_a_missing_file_of_the_environment_is_an_error_that_says_so(place: Place) -> None:
    place.write(marked(1))
    with pytest.raises(ConfigError, match=r"there is no configuration file /none/x\.toml") as caught:
        place.load(environ={"LLMSPELL_CONFIG": "/none/x.toml"})
    assert caught.value.hint == "LLMSPELL_CONFIG names it"


def test_a_relative_name_in_the_environment_is_relative_to_the_working_directory(place: Place) -> None:
    place.write(marked(2), "named.toml")
    assert place.load(environ={"LLMSPELL_CONFIG": "named.toml"}).state.max_value_bytes == 2


def test_a_known_place_that_cannot_be_read_is_an_error_and_is_not_passed_over(place: Place) -> None:
    place.write(marked(4), ".llmspell/config.toml", place.home)
    (place.work / "llmspell.toml").symlink_to("nowhere")
    with pytest.raises(ConfigError, match=r"there is no configuration file .*llmspell\.toml"):
        place.load()
    (place.work / "llmspell.toml").unlink()
    (place.work / "llmspell.toml").mkdir()
    with pytest.raises(ConfigError, match="is a folder"):
        place.load()


def test_the_working_directory_is_the_process_s_own_unless_said(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write(marked(1))
    monkeypatch.chdir(place.work)
    assert load(environ=place.environ).source == "llmspell.toml"


def test_without_a_home_only_the_working_directory_counts(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place.work)
    assert load(environ={}).source is None


def test_a_path_in_a_file_is_left_relative(place: Place) -> None:
    file = place.write("[state]\npath = './here'\n", "sub/llmspell.toml")
    assert place.load(file).state.path == "./here"
