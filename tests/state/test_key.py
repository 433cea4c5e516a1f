"""Which keys there are."""

import pytest

from llmspell.errors import BadArgument, InvalidKey
from llmspell.state.key import state_key
from llmspell.state.manager import StateManager
from llmspell.state.scope import Scope

VALID = [
    "a", "_", "_a", "a__", "a b", " ", "a/b:c*?", "é", "\U0001f600", "x" * 256, "é" * 128, "\u2028", "\u00a0", "\u00ff",
]  # fmt: skip
INVALID = [
    "", "__", "__a", "\0", "a\0", "\n", "a\tb", "\x1f", "\x7f", "\x80", "\x9f", "x" * 257, "é" * 129, "\ud800", "__é",
]  # fmt: skip


@pytest.mark.parametrize("key", VALID)
def test_valid_keys_store_and_list(state: StateManager, key: str) -> None:
    state.set("s", key, "here")
    assert state.get("s", key) == "here"
    assert state.list_keys("s") == [key]
    assert state.delete("s", key)


@pytest.mark.parametrize("key", INVALID)
def test_invalid_keys_are_refused_everywhere(state: StateManager, key: str) -> None:
    for call in (
        lambda: state.set("s", key, 1),
        lambda: state.load("s", key),
        lambda: state.entry("s", key),
        lambda: state.exists("s", key),
        lambda: state.delete("s", key),
        lambda: state.increment("s", key),
        lambda: state.update("s", key, lambda payload: payload),
        lambda: state.history("s", key),
        lambda: state.load_at("s", key, 1),
    ):
        with pytest.raises(InvalidKey):
            call()
    assert state.version() == 0


@pytest.mark.parametrize("key", [None, 5, b"a", ["a"], 1.5, True])
def test_what_is_no_text_is_a_bad_argument(state: StateManager, key: object) -> None:
    with pytest.raises(BadArgument, match="a key must be text"):
        state.load("s", key)  # type: ignore[arg-type]


def test_scope_and_key_share_480_bytes(state: StateManager) -> None:
    longest = "u" * 224
    state.set(longest, "k" * 256, 1)
    assert state.get(longest, "k" * 256) == 1
    state.set(longest, "k" * 256, 2, ttl=5)
    assert [revision.version for revision in state.history(longest, "k" * 256)] == [2, 1]
    with pytest.raises(InvalidKey, match="481 bytes, the limit is 480"):
        state.set("u" * 225, "k" * 256, 1)
    state.set("u" * 479, "k", 1)
    with pytest.raises(InvalidKey):
        state.set("u" * 479, "kk", 1)


def test_messages_name_the_key() -> None:
    scope = Scope.parse("s")
    with pytest.raises(InvalidKey, match="'__secret' starts with '__'"):
        state_key(scope, "__secret")
    with pytest.raises(InvalidKey, match=r"'k{40}…' has 300 bytes, the limit is 256"):
        state_key(scope, "k" * 300)
    with pytest.raises(InvalidKey, match=r"'a\\nb' holds a control character"):
        state_key(scope, "a\nb")
