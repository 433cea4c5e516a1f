"""Scopes by text, and how they isolate."""

import pytest

from llmspell.errors import BadArgument, InvalidScope
from llmspell.state.manager import StateManager
from llmspell.state.scope import Scope

KINDS = [
    ("global", "global", "", "global"),
    ("system", "system", "", "system"),
    ("agent:a1", "agent", "a1", "agent:a1"),
    ("agent:a:b", "agent", "a:b", "agent:a:b"),
    ("workflow:w", "workflow", "w", "workflow:w"),
    ("session:0198-aa", "session", "0198-aa", "session:0198-aa"),
    ("user:größe", "user", "größe", "user:größe"),
    ("tool:t", "tool", "t", "tool:t"),
    ("hook:h", "hook", "h", "hook:h"),
    ("step:w:s", "step", "w:s", "step:w:s"),
    ("step:w:s:t", "step", "w:s:t", "step:w:s:t"),
    ("app", "custom", "app", "app"),
    ("custom:app", "custom", "app", "app"),
    ("step", "custom", "step", "step"),
    ("agent", "custom", "agent", "agent"),
    ("team:red", "custom", "team:red", "team:red"),
    ("custom:team:red", "custom", "team:red", "team:red"),
    (":x", "custom", ":x", ":x"),
    ("x:", "custom", "x:", "x:"),
    ("custom:global", "custom", "global", "custom:global"),
    ("custom:agent:a1", "custom", "agent:a1", "custom:agent:a1"),
    ("custom:custom:x", "custom", "custom:x", "custom:custom:x"),
    ("Global", "custom", "Global", "Global"),
    (" ", "custom", " ", " "),
]


@pytest.mark.parametrize(("text", "kind", "name", "canonical"), KINDS)
def test_text_names_a_scope(text: str, kind: str, name: str, canonical: str) -> None:
    scope = Scope.parse(text)
    assert (scope.kind, scope.name, scope.text) == (kind, name, canonical)


@pytest.mark.parametrize(("text", "canonical"), [(text, canonical) for text, _, _, canonical in KINDS])
def test_canonical_text_names_the_same_scope(text: str, canonical: str) -> None:
    assert Scope.parse(canonical) == Scope.parse(text)
    assert hash(Scope.parse(canonical)) == hash(Scope.parse(text))


@pytest.mark.parametrize(
    "text",
    ["", "agent:", "user:", "custom:", "step:w", "step:w:", "step::s", "step:", "global:x", "system:", "a\0b", "a\nb",
     "a\x7fb", "a\x85b", "\ud800", "x" * 480, "é" * 240],
)  # fmt: skip
def test_text_that_is_no_scope_is_refused(text: str) -> None:
    with pytest.raises(InvalidScope):
        Scope.parse(text)


@pytest.mark.parametrize("thing", [None, 5, b"global", ["global"]])
def test_what_is_no_text_is_a_bad_argument(thing: object) -> None:
    with pytest.raises(BadArgument, match="a scope must be text"):
        Scope.parse(thing)  # type: ignore[arg-type]


def test_constructors_and_texts_agree() -> None:
    assert Scope.global_() == Scope.parse("global")
    assert Scope.system() == Scope.parse("system")
    for make, kind in [
        (Scope.agent, "agent"), (Scope.user, "user"), (Scope.session, "session"), (Scope.workflow, "workflow"),
        (Scope.tool, "tool"), (Scope.hook, "hook"),
    ]:  # fmt: skip
        assert make("x").text == f"{kind}:x"
    assert Scope.step("w", "s:t").text == "step:w:s:t"
    assert Scope.custom("x") == Scope.parse("x")
    assert Scope.custom("global") != Scope.global_()


def test_constructors_refuse_empty_names() -> None:
    for make in (Scope.agent, Scope.user, Scope.custom, Scope.tool):
        with pytest.raises(InvalidScope):
            make("")
    with pytest.raises(InvalidScope, match="colon"):
        Scope.step("a:b", "c")


def test_parsing_many_scopes_keeps_memory_bounded() -> None:
    from llmspell.state import scope as module

    for number in range(10_000):
        Scope.parse(f"user:{number}")
    assert len(module._cache) <= 4096


NEIGHBOURS = ["a", "a:", "ab", "a b", "a\u00a0", "agent:a", "agent:ab", "agent:a:", "step:a:b", "step:a:bc", "session:a",
              "custom:agent:a", "custom:global", "global", "system", "a/b", "A"]  # fmt: skip


def test_scopes_never_touch_each_other(state: StateManager) -> None:
    for scope in NEIGHBOURS:
        for key in ("k", "k1", "\u00ff"):
            state.set(scope, key, [scope, key])
    assert set(state.list_scopes()) == set(NEIGHBOURS)
    for scope in NEIGHBOURS:
        assert state.list_keys(scope) == ["k", "k1", "\u00ff"]
        assert state.count(scope, prefix="k") == 2
        assert state.get(scope, "k") == [scope, "k"]
    for number, scope in enumerate(NEIGHBOURS):
        assert state.clear(scope) == 3
        assert set(state.list_scopes()) == set(NEIGHBOURS[number + 1 :])


def test_scopes_are_listed_by_prefix_in_byte_order(state: StateManager) -> None:
    for scope in ("user:b", "user:a", "users", "user", "agent:x"):
        state.set(scope, "k", 1)
    assert state.list_scopes() == sorted(["user:b", "user:a", "users", "user", "agent:x"], key=str.encode)
    assert state.list_scopes(prefix="user:") == ["user:a", "user:b"]
    assert state.list_scopes(prefix="user") == ["user", "user:a", "user:b", "users"]
    assert state.list_scopes(prefix="user\0k") == []
    assert state.list_scopes(prefix="x" * 1000) == []
