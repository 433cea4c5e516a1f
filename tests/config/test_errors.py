"""Each mistake in a file is one error that names file, line, key and what is allowed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from llmspell.errors import ConfigError

from .conftest import Place

UNKNOWN = [
    ("[state]\npth = 1", "FILE:2: there is no key state.pth; the nearest known key is state.path"),
    ("\n\n[stat]\npath = 'x'", "FILE:3: there is no key stat; the nearest known key is state"),
    (
        "[state]\nkeep_days = 1",
        "FILE:2: there is no key state.keep_days; the nearest known key is state.journal.keep_days",
    ),
    ("zzz = 1", "FILE:1: there is no key zzz; the nearest known key is "),
    ('"state.path" = 1', 'FILE:1: there is no key "state.path"; the nearest known key is state.path'),
    ("[state]\n'a b' = 1", 'FILE:2: there is no key state."a b"; the nearest known key is '),
    ('[state]\n"" = 1', 'FILE:2: there is no key state.""; the nearest known key is '),
    ('[state]\n"\\u001b[2J" = 1', 'FILE:2: there is no key state."\\u001B[2J"; the nearest known key is '),
    (
        "[runtime.state_persistence]\nx = 1",
        "FILE:2: there is no key runtime.state_persistence.x; the nearest known key is ",
    ),
    ("[state.encryption]\nkey = 'hunter2'", "FILE:2: there is no key state.encryption.key; the nearest known key is "),
    ("state = { pth = 1 }", "FILE:1: there is no key state.pth; the nearest known key is state.path"),
    (
        "[[state.access]]\nprincipal = 'a'\nscope = 's'\npermission = 'admin'\n[[state.access]]\nprincipl = 'b'",
        "FILE:6: state.access has the unknown key principl; the nearest known key is principal",
    ),
]

MILLISECONDS = "an integer from 0 to 1_000_000_000 (milliseconds)"
SECONDS = "a number from 0 to 1_000_000_000 (seconds)"
BYTES = "an integer from 1 to 2_147_483_647 (bytes)"
BACKENDS = '"memory", "disk", "rocksdb", "postgres", "lmdb", "sled"'
CLASSES = '"ephemeral", "trusted", "standard", "sensitive", "external"'
PERMISSIONS = '"none", "read_only", "read_write", "admin"'
PATTERN = "has a pattern that is no regular expression: missing ), unterminated subpattern at position 0"

WRONG = [
    ("[state]\nenabled = 1", "2: state.enabled must be true or false, got 1"),
    ('[state]\nenabled = "true"', '2: state.enabled must be true or false, got "true"'),
    ("[state]\nflush_every_ms = true", f"2: state.flush_every_ms must be {MILLISECONDS}, got true"),
    ("[state]\nflush_every_ms = 1.5", f"2: state.flush_every_ms must be {MILLISECONDS}, got 1.5"),
    ("[state]\nflush_every_ms = -1", f"2: state.flush_every_ms must be {MILLISECONDS}, got -1"),
    ("[state]\nmax_value_bytes = 0", f"2: state.max_value_bytes must be {BYTES}, got 0"),
    (
        "[engines.lua]\nmax_instructions = 99999999999999999999",
        "2: engines.lua.max_instructions must be an integer of at least 0, got 99_999_999_999_999_999_999",
    ),
    (
        f"[engines.lua]\nmax_instructions = 0x{'f' * 9000}",
        "2: engines.lua.max_instructions must be an integer of at least 0, got an integer of too many digits",
    ),
    ("[runtime]\nscript_timeout_seconds = nan", f"2: runtime.script_timeout_seconds must be {SECONDS}, got nan"),
    ("[runtime]\nscript_timeout_seconds = inf", f"2: runtime.script_timeout_seconds must be {SECONDS}, got inf"),
    (
        "[runtime]\nscript_timeout_seconds = 1e10",
        f"2: runtime.script_timeout_seconds must be {SECONDS}, got 10000000000.0",
    ),
    ("[state]\npath = 5", "2: state.path must be a string, got 5"),
    ('[state]\npath = ""', "2: state.path must not be empty"),
    ('[state]\npath = "a\\u0000b"', '2: state.path must be a string, got "a\\u0000b"'),
    ("[state]\npath = 1979-05-27", "2: state.path must be a string, got a date"),
    ("[state]\npath = { a = 1 }", "2: state.path must be a string, got a table"),
    (
        '[state]\nbackend = "redis"',
        f'2: state.backend must be one of {BACKENDS} or the name of a plug-in, got "redis"',
    ),
    ('[state.encryption]\nalgorithm = "ROT13"', '2: state.encryption.algorithm must be "AES256GCM", got "ROT13"'),
    ('[engines.lua]\nstdlib = "ful"', '2: engines.lua.stdlib must be one of "none", "safe", "full", got "ful"'),
    ('[engines.lua]\npackage_paths = "lib"', '2: engines.lua.package_paths must be a list of strings, got "lib"'),
    (
        '[engines.lua]\npackage_paths = ["a", 5]',
        '2: engines.lua.package_paths must be a list of strings, got ["a", 5]',
    ),
    (
        "[runtime.security]\nallow_env = 'x'",
        '2: runtime.security.allow_env must be true, false or a list of strings, got "x"',
    ),
    ("[state]\njournal = false", "2: state.journal must be a table, got false"),
    ("[[state.journal]]\nenabled = true", "1: state.journal must be a table, got an array"),
    ("state = [1]", "1: state must be a table, got [1]"),
    ("[state]\nschema_version = '1'", '2: state.schema_version must be a version such as "1.0.0", got "1"'),
    ("[state]\nschema_version = '1.0.01'", '2: state.schema_version must be a version such as "1.0.0", got "1.0.01"'),
    (
        "[state.classes]\n\n'tmp:*' = 'gone'",
        f"3: state.classes must be a table whose values are each one of {CLASSES}, got a table",
    ),
    ("[state.sensitive]\nredact_patterns = ['(']", f"2: state.sensitive.redact_patterns {PATTERN}"),
    ("[state.sensitive]\nhash_fields = ['']", "2: state.sensitive.hash_fields must not hold an empty string"),
    ("[state]\naccess = 5", "2: state.access must be an array of tables, got 5"),
    (
        "[[state.access]]\nprincipal = 'a'\nscope = 5\npermission = 'admin'",
        "3: state.access has a scope that must be a string, got 5",
    ),
    (
        "\n[[state.access]]\nprincipal = 'a'\nscope = 's'",
        f"2: state.access has a rule without permission, which must be one of {PERMISSIONS}",
    ),
]

BROKEN = [
    ("[state]\npath 5", "FILE:2:6: not valid TOML: expected '=' after a key in a key/value pair: path 5"),
    ("a = 1\na = 2", "FILE:2:6: not valid TOML: cannot overwrite a value: a = 2"),
    ("[state", "FILE:1:7: not valid TOML: expected ']' at the end of a table declaration: [state"),
    ("a = 'x", "FILE:1:7: not valid TOML: expected \"'\": a = 'x"),
    ('api_key = "sk-123', "FILE:1:18: not valid TOML: unterminated string: api_key = …"),
    ('openai = { api_key = "sk-1" "', "FILE:1:29: not valid TOML: unclosed inline table: openai = …"),
    ("x \x1b[2J = 1", "FILE:1:3: not valid TOML: expected '=' after a key in a key/value pair: x  [2J = 1"),
    (b"[state]\npath = '\xff'", "FILE:2: not UTF-8 (the byte 0xff)"),
    ("x = " + "[" * 100_000, "FILE: nested too deeply"),
]


@pytest.mark.parametrize(("text", "said"), UNKNOWN)
def test_an_unknown_key_names_file_line_and_the_nearest_key(message: Callable[..., str], text: str, said: str) -> None:
    found = message(text, allow_unbuilt=True)
    assert found.startswith(said)
    assert found.endswith(said) or said.endswith(" is ")
    assert found.split(" is ")[-1].strip()
    assert "hunter2" not in found


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_a_wrong_value_names_file_line_key_and_what_is_allowed(
    message: Callable[..., str], text: str, said: str
) -> None:
    assert message(text, allow_unbuilt=True) == f"FILE:{said}"


@pytest.mark.parametrize(("text", "said"), BROKEN)
def test_broken_toml_names_file_line_column_and_shows_the_line(
    message: Callable[..., str], text: str | bytes, said: str
) -> None:
    assert message(text) == said


def test_a_number_of_more_digits_than_python_reads_is_an_error(message: Callable[..., str]) -> None:
    assert message("x = " + "9" * 5000).startswith("FILE: not valid TOML (")


def test_a_missing_file_is_an_error_that_names_it(place: Place) -> None:
    with pytest.raises(ConfigError, match=r"there is no configuration file .*/none\.toml$") as caught:
        place.load("none.toml")
    assert caught.value.exit_status == 3


def test_an_empty_path_is_an_error(place: Place) -> None:
    with pytest.raises(ConfigError, match="is a folder"):
        place.load("")


def test_a_folder_is_no_file(place: Place) -> None:
    with pytest.raises(ConfigError, match=f"{place.work}/. is a folder"):
        place.load(".")


def test_a_path_that_no_file_can_have_is_an_error(place: Place) -> None:
    with pytest.raises(ConfigError, match="cannot be read: embedded null byte"):
        place.load("a\0b")


def test_an_unreadable_file_is_an_error(place: Place) -> None:
    # A link to itself cannot be read by anyone, root included.
    os.symlink("loop.toml", place.work / "loop.toml")
    with pytest.raises(ConfigError, match=r"loop\.toml cannot be read: Too many levels of symbolic links"):
        place.load("loop.toml")


def test_a_file_may_have_one_mebibyte_and_no_more(place: Place) -> None:
    text = "[state]\n#" + "x" * ((1 << 20) - 9)
    place.text(text)
    with pytest.raises(ConfigError, match="is larger than 1048576 bytes"):
        place.text(text + "x")


def test_a_file_without_end_is_not_read_to_its_end(place: Place) -> None:
    with pytest.raises(ConfigError, match="is larger than"):
        place.load("/dev/zero")


def test_an_empty_file_says_nothing(place: Place) -> None:
    assert place.load(os.devnull).source == os.devnull


def test_a_byte_order_mark_is_no_mistake(place: Place) -> None:
    assert place.text(b"\xef\xbb\xbf[state]\npath = 'x'\n").state.path == "x"


def test_windows_line_ends_count_as_one(message: Callable[..., str]) -> None:
    assert message("[state]\r\n\r\npth = 1\r\n").startswith("FILE:3: ")


def test_a_secret_is_in_no_error(message: Callable[..., str]) -> None:
    assert message("[state.postgres]\ndsn = ['postgresql://u:hunter2@h/d']") == (
        "FILE:2: state.postgres.dsn must be a string, got an array"
    )


def test_an_installed_plug_in_is_a_backend(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "site" / "stores-1.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: stores\nVersion: 1\n")
    (folder / "entry_points.txt").write_text("[llmspell.stores]\nredis = stores:open\n")
    monkeypatch.syspath_prepend(str(folder.parent))
    assert place.text('[state]\nbackend = "redis"').state.backend == "redis"


def test_overrides_are_checked_like_a_file(place: Place) -> None:
    with pytest.raises(ConfigError, match=r"^command line: there is no key state\.pth; the nearest .* state\.path$"):
        place.load(overrides={"state.pth": 1})
    with pytest.raises(ConfigError, match=r"^command line: runtime\.script_timeout_seconds must be a number .* \"x\"$"):
        place.load(overrides={"runtime.script_timeout_seconds": "x"})
    with pytest.raises(ConfigError, match=r"got a NoneType$"):
        place.load(overrides={"state.path": None})
