"""Commands about llmspell itself: config, init, info, doctor, api, completions, help."""

import json
import tomllib

import pytest

import llmspell
from llmspell import generate
from llmspell.cli.config import FIRST_PROFILE
from llmspell.config.profiles import profile_names, profile_text
from tests.cli.conftest import ROOT, Shell


def test_show_names_every_setting_and_where_it_came_from(shell: Shell) -> None:
    shell.file("llmspell.toml", "[state.journal]\nkeep_days = 7\n")
    rows = {row["key"]: row for row in shell("config", "show", "--output", "json", LLMSPELL_STATE_PATH="p").json}
    assert rows["state.journal.keep_days"]["value"] == 7
    assert rows["state.journal.keep_days"]["origin"] == "./llmspell.toml:2".removeprefix("./")
    assert "LLMSPELL_STATE_PATH" in rows["state.path"]["origin"]
    assert rows["state.backend"]["origin"] == "default"
    assert all(row["help"] for row in rows.values())


def test_show_may_be_narrowed(shell: Shell) -> None:
    shell.file("llmspell.toml", "[state.journal]\nkeep_days = 7\n")
    assert shell("config", "show", "state.journal.keep_days").out == "state.journal.keep_days = 7  # llmspell.toml:2\n"
    assert shell("config", "show", "--given").out.splitlines() == ["state.journal.keep_days = 7  # llmspell.toml:2"]
    assert shell("config", "show", "nothing.here").status == 2


def test_show_works_with_a_part_that_is_not_built(shell: Shell) -> None:
    shell.file("llmspell.toml", "[state.security]\nencryption_enabled = true\n")
    assert "state.security.encryption_enabled = true" in shell("config", "show", "state.security").out
    assert shell("validate").status == 3


@pytest.mark.parametrize("argv", [["validate"], ["config", "validate"]])
def test_validate_says_yes_and_names_what_is_not_used(argv: list[str], shell: Shell) -> None:
    shell.file("llmspell.toml", "[engines.javascript]\njsx = true\n")
    ran = shell(*argv)
    assert (ran.status, ran.out) == (0, "llmspell.toml: valid\n")
    assert "jsx" in ran.err
    document = shell(*argv, "--output", "json").json
    assert document["valid"] is True
    assert len(document["notices"]) == 1


def test_validate_says_no_with_the_place(shell: Shell) -> None:
    shell.file("llmspell.toml", "\n[state]\nbackend = 5\n")
    ran = shell("validate")
    assert ran.status == 3
    assert "llmspell.toml:3" in ran.err


def test_schema_is_a_json_schema(shell: Shell) -> None:
    schema = shell("config", "schema").json
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert "state" in schema["properties"]


def test_init_writes_a_file_that_remembers(shell: Shell) -> None:
    assert shell("init").status == 0
    assert (shell.folder / "llmspell.toml").read_text() == profile_text(FIRST_PROFILE)
    assert shell("exec", "return State.increment('app', 'n')").out == "1\n"
    assert shell("exec", "return State.increment('app', 'n')").out == "2\n"


def test_init_replaces_nothing_unless_forced(shell: Shell) -> None:
    shell.file("llmspell.toml", "# mine\n")
    assert shell("init").status == 2
    assert (shell.folder / "llmspell.toml").read_text() == "# mine\n"
    assert shell("init", "--force").status == 0


@pytest.mark.parametrize("name", profile_names())
def test_init_with_every_profile(name: str, shell: Shell) -> None:
    ran = shell("init", "-p", name, "-o", "x.toml")
    assert ran.status == 0
    with (shell.folder / "x.toml").open("rb") as file:
        tomllib.load(file)


def test_info_says_that_the_state_is_in_memory_without_a_file(shell: Shell) -> None:
    info = shell("info", "--output", "json").json
    assert shell("config", "info", "--output", "json").json == info
    assert info["config"] is None
    assert info["state"].startswith("on, in memory")
    assert info["version"] == llmspell.__version__
    assert "state            on, in memory" in shell("info").out


def test_doctor_finds_nothing_here(shell: Shell) -> None:
    shell.disk()
    shell("exec", "State.save('a', 'k', 1)")
    ran = shell("doctor", "--output", "json")
    assert ran.status == 0
    rows = {row["check"]: row for row in ran.json}
    assert {"python", "config", "store", "engine.lua.interrupts", "engine.javascript.interrupts"} <= rows.keys()
    assert {row["status"] for row in rows.values()} == {"ok"}


def test_doctor_warns_of_folders_that_others_may_reach(shell: Shell) -> None:
    shell.disk()
    shell("exec", "State.save('a', 'k', 1)")
    (shell.folder / "store" / "data.mdb").chmod(0o644)
    cache = shell.folder / "home" / ".cache" / "llmspell"
    assert cache.is_dir()
    cache.chmod(0o777)
    rows = {row["check"]: row for row in shell("doctor", "--output", "json").json}
    assert (rows["store.permissions"]["status"], rows["cache"]["status"]) == ("warning", "warning")


def test_doctor_makes_no_store(shell: Shell) -> None:
    shell.disk()
    assert shell("doctor").status == 0
    assert not (shell.folder / "store").exists()


def test_doctor_names_what_is_broken(shell: Shell) -> None:
    shell.file("store", "no folder")
    shell.disk()
    ran = shell("doctor", "--output", "json")
    assert ran.status == 4
    assert [row["status"] for row in ran.json if row["check"] == "store"] == ["failed"]


@pytest.mark.parametrize("kind", generate.KINDS)
def test_api_prints_every_kind(kind: str, shell: Shell) -> None:
    assert shell("api", kind).out == generate.render(kind)


def test_api_in_json_is_json(shell: Shell) -> None:
    assert any(owner["name"] == "State" for owner in shell("api", "--output", "json").json["globals"])


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_completions_are_a_script_for_the_shell(name: str, shell: Shell) -> None:
    ran = shell("completions", name)
    assert (ran.status, ran.err) == (0, "")
    assert "_LLMSPELL_COMPLETE" in ran.out
    assert json.loads(shell("completions", name, "--output", "json").out) == ran.out


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("llmspell st", "state"),
        ("llmspell state k", "keys"),
        ("llmspell run --time", "--timeout"),
        ("llmspell ru", "run"),
    ],
)
def test_shell_is_offered_commands_and_options(words: str, offered: str, shell: Shell) -> None:
    asked = {"_LLMSPELL_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    assert offered in shell(**asked).out.split()


def test_help_names_every_command_and_hides_what_is_not_built(shell: Shell) -> None:
    text = shell("--help").out
    for name in (
        "run",
        "exec",
        "state",
        "backup",
        "config",
        "validate",
        "init",
        "info",
        "doctor",
        "api",
        "completions",
    ):
        assert f" {name} " in text
    assert " repl " not in text


@pytest.mark.parametrize("argv", [["run"], ["exec"], ["state"], ["state", "changes"], ["config", "show"], ["api"]])
def test_every_command_explains_itself_and_its_global_options(argv: list[str], shell: Shell) -> None:
    ran = shell(*argv, "--help")
    assert ran.status == 0
    assert "--output" in ran.out
    assert shell(*argv, "-h").out == ran.out


def test_version_is_that_of_the_package(shell: Shell) -> None:
    assert shell("--version").out == f"llmspell {llmspell.__version__}\n"


def test_package_offers_the_runtime_on_first_use() -> None:
    from llmspell.config import load
    from llmspell.runtime import Runtime

    assert llmspell.Runtime is Runtime
    assert llmspell.load_config is load
    with pytest.raises(AttributeError, match="nothing"):
        _ = llmspell.nothing  # type: ignore[attr-defined]


def test_changelog_knows_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {llmspell.__version__}" in text


def test_info_says_which_parts_are_switched_on(shell: Shell) -> None:
    for profile, expected in (("session-enabled", (True, False, False)), ("backup-enabled", (False, True, False))):
        told = shell("-p", profile, "info", "--output", "json").json
        assert (told["sessions"], told["backup"], told["migration"]) == expected
        assert told["hooks"] is told["events"] is True
