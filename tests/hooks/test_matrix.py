"""Every point with every kind of result, said by a hook in Lua, in JavaScript and in Python."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from llmspell.errors import Cancelled, LlmspellError
from llmspell.hooks.hooks import Hooks
from llmspell.hooks.points import KINDS, POINTS, STATE, decides, meanings
from llmspell.runtime import Runtime
from llmspell.surface.model import Anything, Global
from llmspell.values import decode
from tests.languages.engine import open_runtime

SAID = {
    "continue": ['nil', '"continue"', '{type = "continue"}'],
    "skip": ['"skip"', '{type = "skipped", reason = "not mine"}'],
    "modified": ['{type = "modified", data = {new_value = 5, value = 5, extra = {1}}}'],
    "cancel": ['"no"', '{type = "cancel", reason = "no"}'],
    "replace": ['{type = "replace", data = {a = {1, 2}}}'],
    "redirect": ['{type = "redirect", target = {scope = "other", key = "there"}}'],
    "retry": ['{type = "retry", delay_ms = 1, max_attempts = 2}'],
    "cache": ['{type = "cache", ttl = 60}'],
}  # fmt: skip
"""What a hook returns, in Lua's words."""


def in_javascript(lua: str) -> str:
    words = lua.replace("nil", "null").replace(" = ", ": ").replace("{1, 2}", "[1, 2]").replace("{1}", "[1]")
    return f"({words})"


class Happening(Global):
    """Lets a script make something happen, as a service would: `Happening.fire(point, data)` gives what came of it."""

    name = "Happening"

    def __init__(self, hooks: Hooks) -> None:
        self.hooks = hooks

    def fire(self, point: str, data: Anything) -> Anything:
        """Fire a point."""
        outcome = self.hooks.fire(point, data, component=("tool", "t"))
        return {
            "kind": outcome.kind, "reason": outcome.reason, "data": outcome.data, "value": outcome.value,
            "target": None if outcome.target is None else list(outcome.target), "ttl": outcome.ttl,
        }  # fmt: skip


class Bench:
    """One language on a runtime: `run` registers a hook that says something at a point, then does something."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.warnings: list[tuple[str, dict[str, Any]]] = []
        self.runtime = open_runtime(state__performance__async_hooks=False)
        self.runtime.hooks.warn = lambda message, fields: self.warnings.append((message, fields))
        globals_of = Runtime.globals
        self.runtime.globals = lambda language="": [*globals_of(self.runtime, language), Happening(self.runtime.hooks)]  # type: ignore[method-assign]

    def run(self, point: str, said: str, does: str) -> tuple[Any, int]:
        """What `does`, an expression of the language, gives, and how often the hook was called."""
        state = self.runtime.state
        for scope in state.list_scopes():
            state.clear(scope)
        state.set("app", "k", "old")
        self.warnings.clear()
        if self.language == "python":
            calls: list[int] = []
            value = self.value(said)
            hook = self.runtime.hooks.register(point, lambda _: (calls.append(1), value)[1], name="it")
            try:
                return decode(self.runtime.run(f"return {does}".encode(), name="a.lua")), len(calls)
            finally:
                self.runtime.hooks.unregister(hook)
        if self.language == "lua":
            source = f"""
                local calls = 0
                Hook.register("{point}", function() calls = calls + 1 return {said} end, {{name = "it"}})
                local result = {does}
                return {{result = result, calls = calls}}"""
        else:
            source = f"""
                let calls = 0
                Hook.register("{point}", () => {{ calls++; return {in_javascript(said)} }}, {{name: "it"}});
                ({{result: {does} ?? null, calls}})"""
        got = decode(self.runtime.run(source.encode(), name="a.lua" if self.language == "lua" else "a.js"))
        return got.get("result"), got["calls"]

    def fire(self, said: str) -> list[tuple[str, dict[str, Any], int]]:
        """Every point that services fire, what came of it, and how often the hook was called."""
        self.warnings.clear()
        if self.language == "python":
            return self._fire_from_python(said)
        if self.language == "lua":
            source = f"""
                local all = {{}}
                for _, point in ipairs(args) do
                    local calls = 0
                    local hook = Hook.register(point, function() calls = calls + 1 return {said} end, {{name = "it"}})
                    local came = Happening.fire(point, {{tool = "t", new_value = 1}})
                    hook:unregister()
                    all[#all + 1] = {{point = point, came = came, calls = calls}}
                end
                return all"""
        else:
            source = f"""
                args.map((point) => {{
                    let calls = 0
                    const hook = Hook.register(point, () => {{ calls++; return {in_javascript(said)} }}, {{name: "it"}})
                    const came = Happening.fire(point, {{tool: "t", new_value: 1}})
                    hook.unregister()
                    return {{point, came, calls}}
                }})"""
        name = "a.lua" if self.language == "lua" else "a.js"
        return [
            (one["point"], one["came"], one["calls"])
            for one in decode(self.runtime.run(source.encode(), name=name, args=FIRED))
        ]

    def _fire_from_python(self, said: str) -> list[tuple[str, dict[str, Any], int]]:
        value, hooks, all_ = self.value(said), self.runtime.hooks, []
        for point in FIRED:
            calls: list[int] = []
            hook = hooks.register(point, lambda _, calls=calls: (calls.append(1), value)[1], name="it")  # type: ignore[misc]
            all_.append((point, Happening(hooks).fire(point, {"tool": "t", "new_value": 1}), len(calls)))
            hooks.unregister(hook)
        return all_

    def value(self, said: str) -> Any:
        return decode(self.runtime.run(f"return {said}".encode(), name="a.lua"))


@pytest.fixture(params=["lua", "javascript", "python"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    bench = Bench(request.param)
    yield bench
    bench.runtime.close()


def expected(point: str, kind: str) -> dict[str, Any]:
    """What comes of a point that a service fires."""
    data: dict[str, Any] = {"tool": "t", "new_value": 1}
    came: dict[str, Any] = {"kind": "continue", "reason": "", "data": data, "ttl": 0.0}
    if kind not in meanings(point):
        return came
    if kind == "modified":
        data |= {"new_value": 5, "value": 5, "extra": [1]}
    elif kind == "cancel":
        came |= {"kind": "cancel", "reason": "no"}
    elif kind == "replace":
        came |= {"kind": "replace", "value": {"a": [1, 2]}}
    elif kind == "redirect":
        came["target"] = ["other", "there"]
        data |= {"scope": "other", "key": "there"}
    elif kind == "cache":
        came["ttl"] = 60.0
    return came


FIRED = [point for point in POINTS if point not in STATE]


@pytest.mark.parametrize("kind", KINDS)
def test_points_that_a_service_fires(bench: Bench, kind: str) -> None:
    for said in SAID[kind]:
        all_ = bench.fire(said)
        assert [point for point, _, _ in all_] == FIRED
        for point, came, calls in all_:
            got = {name: value for name, value in came.items() if value is not None}
            assert got == expected(point, kind), (point, said)
            assert calls == (2 if kind == "retry" else 1), (point, said)
        warned = [fields["point"] for _, fields in bench.warnings]
        assert warned == [point for point in FIRED if kind == "retry" or kind not in meanings(point)]


def ok(value: Any) -> Callable[[Bench, Any], None]:
    def check(bench: Bench, result: Any) -> None:
        assert result == value
        assert bench.runtime.state.get("app", "k") == "old"

    return check


def stored(value: Any, scope: str = "app", key: str = "k") -> Callable[[Bench, Any], None]:
    def check(bench: Bench, _: Any) -> None:
        assert bench.runtime.state.get(scope, key) == value
        if (scope, key) != ("app", "k"):
            assert bench.runtime.state.get("app", "k") == "old"

    return check


SAVE = 'State.save("app", "k", "new")'
LOAD = 'State.load("app", "k")'
DELETE = 'State.delete("app", "k")'
CONFLICT = {
    "lua": 'State.save("app", "k", "new", {if_version = 0})',
    "javascript": 'State.save("app", "k", "new", {ifVersion: 0})',
}

CASES: dict[tuple[str, str], tuple[str, Any]] = {
    ("BeforeStateRead", "continue"): (LOAD, ok("old")),
    ("BeforeStateRead", "skip"): (LOAD, ok("old")),
    ("BeforeStateRead", "modified"): (LOAD, ok(5)),
    ("BeforeStateRead", "cancel"): (LOAD, "cancelled"),
    ("BeforeStateRead", "replace"): (LOAD, ok({"a": [1, 2]})),
    ("BeforeStateRead", "redirect"): (LOAD, ok(None)),
    ("BeforeStateRead", "retry"): (LOAD, ok("old")),
    ("BeforeStateRead", "cache"): (LOAD, ok("old")),
    ("AfterStateRead", "continue"): (LOAD, ok("old")),
    ("AfterStateRead", "skip"): (LOAD, ok("old")),
    ("AfterStateRead", "modified"): (LOAD, ok(5)),
    ("AfterStateRead", "cancel"): (LOAD, "cancelled"),
    ("AfterStateRead", "replace"): (LOAD, ok({"a": [1, 2]})),
    ("AfterStateRead", "redirect"): (LOAD, ok("old")),
    ("AfterStateRead", "retry"): (LOAD, ok("old")),
    ("AfterStateRead", "cache"): (LOAD, ok("old")),
    ("BeforeStateWrite", "continue"): (SAVE, stored("new")),
    ("BeforeStateWrite", "skip"): (SAVE, stored("new")),
    ("BeforeStateWrite", "modified"): (SAVE, stored(5)),
    ("BeforeStateWrite", "cancel"): (SAVE, "cancelled"),
    ("BeforeStateWrite", "replace"): (SAVE, stored({"a": [1, 2]})),
    ("BeforeStateWrite", "redirect"): (SAVE, stored("new", "other", "there")),
    ("BeforeStateWrite", "retry"): (SAVE, stored("new")),
    ("BeforeStateWrite", "cache"): (SAVE, stored("new")),
    ("BeforeStateDelete", "continue"): (DELETE, stored(None)),
    ("BeforeStateDelete", "skip"): (DELETE, stored(None)),
    ("BeforeStateDelete", "modified"): (DELETE, stored(5)),
    ("BeforeStateDelete", "cancel"): (DELETE, "cancelled"),
    ("BeforeStateDelete", "replace"): (DELETE, stored({"a": [1, 2]})),
    ("BeforeStateDelete", "redirect"): (DELETE, stored("old")),
    ("BeforeStateDelete", "retry"): (DELETE, stored(None)),
    ("BeforeStateDelete", "cache"): (DELETE, stored(None)),
    **{("AfterStateWrite", kind): (SAVE, stored("new")) for kind in KINDS},
    **{("AfterStateDelete", kind): (DELETE, stored(None)) for kind in KINDS},
    ("StateConflict", "continue"): ("conflict", "conflict"),
    ("StateConflict", "skip"): ("conflict", "conflict"),
    ("StateConflict", "modified"): ("conflict", stored(5)),
    ("StateConflict", "cancel"): ("conflict", "cancelled"),
    ("StateConflict", "replace"): ("conflict", stored({"a": [1, 2]})),
    ("StateConflict", "redirect"): ("conflict", stored("new", "other", "there")),
    ("StateConflict", "retry"): ("conflict", "conflict"),
    ("StateConflict", "cache"): ("conflict", "conflict"),
}  # fmt: skip


def test_the_cases_are_every_point_of_the_state_with_every_kind() -> None:
    assert set(CASES) == {(point, kind) for point in STATE for kind in KINDS}


@pytest.mark.parametrize("point", STATE)
def test_points_of_the_state(bench: Bench, point: str) -> None:
    for kind in KINDS:
        does, check = CASES[point, kind]
        if does == "conflict":
            does = CONFLICT["javascript" if bench.language == "javascript" else "lua"]
        for said in SAID[kind]:
            if isinstance(check, str):
                with pytest.raises(LlmspellError) as raised:
                    bench.run(point, said, does)
                assert raised.value.code == check, (point, said)
                if check == Cancelled.code:
                    assert raised.value.message == "cancelled by the hook 'it': no"
                assert bench.runtime.state.get("app", "k") == "old"
            else:
                result, calls = bench.run(point, said, does)
                assert calls == (2 if kind == "retry" else 1), (point, said)
                check(bench, result)
            warned = kind == "retry" or kind not in meanings(point)
            assert bool(bench.warnings) == warned, (point, said, bench.warnings)


def test_what_a_cached_read_means(bench: Bench) -> None:
    for point in ("BeforeStateRead", "AfterStateRead"):
        _, calls = bench.run(
            point,
            SAID["cache"][0],
            f"{{{LOAD}, {LOAD}, {LOAD}}}" if bench.language != "javascript" else f"[{LOAD}, {LOAD}, {LOAD}]",
        )
        assert calls == 1


def test_only_before_points_and_those_that_ask_decide() -> None:
    asked = {point for point in POINTS if decides(point)}
    assert {point for point in POINTS if point.startswith("Before")} < asked
    assert asked - {point for point in POINTS if point.startswith("Before")} == {
        "AfterStateRead",
        "StateConflict",
        "ToolValidation",
    }
