"""The LuaCATS stubs, read by a strict parser and by Lua itself."""

import lupa.lua54 as lupa
import pytest
from luacats_grammar import Broken, Stub
from sample_globals import ALL, Notes, Shredder

from llmspell.errors import by_code
from llmspell.globals import ALL as REAL
from llmspell.surface import luacats
from llmspell.surface.model import Anything, Global, camel_case


@pytest.fixture(scope="module")
def stub() -> Stub:
    return Stub(luacats.render(ALL))


def test_stub_of_the_globals_keeps_to_the_grammar() -> None:
    real = Stub(luacats.render(REAL))
    declared = {function.call for owner in REAL if "lua" in owner.languages for function in owner.functions}
    assert declared <= real.functions.keys()
    lupa.LuaRuntime(register_eval=False, register_builtins=False).execute(luacats.render(REAL))


def test_stub_is_lua_that_declares_every_name() -> None:
    lua = lupa.LuaRuntime(register_eval=False, register_builtins=False)
    lua.execute(luacats.render(ALL))
    notes = lua.globals().Notes
    assert {name for name, _ in notes.items()} == {
        spelling
        for part in (Notes, Shredder)
        for function in part.functions
        for spelling in (function.name, camel_case(function.name))
    } | {"kinds"}
    assert lua.globals().Notes.kinds.listAll
    assert lua.globals().sleep_for
    assert lua.globals().sleepFor


def test_parameters_follow_the_declaration(stub: Stub) -> None:
    assert stub.functions["Notes.save"] == [
        ("scope", False, "string"),
        ("key", False, "string"),
        ("value", False, "llmspell.Storable"),
        ("options", True, "Notes.save.Options"),
    ]
    assert stub.functions["Notes.pages"] == [("after", True, "string"), ("limit", True, "integer")]
    assert stub.functions["Notes.watch"][1] == ("handler", True, "fun(...: any): any")
    assert stub.functions["Notes.create"][1:] == [
        ("metadata", False, "table<string, llmspell.Storable>"),
        ("options", False, "Notes.create.Options"),
    ]


def test_parameters_named_like_keywords_are_renamed(stub: Stub) -> None:
    assert [name for name, _, _ in stub.functions["Notes.import"]] == ["function_", "data", "parts"]


def test_options_have_both_spellings(stub: Stub) -> None:
    assert stub.fields["Notes.save.Options"] == {
        "ttl": (True, "number"),
        "if_version": (True, "integer"),
        "ifVersion": (True, "integer"),
        "priority": (True, "llmspell.Priority"),
    }


def test_options_that_must_be_given_are_not_marked_optional(stub: Stub) -> None:
    assert stub.fields["Notes.create.Options"] == {
        "owner": (False, "string"),
        "due_at": (True, "llmspell.Moment"),
        "dueAt": (True, "llmspell.Moment"),
        "extra": (True, "llmspell.Storable"),
    }


def test_results_follow_the_declaration(stub: Stub) -> None:
    assert "Notes.save" not in stub.results
    assert stub.results["Notes.load"] == "llmspell.Value"
    assert stub.results["Notes.get_note"] == "llmspell.Note?"
    assert stub.results["Notes.pages"] == "llmspell.Page[]"
    assert stub.results["Notes.shred"] == "table<string, integer>"
    assert stub.results["Notes.delete"] == "(string?)[]"


def test_records_and_choices_follow_the_declaration(stub: Stub) -> None:
    assert stub.fields["llmspell.Note"] == {
        "id": (False, "integer"),
        "body": (True, "llmspell.Value"),
        "priority": (False, "llmspell.Priority"),
        "authors": (False, "llmspell.Author[]"),
        "from": (False, "string"),
        "weight": (True, "number"),
        "digest": (False, "string"),
        "labels": (False, "table<string, string>"),
        "remark": (True, "llmspell.Value"),
    }
    assert stub.fields["llmspell.Author"] == {"name": (False, "string"), "email": (True, "string")}
    assert stub.aliases["llmspell.Priority"] == '"high"|"low"'


def test_twins_take_and_give_the_same(stub: Stub) -> None:
    assert stub.functions["Notes.listKeys"] == stub.functions["Notes.list_keys"]
    assert stub.results["Notes.listKeys"] == stub.results["Notes.list_keys"]
    assert stub.functions["sleepFor"] == stub.functions["sleep_for"]
    assert stub.docs["Notes.listKeys"] == "Keys in byte order.\n\nThe same as `Notes.list_keys`."


def test_docstrings_defaults_and_requirements_are_shown(stub: Stub) -> None:
    assert stub.docs["Notes"].startswith("Durable notes.\n\nA second paragraph")
    assert stub.docs["Notes.save"] == "Keep `value` until it is replaced.\n\nDurable when the call has returned."
    assert stub.docs["Notes.shred"].endswith("Absent unless the configuration sets `[notes] shredder`.")
    text = luacats.render(ALL)
    assert "---@param limit? integer default: 100\n" in text
    assert '---@field priority? llmspell.Priority default: "low"\n' in text
    assert '---@field tags? string[] default: {"all"}\n' in text


def test_natives_are_declared_where_they_exist(stub: Stub) -> None:
    assert stub.variables == {
        "Notes.empty": "llmspell.Note",
        "Notes.mark": "fun(t: table): table",
        "print": "fun(...: any)",
        "args": "string[]",
        "Notes.kinds.most_common": "string",
        "Notes.kinds.mostCommon": "string",
        "Notes.kinds.pen": "llmspell.Pen",
    }


def test_handles_have_methods_and_groups_have_members(stub: Stub) -> None:
    assert stub.fields["llmspell.Pen"] == {}
    assert (
        stub.functions["Pen:set_ink"]
        == stub.functions["Pen:setInk"]
        == [
            ("colour", False, "string"),
            ("shades", True, "table<string, llmspell.Storable>"),
            ("options", True, "Pen.set_ink.Options"),
        ]
    )
    assert stub.fields["Pen.set_ink.Options"].keys() == {"as_default", "asDefault"}
    assert stub.results["Pen:nibs"] == "llmspell.Nib[]"
    assert stub.results["Notes.find_pen"] == "llmspell.Pen?"
    assert [type_ for _, _, type_ in stub.functions["Notes.sign"]] == [
        "string",
        "llmspell.Pen",
        "llmspell.Priority|llmspell.Pen",
    ]
    assert stub.functions["Notes.find_pen"] == [("name", False, "string|llmspell.Pen")]
    assert stub.docs["Notes.kinds"] == "The kinds of notes there are."
    assert stub.results["Notes.kinds.list_all"] == "string[]"


def test_every_error_code_is_a_choice(stub: Stub) -> None:
    assert stub.aliases["llmspell.ErrorCode"].count('"') == 2 * len(by_code())


def test_globals_of_other_languages_are_left_out() -> None:
    class Elsewhere(Global):
        """Not for Lua."""

        name = "Elsewhere"
        languages = ("javascript",)

        def go(self) -> Anything:
            """Go."""

    assert "Elsewhere" not in luacats.render([Elsewhere])


@pytest.mark.parametrize(
    "block",
    [
        "---@param a string\nfunction f(b) end",
        "---@param a string\n---@param b string\nfunction f(b, a) end",
        "---@param a string\nfunction f(a, b) end",
        "---@param a strin\nfunction f(a) end",
        "---@param a string|\nfunction f(a) end",
        "---@param a table<string\nfunction f(a) end",
        "---@param a fun(b: llmspell.Nothing)\nfunction f(a) end",
        "---@param a string[\nfunction f(a) end",
        "---@param a\nfunction f(a) end",
        "---@returns string\nfunction f() end",
        "---@return string\n---@return string\nfunction f() end",
        "function f() end\n\nfunction f() end",
        "---@class A\n---@field b string\n---@field b string",
        "---@class A\n\n---@alias A string",
        "---@class A\nB = {}",
        '---@alias A\n---| "x"\n---| "x"',
        "---@alias A",
        "---@type string\nB = {}",
        "function Nowhere.f() end",
        "function Nowhere:f() end",
        "---@class llmspell.A\nlocal B = {}",
        "local x = 5",
    ],
)
def test_parser_refuses_broken_stubs(block: str) -> None:
    Stub(luacats.render([]))
    with pytest.raises(Broken):
        Stub(luacats.render([]) + "\n" + block + "\n")
