"""Every key has a variable; some have a short one; a stranger's variable is left alone."""

from typing import Any

import pytest

from llmspell.config.environment import SHORT, variable
from llmspell.config.layer import CATALOGUE
from llmspell.config.wording import toml_value
from llmspell.errors import ConfigError

from .conftest import Place

TEXTS: list[tuple[str, str, Any]] = [
    ("LLMSPELL_ENGINE", "default_engine", "javascript"),
    ("LLMSPELL_STATE_PATH", "state.path", "/somewhere"),
    ("LLMSPELL_SESSION_PATH", "runtime.sessions.path", "/elsewhere"),
    ("LLMSPELL_STATE__PATH", "state.path", "/a, b=[c]"),
]
SECONDS = "a number from 0 to 1_000_000_000 (seconds)"
BYTES = "an integer from 1 to 2_147_483_647 (bytes)"
CLASSES = 'whose values are each one of "ephemeral", "trusted", "standard", "sensitive", "external"'


@pytest.mark.parametrize(("name", "key", "text"), TEXTS)
def test_a_variable_sets_its_key(place: Place, name: str, key: str, text: str) -> None:
    config = place.load(environ={name: text})
    assert config.get(key) == text
    assert config.origin(key) == name


@pytest.mark.parametrize("key", [*CATALOGUE.settings, *CATALOGUE.spellings])
def test_every_key_can_be_given_by_the_environment(place: Place, key: str) -> None:
    setting, spelling = CATALOGUE.find(key)[0]
    if spelling and spelling.kind:
        value: Any = {"number": 86400, "boolean": False}[spelling.kind]
    else:
        value = setting.default if setting.default or setting.example is None else setting.example
    text = value if isinstance(value, str) else toml_value(value)
    config = place.load(environ={variable(key): text}, allow_unbuilt=True)
    if text:
        assert config.origin(setting.key) == variable(key)
        assert spelling is not None or config.get(key) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("Yes", True), ("on", True), ("1", True), ("FALSE", False), ("no", False), ("off", False)],
)
def test_a_boolean_has_several_words(place: Place, text: str, value: bool) -> None:
    assert place.load(environ={"LLMSPELL_STATE__ENABLED": text}).state.enabled is value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a", ["a"]),
        ("a, b ,c", ["a", "b", "c"]),
        (",", []),
        ('["a", "b,c"]', ["a", "b,c"]),
        ("[]", []),
        ("a=b", ["a=b"]),
    ],
)
def test_a_list_has_commas_or_is_toml(place: Place, text: str, value: list[str]) -> None:
    assert place.load(environ={"LLMSPELL_ENGINES__LUA__PACKAGE_PATHS": text}).engines.lua.package_paths == value


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("off", False), ("/a,/b", ["/a", "/b"]), ('["true"]', ["true"])]
)
def test_a_grant_is_a_boolean_or_a_list(place: Place, text: str, value: object) -> None:
    config = place.load(environ={"LLMSPELL_RUNTIME__SECURITY__ALLOW_FILE_ACCESS": text})
    assert config.runtime.security.allow_file_access == value


def test_tables_are_toml(place: Place) -> None:
    rules = '[{ principal = "a", scope = "s", permission = "admin" }]'
    environ = {"LLMSPELL_STATE__CLASSES": '{ "tmp:*" = "ephemeral" }', "LLMSPELL_STATE__ACCESS": rules}
    config = place.load(environ=environ, allow_unbuilt=True)
    assert config.state.classes == {"tmp:*": "ephemeral"}
    assert config.state.access[0].permission == "admin"


@pytest.mark.parametrize(("text", "value"), [("1.5", 1.5), ("60", 60), ("1_000", 1000), ("0x10", 16)])
def test_numbers_are_written_as_in_toml(place: Place, text: str, value: float) -> None:
    assert (
        place.load(environ={"LLMSPELL_RUNTIME__SCRIPT_TIMEOUT_SECONDS": text}).runtime.script_timeout_seconds == value
    )


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("STATE__ENABLED", "maybe", 'state.enabled must be true or false, got "maybe"'),
        ("STATE__MAX_VALUE_BYTES", "1.5", f'state.max_value_bytes must be {BYTES}, got "1.5"'),
        ("STATE__MAX_VALUE_BYTES", "0", f"state.max_value_bytes must be {BYTES}, got 0"),
        ("RUNTIME__SCRIPT_TIMEOUT_SECONDS", "nan", f"runtime.script_timeout_seconds must be {SECONDS}, got nan"),
        ("ENGINES__LUA__PACKAGE_PATHS", "[a", 'engines.lua.package_paths must be a list of strings, got "[a"'),
        ("STATE__CLASSES", "{}\nx = 1", f'state.classes must be a table {CLASSES}, got "{{}}\\u000Ax = 1"'),
        ("STATE__PATH", "a\udcff", 'state.path must be a string, got "a\\uDCFF"'),
        ("ENGINE", "ruby", 'default_engine must be one of "lua", "javascript", "js", got "ruby"'),
    ],
)
def test_a_wrong_text_names_the_variable(place: Place, name: str, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        place.load(environ={f"LLMSPELL_{name}": text})
    assert str(caught.value) == f"LLMSPELL_{name}: {said}"


def test_an_unknown_variable_with_two_underscores_is_an_error_without_its_text(place: Place) -> None:
    with pytest.raises(ConfigError) as caught:
        place.load(environ={"LLMSPELL_STATE__PTH": "hunter2"})
    assert str(caught.value) == (
        "LLMSPELL_STATE__PTH: there is no key state.pth; the nearest known variable is LLMSPELL_STATE__PATH"
    )


@pytest.mark.parametrize(
    ("name", "example"),
    [
        ("LLMSPELL_STATE__JOURNAL", "LLMSPELL_STATE__JOURNAL__ENABLED"),
        ("LLMSPELL_STATE__SLED", "LLMSPELL_STATE__SLED__FLUSH_EVERY_MS"),
    ],
)
def test_a_variable_of_a_section_is_an_error(place: Place, name: str, example: str) -> None:
    with pytest.raises(ConfigError, match=f"is a section; name a key of it, such as {example}$"):
        place.load(environ={name: "x"})


@pytest.mark.parametrize("name", ["LLMSPELL_KEY", "LLMSPELL_FOO", "LLMSPELL_NO_CACHE", "LLMSPELL_", "OTHER__KEY"])
def test_other_variables_are_left_alone(place: Place, name: str) -> None:
    config = place.load(environ={name: "1"})
    assert not any(config.is_given(key) for key in CATALOGUE.settings)


def test_a_variable_that_the_configuration_names_is_no_stranger(place: Place) -> None:
    environ = {"LLMSPELL_MY__KEY": "hunter2", "LLMSPELL_MY__DSN": "x", "LLMSPELL_A__B": "y"}
    text = (
        "[state]\nencryption = { key_env = 'LLMSPELL_MY__KEY' }\npostgres = { dsn_env = 'LLMSPELL_MY__DSN' }\n"
        "[runtime.security]\nallow_env = ['LLMSPELL_A__B']\n"
    )
    assert place.text(text, environ=environ).state.encryption.key_env == "LLMSPELL_MY__KEY"


def test_an_empty_variable_says_nothing(place: Place) -> None:
    environ = dict.fromkeys(["LLMSPELL_CONFIG", *SHORT, "LLMSPELL_STATE__ENABLED", "LLMSPELL_X__Y"], "")
    config = place.load(environ=environ)
    assert config.source is None
    assert not any(config.is_given(key) for key in CATALOGUE.settings)


def test_a_short_and_a_long_variable_have_to_agree(place: Place) -> None:
    environ = {"LLMSPELL_STATE_PATH": "a", "LLMSPELL_STATE__PATH": "b"}
    with pytest.raises(ConfigError, match=r"LLMSPELL_STATE_PATH\) and .*LLMSPELL_STATE__PATH\) are one setting"):
        place.load(environ=environ)
    assert place.load(environ=dict.fromkeys(environ, "a")).state.path == "a"


def test_a_variable_of_a_key_that_is_not_used_is_named(place: Place) -> None:
    notices = place.load(environ={"LLMSPELL_PROVIDERS__OPENAI__API_KEY": "sk-1"}).notices
    assert notices == [
        "LLMSPELL_PROVIDERS__OPENAI__API_KEY: providers is accepted and not used (providers come with the agents, later)"
    ]


def test_a_wrong_secret_is_not_shown(place: Place) -> None:
    with pytest.raises(ConfigError) as caught:
        place.load(environ={"LLMSPELL_STATE__POSTGRES__DSN": "hunter2\udcff"})
    assert str(caught.value) == "LLMSPELL_STATE__POSTGRES__DSN: state.postgres.dsn must be a string, got a string"
