"""`llmspell state …`: the stored values from the shell."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Shell


@pytest.fixture
def kept(shell: Shell) -> Shell:
    """A shell whose state is on disk."""
    shell.disk()
    return shell


VALUES = ["true", "-5", "1.0", "1", '"text with é"', "[]", "[1,[2,null]]", "{}", '{"a":{"b":[]}}']


@pytest.mark.parametrize("text", [*VALUES, "9223372036854775807", '{"$bytes":"AP8="}', '{"$map":[[1,"x"]]}'])
def test_value_comes_back_as_it_was_set(text: str, kept: Shell) -> None:
    assert kept("state", "set", "app", "k", "--", text).status == 0
    assert kept("state", "get", "app", "k").out == text + "\n"


def test_value_is_read_from_standard_input(kept: Shell) -> None:
    assert kept("state", "set", "app", "k", "-", input='{"big": [1, 2]}').status == 0
    assert kept("state", "get", "app", "k").json == {"big": [1, 2]}


def test_scripts_and_commands_see_the_same_values(kept: Shell) -> None:
    assert kept("state", "set", "app", "k", '{"n": 1}').status == 0
    assert kept("exec", "State.save('app', 'k', {n = State.load('app', 'k').n + 1})").status == 0
    assert kept("state", "get", "app", "k", "--output", "json").json == {"n": 2}


def test_null_deletes(kept: Shell) -> None:
    kept("state", "set", "app", "k", "1")
    kept("state", "set", "app", "k", "null")
    assert kept("state", "get", "app", "k").status == 10


def test_deleted_value_is_gone(kept: Shell) -> None:
    kept("state", "set", "app", "k", "1")
    assert kept("state", "delete", "app", "k").status == 0
    assert kept("state", "delete", "app", "k").status == 10


def test_lists_and_counts_are_what_the_script_functions_return(kept: Shell) -> None:
    for key in ("a1", "a2", "b1"):
        kept("state", "set", "app", key, "1")
    kept("state", "set", "other", "x", "1")
    assert kept("state", "keys", "app").out == "a1\na2\nb1\n"
    assert kept("state", "keys", "app", "--prefix", "a", "--reverse", "--output", "json").json == ["a2", "a1"]
    assert kept("state", "keys", "app", "--after", "a1", "--limit", "1").out == "a2\n"
    assert kept("state", "count", "app", "--prefix", "a", "--output", "json").json == 2
    assert kept("state", "scopes", "--output", "json").json == ["app", "other"]
    assert kept("state", "keys", "nothing", "--output", "json").json == []


def test_version_guards_a_change(kept: Shell) -> None:
    assert kept("state", "set", "app", "k", "1", "--if-version", "0").status == 0
    ran = kept("state", "set", "app", "k", "2", "--if-version", "0", "--output", "json")
    assert (ran.status, ran.json["error"]["code"]) == (1, "conflict")
    assert kept("state", "get", "app", "k").out == "1\n"


def test_value_expires(kept: Shell) -> None:
    assert kept("state", "set", "app", "k", "1", "--ttl", "0.001").status == 0
    assert kept("state", "get", "app", "k").status == 10


def test_history_and_the_value_of_an_earlier_version(kept: Shell) -> None:
    for value in ("1", "2", "null"):
        kept("state", "set", "app", "k", value)
    history = kept("state", "history", "app", "k", "--output", "json").json
    assert [(change["op"], change.get("value")) for change in history] == [("delete", None), ("save", 2), ("save", 1)]
    first = str(history[2]["version"])
    assert kept("state", "get", "app", "k", "--at", first).out == "1\n"
    assert kept("state", "get", "app", "k", "--at", history[1]["at"]).out == "2\n"
    assert len(kept("state", "history", "app", "k", "--since", first, "--output", "json").json) == 2


def test_changes_are_listed_oldest_first(kept: Shell) -> None:
    for scope, key in (("app", "a"), ("other", "x"), ("app", "b")):
        kept("state", "set", scope, key, "1")
    changes = kept("state", "changes", "--output", "json").json
    assert [(change["scope"], change["key"]) for change in changes] == [("app", "a"), ("other", "x"), ("app", "b")]
    assert [change["key"] for change in kept("state", "changes", "--scope", "app", "--output", "json").json] == [
        "a",
        "b",
    ]
    since = str(changes[0]["version"])
    assert kept("state", "changes", "--since", since, "--limit", "1").out.splitlines()[1].endswith("other  x")


def test_changes_of_one_correlation_are_listed_and_followed(kept: Shell) -> None:
    kept("exec", "State.save('app', 'a', 1)")
    code = "Event.subscribe('go', function() State.save('app', 'b', 1) end) Event.publish('go', 1, {correlation_id = 'c-7'})"
    assert kept("exec", code).status == 0
    found = kept("state", "changes", "--correlation", "c-7", "--output", "json").json
    assert [(change["key"], change["correlation_id"]) for change in found] == [("b", "c-7")]
    followed = kept("state", "changes", "--correlation", "c-7", "--follow", "--limit", "1", "--output", "json").json
    assert followed == found[0]


def test_followed_changes_come_from_other_processes_a_line_each(kept: Shell) -> None:
    kept("state", "set", "app", "first", "1")
    process = kept.start("state", "changes", "--follow", "--output", "json")
    assert process.stdout is not None
    try:
        assert json.loads(process.stdout.readline())["key"] == "first"
        kept("exec", "State.save('app', 'second', 1)")
        assert json.loads(process.stdout.readline())["key"] == "second"
    finally:
        process.send_signal(2)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, b"")


def test_followed_changes_end_at_the_limit(kept: Shell) -> None:
    for key in ("a", "b", "c"):
        kept("state", "set", "app", key, "1")
    assert len(kept("state", "changes", "--follow", "--limit", "2").out.splitlines()) == 2


def test_export_and_import_carry_everything(kept: Shell, tmp_path: Path) -> None:
    code = (
        "State.save('app', 'int', 2^53|0) State.save('app', 'float', 1.0) State.save('app', 'bytes', '\\xff') "
        "State.save('app', 'list', {1, JSON.null, {}}) State.save('app', 'sparse', {[1] = 'a', [5] = 'b'}) "
        "State.save('user:ann', 'later', true, {ttl = 1000}) State.save('cache', 'soon', 1, {ttl = 0.01})"
    )
    assert kept("exec", code).status == 0
    kept.file("dump.jsonl", kept("state", "export").raw)
    there = {"LLMSPELL_STATE_PATH": str(tmp_path / "there")}
    assert kept("state", "import", "dump.jsonl", "--output", "json", **there).json == {"imported": 6, "expired": 0}

    def known(lines: str) -> list[tuple[str, ...]]:
        rows = [json.loads(line) for line in lines.splitlines()]
        return [(row["scope"], row["key"], json.dumps(row["value"]), row["class"]) for row in rows]

    again = kept("state", "export", **there)
    assert known(again.out) == known((tmp_path / "dump.jsonl").read_text())
    later = json.loads(again.out.splitlines()[-1])
    assert later["key"] == "later"
    assert later["expires_at"] > later["updated_at"]


def test_export_of_one_scope_and_prefix(kept: Shell) -> None:
    for scope, key in (("app", "a1"), ("app", "b1"), ("application", "a1")):
        kept("state", "set", scope, key, "1")
    lines = kept("state", "export", "--scope", "app", "--prefix", "a").out.splitlines()
    assert [(json.loads(line)["scope"], json.loads(line)["key"]) for line in lines] == [("app", "a1")]


def test_export_of_many_keys_is_complete(kept: Shell) -> None:
    kept("exec", "State.transaction(function() for i = 1, 2500 do State.save('app', 'k' .. i, i) end end)")
    assert len({json.loads(line)["key"] for line in kept("state", "export").out.splitlines()}) == 2500


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('{"scope": "app", "key": "k"}', "line 2: has no value"),
        ('{"scope": "app", "value": 1}', "line 2: must be an object with scope, key and value"),
        ("[1]", "line 2: must be an object"),
        ("nonsense", "line 2: not valid JSON"),
        ('{"scope": "app", "key": "k", "value": 1, "tll": 5}', "line 2: has the unknown field 'tll'"),
        ('{"scope": "", "key": "k", "value": 1}', "line 2: "),
        ('{"scope": "app", "key": "k", "value": 1, "class": "odd"}', "line 2: "),
        ('{"scope": "app", "key": "k", "value": 1, "expires_at": "soon"}', "line 2: "),
        ('{"scope": "app", "key": "k", "value": 1, "expires_at": []}', "line 2: "),
        ('{"scope": "app", "key": "k", "value": NaN}', "line 2: "),
    ],
)
def test_import_of_a_wrong_line_changes_nothing(line: str, sentence: str, kept: Shell) -> None:
    good = '{"scope": "app", "key": "good", "value": 1}\n'
    ran = kept("state", "import", "-", input=good + line + "\n")
    assert ran.status == 1
    assert sentence in ran.err
    assert kept("state", "count", "app").out == "0\n"


def test_import_leaves_out_what_has_expired(kept: Shell) -> None:
    line = '{"scope": "app", "key": "old", "value": 1, "expires_at": "2001-01-01T00:00:00Z"}\n'
    assert kept("state", "import", "-", "--output", "json", input=line).json == {"imported": 0, "expired": 1}
    assert kept("state", "count", "app").out == "0\n"


def test_stats_tell_what_is_there(kept: Shell) -> None:
    kept("state", "set", "app", "k", "1")
    stats = kept("state", "stats", "--output", "json").json
    assert (stats["backend"], stats["scopes"], stats["keys"], stats["version"]) == ("disk", 1, 1, 1)


def test_state_that_ends_with_the_command_is_pointed_out(shell: Shell) -> None:
    assert "in memory" in shell("state", "set", "app", "k", "1").err
    assert shell("-q", "state", "set", "app", "k", "1").err == ""


def test_command_without_a_result_is_one_document_in_json(kept: Shell) -> None:
    assert kept("state", "set", "app", "k", "1", "--output", "json").json is None
    assert kept("state", "delete", "app", "k", "--output", "json").json is None


def test_state_that_is_switched_off_says_so(shell: Shell) -> None:
    shell.file("llmspell.toml", "[state]\nenabled = false\n")
    ran = shell("state", "scopes")
    assert ran.status == 3
    assert "the state is switched off" in ran.err


def test_global_options_stand_at_every_level(kept: Shell) -> None:
    kept.file("other.toml", '[state]\nbackend = "disk"\npath = "./other"\n')
    kept("-c", "other.toml", "state", "set", "app", "k", "1")
    for argv in (
        ["-c", "other.toml", "--output", "json", "state", "scopes"],
        ["state", "-c", "other.toml", "--output", "json", "scopes"],
        ["state", "scopes", "-c", "other.toml", "--output", "json"],
        ["-c", "llmspell.toml", "state", "scopes", "-c", "other.toml", "--output=json"],
    ):
        assert kept(*argv).json == ["app"]
