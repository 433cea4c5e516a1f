"""The reference pages: complete, and whole as Markdown."""

import re
from pathlib import Path

import pytest
from sample_globals import ALL

from llmspell import config
from llmspell.errors import by_code
from llmspell.globals import ALL as REAL
from llmspell.runtime import Runtime
from llmspell.surface import markdown
from llmspell.surface.model import Global, Payload

PAGES = {"sample": markdown.render(ALL), "scripts": markdown.render(REAL), "errors": markdown.render_errors()}


def section(page: str, heading: str) -> str:
    _, _, rest = page.partition(f"\n{heading}\n")
    assert rest, f"no section {heading}"
    return re.split(r"^#+ ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def outside_code(page: str) -> list[str]:
    return re.sub(r"^```.*?^```$", "", page, flags=re.DOTALL | re.MULTILINE).splitlines()


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_to_a_heading(name: str) -> None:
    headings = [line.lstrip("# ") for line in outside_code(PAGES[name]) if line.startswith("#")]
    anchors = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    assert len(anchors) == len(set(anchors)), "two headings have one anchor"
    links = re.findall(r"\]\(#([^)]*)\)", PAGES[name])
    assert set(links) <= set(anchors)


@pytest.mark.parametrize("name", PAGES)
def test_every_row_has_the_columns_of_its_table(name: str) -> None:
    columns = 0
    for line in outside_code(PAGES[name]):
        if not line.startswith("|"):
            columns = 0
            continue
        count = len(re.findall(r"(?<!\\)\|", line)) - 1
        columns = columns or count
        assert count == columns, line


@pytest.mark.parametrize("name", PAGES)
def test_code_blocks_are_closed(name: str) -> None:
    fences = re.findall(r"^```.*$", PAGES[name], re.MULTILINE)
    assert all(fence != "```" for fence in fences[::2])
    assert all(fence == "```" for fence in fences[1::2])


def test_function_shows_calls_docs_arguments_options_and_result() -> None:
    assert section(PAGES["sample"], "### `Notes.list_keys`") == (
        "\n```lua\nNotes.list_keys(scope, {prefix, after_key, limit})\n```\n"
        "```javascript\nNotes.listKeys(scope, {prefix, afterKey, limit})\n```\n\n"
        "Keys in byte order.\n\n"
        "| argument | type | default |\n|---|---|---|\n| `scope` | text | required |\n\n"
        "| option | type | default |\n|---|---|---|\n"
        '| `prefix` | text | `""` |\n| `after_key`, `afterKey` | text | `""` |\n| `limit` | integer | `1000` |\n\n'
        "Result: list of text.\n\n"
    )


def test_call_that_both_languages_spell_alike_is_shown_once() -> None:
    assert section(PAGES["sample"], "### `Notes.pages`").startswith(
        "\n```lua\nNotes.pages(after?, limit?)\n```\n\nPages"
    )


def test_function_of_one_language_is_shown_in_it() -> None:
    page = PAGES["sample"]
    assert "In Lua only." in section(page, "## JSON")
    assert section(page, "### `JSON.stringify`").count("```") == 2


def test_function_that_must_be_enabled_names_the_key() -> None:
    assert "Absent unless the configuration sets `[notes] shredder`." in section(PAGES["sample"], "### `Notes.shred`")


def test_records_say_which_fields_are_always_present() -> None:
    text = section(PAGES["sample"], "### Record Note")
    assert "| `id` | integer | always |" in text
    assert "| `weight` | number | at times |" in text
    assert "| `remark` | any value | at times |" in text
    assert "| `authors` | list of [Author](#record-author) | always |" in text
    assert 'One of `"high"`, `"low"`.' in section(PAGES["sample"], "### Choice Priority")


def test_handles_groups_and_constants_have_their_place() -> None:
    page = PAGES["sample"]
    assert section(page, "### Object Pen").strip() == "Something to sign with."
    assert section(page, "### `Pen.set_ink`").startswith(
        "\n```lua\nPen:set_ink(colour, shades?, {as_default})\n```\n"
        "```javascript\nPen.setInk(colour, shades?, {asDefault})\n```\n\nFill it."
    )
    assert "Result: list of [Nib](#object-nib)." in section(page, "### `Pen.nibs`")
    assert "| `how` | [Priority](#choice-priority) or [Pen](#object-pen) |" in section(page, "### `Notes.sign`")
    assert section(page, "## Notes.kinds").strip() == "The kinds of notes there are."
    assert section(page, "### `Notes.kinds.pen`").strip() == "The pen of the house.\n\nAlways [Pen](#object-pen)."
    assert "[pen](#noteskindspen)" in page


def test_pipes_in_declared_text_do_not_break_tables() -> None:
    class Pipes(Global):
        """Pipes."""

        name = "Pipes"

        def join(self, text: str = "a|b") -> Payload:
            """Join."""

    assert '| `text` | text | `"a\\|b"` |' in markdown.render([Pipes])


@pytest.mark.parametrize("name", ["scripts", "errors"])
def test_every_error_has_its_row(name: str) -> None:
    for code, cls in by_code().items():
        meaning = " ".join((cls.__doc__ or "").split("\n\n")[0].split())
        assert f"| `{code}` | {cls.exit_status} | {meaning} | {cls.default_hint} |" in PAGES[name]


def test_everything_declared_is_in_the_reference() -> None:
    for owner in REAL:
        for function in owner.functions:
            assert function.doc, f"{function.call} has no docstring"
            assert function.doc in section(PAGES["scripts"], f"### `{function.call}`")


@pytest.mark.parametrize("language", ["lua", "javascript"])
def test_example_of_catching_an_error_works(language: str, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (source,) = re.findall(rf"^```{language}\n(.*?)^```$", markdown.ERRORS, re.DOTALL | re.MULTILINE)
    with Runtime(config.load(environ={}, cwd=str(tmp_path))) as runtime:
        runtime.run(source.encode(), name="example", language=language)
    assert capfd.readouterr().out.startswith("not saved: State.save: ")
