"""The cache changes how long a load takes, and nothing else."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from llmspell.config import Config, cache, parse
from llmspell.config.layer import CATALOGUE
from llmspell.errors import ConfigError

from .conftest import Place

TEXT = "[state]\npath = 'truth'\nbackup_enabled = false\n[runtime]\nenable_streaming = true\n"


def facts(config: Config) -> list[object]:
    return [[str(row), row.origin, config.is_given(row.key)] for row in config.show()] + [config.notices, config.source]


def plant(place: Place, path: str, text: str = TEXT) -> Path:
    """A cache file for `path` that says something else than the text, to see whether it is used."""
    slot = cache.Slot(path, place.environ)
    slot.remember(text.encode(), {"state": {"path": "cached"}}, {"state": 1, "state.path": 2})
    return place.cache / slot.name


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What the parser was given."""
    seen: list[bytes] = []
    original = parse.parse

    def counting(data: bytes, name: str) -> object:
        seen.append(data)
        return original(data, name)

    monkeypatch.setattr(parse, "parse", counting)
    return seen


def test_a_cached_load_gives_what_the_first_gave_without_parsing(place: Place, parsed: list[bytes]) -> None:
    path = place.write(TEXT)
    first = facts(place.load(path, profile="state-enabled"))
    assert len(parsed) == 2
    assert facts(place.load(path, profile="state-enabled")) == first
    assert len(parsed) == 2


def test_a_cached_load_names_the_same_lines(place: Place, parsed: list[bytes]) -> None:
    path = place.write("\n[state]\n\npath = 'x'\nbackend = 'disk'\n")
    place.load(path)
    assert place.load(path).origin("state.backend") == f"{path}:5"
    assert len(parsed) == 1


def test_the_planted_cache_file_would_be_used(place: Place) -> None:
    path = place.write(TEXT)
    plant(place, path)
    assert place.load(path).state.path == "cached"


def test_a_changed_file_of_the_same_size_and_time_is_read_anew(place: Place) -> None:
    path = place.write(TEXT)
    before = os.stat(path)
    assert place.load(path).state.path == "truth"
    place.write(TEXT.replace("truth", "other"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert place.load(path).state.path == "other"
    assert len(place.caches()) == 1


def test_the_cache_is_for_the_user_alone(place: Place) -> None:
    place.text(TEXT)
    (file,) = place.caches()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert os.listdir(file.parent) == [file.name]


def by_group(file: Path) -> None:
    file.chmod(0o620)


def by_others(file: Path) -> None:
    file.chmod(0o602)


def folder_by_group(file: Path) -> None:
    file.parent.chmod(0o770)


def folder_by_others(file: Path) -> None:
    file.parent.chmod(0o702)


def through_a_link(file: Path) -> None:
    file.rename(file.with_suffix(".moved"))
    file.symlink_to(file.with_suffix(".moved"))


def folder_through_a_link(file: Path) -> None:
    moved = file.parent.with_name("moved")
    file.parent.rename(moved)
    file.parent.symlink_to(moved)


def a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file, 0o600)


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir(0o700)


@pytest.mark.parametrize(
    "tamper",
    [by_group, by_others, folder_by_group, folder_by_others, through_a_link, folder_through_a_link, a_pipe, a_folder],
)
def test_a_cache_that_others_may_have_written_is_not_used(place: Place, tamper: Callable[[Path], None]) -> None:
    path = place.write(TEXT)
    tamper(plant(place, path))
    for _ in range(2):
        assert place.load(path).state.path == "truth"


def test_a_cache_of_another_user_is_not_used(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place.write(TEXT)
    plant(place, path)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert place.load(path).state.path == "truth"


def test_any_damaged_byte_makes_the_cache_count_for_nothing(place: Place) -> None:
    path = place.write(TEXT)
    content = plant(place, path).read_bytes()
    for index in range(len(content)):
        damaged = bytearray(content)
        damaged[index] ^= 0x15
        place.caches()[0].write_bytes(damaged)
        assert place.load(path).state.path == "truth", index


def test_a_cache_that_is_cut_off_counts_for_nothing(place: Place) -> None:
    path = place.write(TEXT)
    content = plant(place, path).read_bytes()
    for length in range(len(content)):
        place.caches()[0].write_bytes(content[:length])
        assert place.load(path).state.path == "truth", length


def test_a_cache_of_another_version_is_not_used(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place.write(TEXT)
    with monkeypatch.context() as other:
        other.setattr(cache, "FORMAT", cache.FORMAT.replace("llmspell-config ", "llmspell-config 0."))
        plant(place, path)
        assert place.load(path).state.path == "cached"
    assert place.load(path).state.path == "truth"


def test_what_comes_out_of_the_cache_is_checked_too(place: Place) -> None:
    path = place.write(TEXT)
    cache.Slot(path, place.environ).remember(TEXT.encode(), {"state": {"path": 5}}, {"state.path": 2})
    with pytest.raises(ConfigError, match=r":2: state\.path must be a string, got 5"):
        place.load(path)


@pytest.mark.parametrize(
    "text",
    ["[state.postgres]\ndsn = 'postgresql://u:hunter2@h/d'", "[providers.openai]\napi_key = 'hunter2'"],
)
def test_a_file_with_a_secret_is_not_copied_into_the_cache(place: Place, text: str) -> None:
    place.text(text)
    assert place.caches() == []


def test_a_wrong_file_is_not_cached(place: Place) -> None:
    with pytest.raises(ConfigError):
        place.text("[state]\npath = 5")
    assert place.caches() == []


def test_a_file_that_switches_on_too_much_is_refused_from_the_cache_as_well(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    from llmspell.config import not_built
    from llmspell.errors import NotEnabled

    monkeypatch.setitem(not_built.NOT_BUILT, "state.journal.enabled", "journal")
    path = place.write("[state.journal]\nenabled = true\n")
    for _ in range(2):
        with pytest.raises(NotEnabled, match=r":2: \[state\.journal\] enabled is on"):
            place.load(path)
    assert len(place.caches()) == 1


@pytest.mark.parametrize("environ", [{"LLMSPELL_NO_CACHE": "1"}, {"HOME": "", "XDG_CACHE_HOME": ""}])
def test_there_can_be_no_cache(place: Place, environ: dict[str, str]) -> None:
    path = place.write(TEXT)
    plant(place, path)
    assert place.load(path, environ=environ).state.path == "truth"
    assert len(place.caches()) == 1


def test_a_relative_cache_folder_is_not_used(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = place.write(TEXT)
    place.load(path, environ={"XDG_CACHE_HOME": "relative"})
    assert not (tmp_path / "relative").exists()
    assert len(list((place.home / ".cache" / "llmspell").iterdir())) == 1


@pytest.mark.parametrize("root", ["/dev/null", "/proc/self", "/a\0b"])
def test_a_cache_that_cannot_be_written_is_no_error(place: Place, root: str) -> None:
    path = place.write(TEXT)
    for _ in range(2):
        assert place.load(path, environ={"XDG_CACHE_HOME": root}).state.path == "truth"


def test_the_cache_does_not_grow_for_ever(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST", 3)
    for index in range(20):
        place.load(place.write(TEXT, f"{index}.toml"))
        assert 1 <= len(place.caches()) <= 4


def test_processes_that_share_a_cache_all_read_the_truth(place: Place) -> None:
    """The file changes under readers that all cache it; each must see one of the two texts, whole."""
    texts = {name: f"[state]\n{lines}path = '{name}'\n" for name, lines in (("short", ""), ("longer", "\n\n\n"))}
    path = place.write(texts["short"])
    code = (
        "import sys\n"
        "from llmspell.config import load\n"
        "for _ in range(150):\n"
        "    config = load(sys.argv[1])\n"
        "    line = {'short': 2, 'longer': 5}[config.state.path]\n"
        "    assert config.origin('state.path') == f'{sys.argv[1]}:{line}'\n"
    )
    environ = place.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    readers = [subprocess.Popen([sys.executable, "-c", code, path], env=environ) for _ in range(3)]
    turn = 0
    while any(reader.poll() is None for reader in readers):
        turn += 1
        draft = place.write(texts["longer" if turn % 2 else "short"], "draft")
        os.replace(draft, path)
    assert [reader.returncode for reader in readers] == [0, 0, 0]
    assert turn > 10
    assert os.listdir(place.cache) == [place.caches()[0].name]


def test_a_cached_load_imports_nothing_slow(place: Place) -> None:
    path = place.write(TEXT)
    place.load(path)
    code = (
        "import sys\n"
        "from llmspell.config import load\n"
        "load(sys.argv[1], profile='state-enabled', overrides={'default_engine': 'lua'})\n"
        "print(*sorted(sys.modules))\n"
    )
    environ = place.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "LLMSPELL_STATE__JOURNAL__KEEP_DAYS": "3"}
    runs = [
        subprocess.run(
            [sys.executable, "-S", "-c", code, path], env=environ, capture_output=True, check=True, text=True
        )
        for _ in range(2)
    ]
    slow = "typing dataclasses inspect re json pathlib logging tomllib ctypes hashlib subprocess difflib enum datetime"
    assert set(slow.split()) & set(runs[1].stdout.split()) == set()
    assert "llmspell.config.wording" not in runs[1].stdout.split()


def test_every_key_survives_the_cache(place: Place, parsed: list[bytes]) -> None:
    listing = Path(__file__).parent / "data" / "listing.toml"
    path = place.write(listing.read_bytes())
    first = facts(place.load(path, allow_unbuilt=True))
    assert facts(place.load(path, allow_unbuilt=True)) == first
    assert len(parsed) == 1
    assert len(first) == len(CATALOGUE.settings) + 2


def test_a_secret_that_is_empty_keeps_no_file_from_the_cache(place: Place, parsed: list[bytes]) -> None:
    for _ in range(2):
        place.load(profile="full")
    assert len(parsed) == 1
