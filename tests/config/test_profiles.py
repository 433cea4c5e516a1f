"""The shipped profiles, which are also the sample files in `configs/`."""

import re
from pathlib import Path

import pytest

from llmspell.config import Config
from llmspell.config.layer import CATALOGUE
from llmspell.config.profiles import FOLDER, profile_names, profile_text
from llmspell.errors import ConfigError, NotEnabled

from .conftest import Place

CONFIGS = Path(__file__).parents[2] / "configs"
NAMES = profile_names()


def test_the_samples_that_were_promised_are_there() -> None:
    promised = "minimal state-enabled migration-enabled backup-enabled session-enabled secure fast postgres full"
    assert set(promised.split()) <= set(NAMES)


def test_the_samples_are_the_profiles_and_are_not_written_twice() -> None:
    assert CONFIGS.resolve() == Path(FOLDER).resolve()


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_loads_by_path_and_by_name(place: Place, name: str) -> None:
    by_path = place.load(str(CONFIGS / f"{name}.toml"), allow_unbuilt=True)
    by_name = place.load(profile=name, allow_unbuilt=True)
    assert [str(row) for row in by_path.show()] == [str(row) for row in by_name.show()]
    assert by_path.notices == []
    assert by_name.source is None


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_runs_or_says_what_is_not_there_yet(place: Place, name: str) -> None:
    unbuilt = place.load(profile=name, allow_unbuilt=True).unbuilt()
    if unbuilt:
        with pytest.raises(NotEnabled, match=f"^{re.escape(unbuilt[0])}$"):
            place.load(profile=name)
    else:
        place.load(profile=name)


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("minimal", "state.backend", "memory"),
        ("state-enabled", "state.backend", "disk"),
        ("state-enabled", "state.path", "./llmspell_state"),
        ("migration-enabled", "state.migration.enabled", True),
        ("backup-enabled", "state.backup.enabled", True),
        ("session-enabled", "runtime.sessions.enabled", True),
        ("secure", "state.security.encryption_enabled", True),
        ("secure", "state.security.access_control_enabled", True),
        ("fast", "state.flush_every_ms", 50),
        ("postgres", "state.backend", "postgres"),
    ],
)
def test_a_sample_does_what_its_name_says(place: Place, name: str, key: str, value: object) -> None:
    assert place.load(profile=name, allow_unbuilt=True).get(key) == value


@pytest.mark.parametrize("name", ["minimal", "state-enabled", "fast", "full"])
def test_the_samples_of_what_is_there_from_the_start_run(place: Place, name: str) -> None:
    place.load(profile=name)


def test_the_full_sample_changes_nothing(place: Place) -> None:
    config = place.load(profile="full")
    for key in CATALOGUE.settings:
        assert config.get(key) == Config([]).get(key)


def test_the_full_sample_has_every_key_and_its_examples_load(place: Place) -> None:
    text = re.sub(r"^# (?=\[\[|\S+ += )", "", profile_text("full"), flags=re.MULTILINE)
    config = place.text(text, allow_unbuilt=True)
    assert [key for key in CATALOGUE.settings if not config.is_given(key)] == []
    assert config.state.classes
    assert config.state.access


@pytest.mark.parametrize("name", ["nope", "", ".", "../profiles/fast", "fast.toml", "/etc/passwd", "a\0b", "Fast", "-"])
def test_an_unknown_profile_is_an_error_that_lists_them(place: Place, name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        place.load(profile=name)
    assert str(caught.value) == f"there is no profile {name!r}; the profiles are {', '.join(NAMES)}"
    assert caught.value.exit_status == 3


def test_a_mistake_in_a_profile_would_name_the_profile(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from llmspell.config import profiles

    monkeypatch.setattr(profiles, "FOLDER", str(place.work))
    place.write("\nx = 1", "test.toml")
    with pytest.raises(ConfigError, match=r"^profile test:2: there is no key x"):
        place.load(profile="test")
