"""The line of every key, for every way TOML has of writing keys and values."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmspell.config.locate import locate
from llmspell.config.wording import quoted, toml_string


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a = 1", {"a": 1}),
        ("\n\n# a = 1\nb = 2 # c = 3", {"b": 4}),
        ("[a]\nb = 1", {"a": 1, "a.b": 2}),
        ("[ a . b ]\nc = 1", {"a": 1, "a.b": 1, "a.b.c": 2}),
        ("a.b . c = 1", {"a": 1, "a.b": 1, "a.b.c": 1}),
        ("[a]\n[b]\n[a.c]\nd = 1", {"a": 1, "b": 2, "a.c": 3, "a.c.d": 4}),
        ("[[a]]\nb = 1\n[[a]]\nb = 2", {"a": 1, "a[0]": 1, "a[0].b": 2, "a[1]": 3, "a[1].b": 4}),
        ("[[a]]\n[a.b]\nc = 1\n[[a]]\n[a.b]\nc = 2", {
            "a": 1, "a[0]": 1, "a[0].b": 2, "a[0].b.c": 3, "a[1]": 4, "a[1].b": 5, "a[1].b.c": 6,
        }),
        ("[[a]]\n[[a.b]]\n[[a.b]]\nc = 1", {"a": 1, "a[0]": 1, "a[0].b": 2, "a[0].b[0]": 2, "a[0].b[1]": 3, "a[0].b[1].c": 4}),
        ("'a.b'.\"c d\" = 1", {'"a.b"': 1, '"a.b"."c d"': 1}),
        ('"a\\"=]" = 1\nb = 2', {'"a\\"=]"': 1, "b": 2}),
        ('"\\u0061" = 1', {"a": 1}),
        ("a = [\n1, # ]\n\"]\", ']',\n[2]\n]\nb = 1", {"a": 1, "b": 6}),
        ('a = """\nb = 1\n\\""" x"""\nc = 2', {"a": 1, "c": 4}),
        ('a = """x"""""\nb = 1', {"a": 1, "b": 2}),
        ("a = '''x'''''\nb = 1", {"a": 1, "b": 2}),
        ("a = '''\n\\'''\nb = 1", {"a": 1, "b": 3}),
        ('a = ""\nb = \'\'\nc = """"""\nd = 1', {"a": 1, "b": 2, "c": 3, "d": 4}),
        ("a = '\\'\nb = 1", {"a": 1, "b": 2}),
        ("a = { b = 1, 'c=}' = [ { d = '}' } ] }\ne = 2", {"a": 1, "e": 2}),
        ("a = 1\r\n[b]\r\nc = 1\r\n", {"a": 1, "b": 2, "b.c": 3}),
        ("a = 1979-05-27T07:32:00Z\nb = 07:32:00\nc = inf", {"a": 1, "b": 2, "c": 3}),
        ("", {}),
        ("# only this", {}),
    ],
)  # fmt: skip
def test_a_key_is_found_on_its_line(text: str, lines: dict[str, int]) -> None:
    tomllib.loads(text)
    assert locate(text) == lines


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), min_size=1, max_size=6)
VALUES = st.sampled_from(
    [
        "1",
        "-1.5",
        "true",
        "1979-05-27",
        "'#'",
        '"\\"]"',
        "'''\n'''",
        '"""a\n\\"""\n"""',
        '""""\n"""""',
        "[1, 2]",
        "[\n'a', # x ]\n]",
        "{ x = 1 }",
        "{ 'y]' = [ '}', { } ] }",
        "[[ ], [\n[ ] ]]",
        "''",
    ]
)
STATEMENTS = st.tuples(st.sampled_from(["key", "key", "key", "table", "array", "comment"]), NAMES, VALUES)


def written(name: str, basic: bool) -> str:
    return '"' + toml_string(name).strip("'\"") + '"' if basic and name.isalnum() else quoted(name)


@given(st.lists(STATEMENTS, max_size=12), st.booleans(), st.sampled_from(["\n", "\r\n"]))
def test_keys_are_found_in_any_text(statements: list[tuple[str, str, str]], basic: bool, newline: str) -> None:
    """Texts are put together line by line, so that the line of every key is known."""
    text, table, expected, seen = "", "", {}, set()
    counts: dict[str, int] = {}
    for kind, raw, value in statements:
        line = text.count("\n") + 1
        name = written(raw, basic)
        shown = quoted(raw)
        if kind == "comment":
            text += "# = [ ' \"\n"
        elif kind == "key":
            if (table, shown) not in seen and not (not table and shown in counts):
                seen.add((table, shown))
                expected[f"{table}.{shown}" if table else shown] = line
                text += f"  {name} = {value} # '\n"
        elif kind == "table":
            if ("", shown) not in seen and shown not in counts:
                seen.add(("", shown))
                table = shown
                expected[table] = line
                text += f"[ {name} ]\n"
        elif ("", shown) not in seen:
            counts[shown] = counts.get(shown, -1) + 1
            expected.setdefault(shown, line)
            table = f"{shown}[{counts[shown]}]"
            expected[table] = line
            text += f"[[{name}]]\n"
    text = text.replace("\n", newline)
    tree: dict[str, Any] = tomllib.loads(text)
    assert locate(text) == expected
    assert {quoted(name) for name in tree} <= expected.keys()
