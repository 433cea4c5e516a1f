"""`run` and `exec`: scripts, results, arguments, output."""

import subprocess

import pytest

from tests.cli.conftest import Shell

LUA = "lua"
SUFFIX = {"lua": "lua", "javascript": "js"}


def test_what_a_script_saves_is_there_in_the_next_process(shell: Shell, language: str) -> None:
    shell.disk()
    script = f"count.{SUFFIX[language]}"
    shell.file("count.lua", 'return State.increment("app", "runs")')
    shell.file("count.js", 'State.increment("app", "runs")')
    assert [shell("run", script).out for _ in range(3)] == ["1\n", "2\n", "3\n"]


def test_both_languages_share_the_state(shell: Shell) -> None:
    shell.disk()
    assert shell("exec", 'State.save("app", "list", {1, 2.5, "x", {deep = true}})').status == 0
    ran = shell("exec", "--engine", "javascript", 'JSON.stringify(State.load("app", "list"))')
    assert ran.out == '[1,2.5,"x",{"deep":true}]\n'


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("return 'text with \"quotes\" and é'", 'text with "quotes" and é\n'),
        ("return 7", "7\n"),
        ("return 7.0", "7.0\n"),
        ("return true", "true\n"),
        ("return nil", ""),
        ("", ""),
        ("return {c = 1, a = {2, 3}, b = 'x'}", '{"a":[2,3],"b":"x","c":1}\n'),
    ],
)
def test_result_is_printed_unless_nil(code: str, printed: str, shell: Shell) -> None:
    ran = shell("exec", code)
    assert (ran.status, ran.out, ran.err) == (0, printed, "")


def test_result_that_is_no_text_is_printed_byte_for_byte(shell: Shell) -> None:
    assert shell("exec", r"return '\xff\x00\xfe'").raw == b"\xff\x00\xfe\n"


def test_pretty_output_is_indented(shell: Shell) -> None:
    assert shell("exec", "return {a = 1}", "--output", "pretty").out == '{\n  "a": 1\n}\n'


def test_json_output_is_one_document_and_prints_go_to_standard_error(shell: Shell, language: str) -> None:
    code = {"lua": 'print("hello") return {a = {1, 2}}', "javascript": 'print("hello"); ({a: [1, 2]})'}[language]
    ran = shell("exec", "--engine", language, "--output", "json", code)
    document = ran.json
    assert document["result"] == {"a": [1, 2]}
    assert document["duration_ms"] > 0
    assert set(document) == {"result", "duration_ms"}
    assert ran.err == "hello\n"


def test_json_output_is_one_document_when_the_script_exits(shell: Shell) -> None:
    ran = shell("exec", "--output", "json", "os.exit(9)")
    assert ran.status == 9
    assert ran.json["result"] is None


def test_prints_go_to_standard_output_in_order_with_the_result(shell: Shell) -> None:
    ran = shell("exec", 'print("one") print("two") return "three"')
    assert ran.out == "one\ntwo\nthree\n"


def test_script_is_read_from_standard_input(shell: Shell) -> None:
    assert shell("run", "-", input="return 'from stdin'").out == "from stdin\n"
    assert shell("run", "--engine", "javascript", "-", input="1 + 1").out == "2\n"


def test_standard_input_has_a_name_in_errors(shell: Shell) -> None:
    assert "stdin:2" in shell("run", "-", input="\nerror('x')").err


def test_script_gets_its_arguments(shell: Shell, language: str) -> None:
    shell.file("echo.lua", 'return table.concat(args, "|")')
    shell.file("echo.js", 'args.join("|")')
    script = f"echo.{SUFFIX[language]}"
    assert shell("run", script, "one", "two words", "é").out == "one|two words|é\n"
    assert shell("run", script, "--", "--output", "-x", "--").out == "--output|-x|--\n"
    assert shell("run", "--", script, "-x").out == "-x\n"


def test_inline_code_gets_arguments_too(shell: Shell) -> None:
    assert shell("-e", "return args[2]", "a", "b").out == "b\n"


@pytest.mark.parametrize("argv", [["exec", "return 1+1"], ["-e", "return 1+1"], ["-q", "-e", "return 1+1"]])
def test_inline_code_has_a_short_spelling(argv: list[str], shell: Shell) -> None:
    assert shell(*argv).out == "2\n"


def test_inline_code_may_begin_with_a_dash(shell: Shell) -> None:
    assert shell("-e", "-- just a comment\nreturn 3").out == "3\n"


def test_ending_of_the_file_goes_before_the_engine_option(shell: Shell) -> None:
    shell.file("a.js", "`js ${1 + 1}`")
    assert shell("run", "a.js", "--engine", "lua").out == "js 2\n"


def test_engine_option_goes_before_the_configured_engine(shell: Shell) -> None:
    shell.file("llmspell.toml", 'default_engine = "javascript"\n')
    assert shell("exec", "`js`").out == "js\n"
    assert shell("exec", "--engine", "lua", "return 'lua'").out == "lua\n"


def test_first_line_for_the_shell_and_byte_order_mark_are_skipped(shell: Shell, language: str) -> None:
    code = {"lua": "return 5", "javascript": "5"}[language]
    name = f"a.{SUFFIX[language]}"
    shell.file(name, f"#!/usr/bin/env llmspell\n{code}\n")
    assert shell("run", name).out == "5\n"
    shell.file(name, b"\xef\xbb\xbf" + code.encode())
    assert shell("run", name).out == "5\n"


def test_script_is_found_under_a_name_that_is_no_utf8(shell: Shell) -> None:
    name = b"caf\xe9.lua"
    (shell.folder / name.decode("utf-8", "surrogateescape")).write_text("return 1")
    command = [*shell.command("run"), name.decode("utf-8", "surrogateescape")]
    assert shell.run(command).out == "1\n"


def test_relative_state_path_is_relative_to_the_working_directory(shell: Shell) -> None:
    shell.disk()
    assert shell("exec", 'State.save("app", "k", 1)').status == 0
    assert (shell.folder / "store").is_dir()


def test_environment_names_the_state_path(shell: Shell) -> None:
    shell.disk()
    assert shell("exec", 'State.save("app", "k", 1)', LLMSPELL_STATE_PATH="elsewhere").status == 0
    assert (shell.folder / "elsewhere").is_dir()
    assert not (shell.folder / "store").exists()


def test_reader_that_goes_away_ends_nothing_but_the_output(shell: Shell) -> None:
    shell.disk()
    shell.file("many.lua", 'for i = 1, 100000 do print(i) end State.save("app", "done", true) return "end"')
    process = shell.start("run", "many.lua")
    assert process.stdout is not None
    assert process.stdout.readline() == b"1\n"
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 0
    assert shell("state", "get", "app", "done").out == "true\n"


def test_result_that_cannot_be_written_is_an_error(shell: Shell) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            shell.command("exec", "return 1"), stdout=full, stderr=subprocess.PIPE, env=shell.environment, check=False
        )
    assert done.returncode == 4
    assert done.stderr.startswith(b"error: cannot write to standard output")


def test_closed_standard_output_never_becomes_the_store(shell: Shell) -> None:
    shell.disk()
    command = " ".join(map(repr, shell.command("exec", 'State.save("a", "k", 1) print("poison") return "poison"')))
    assert shell.run(["sh", "-c", f"{command} <&- >&- 2>&-"]).status == 0
    assert shell("state", "get", "a", "k").out == "1\n"
    assert all(b"poison" not in path.read_bytes() for path in (shell.folder / "store").iterdir())


def test_output_is_utf8_in_every_locale(shell: Shell) -> None:
    for locale in ("C", "POSIX", "en_US.ISO-8859-1"):
        ran = shell("exec", 'print("ŝ") return "ŝ"', LC_ALL=locale, PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
        assert (ran.status, ran.out) == (0, "ŝ\nŝ\n")


def test_watch_runs_again_when_the_script_changes(shell: Shell) -> None:
    shell.file("a.lua", 'print("first")')
    process = shell.start("run", "a.lua", "--watch", "-q")
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"first\n"
        shell.file("a.lua", 'print("second") while true do end')
        assert process.stdout.readline() == b"second\n"
        shell.file("a.lua", 'print("third, while the second was still running")')
        assert process.stdout.readline() == b"third, while the second was still running\n"
    finally:
        process.send_signal(2)
        process.communicate(timeout=60)
    assert process.returncode == 130


def test_watch_needs_a_file(shell: Shell) -> None:
    assert shell("run", "-", "--watch").status == 2
