# ruff: noqa: E501 - a script stays in one line
"""Handles, groups and constants: what the host keeps and scripts hold, in both languages."""

from collections.abc import Iterator
from typing import Any

import pytest

from llmspell import values
from llmspell.errors import ScriptError
from llmspell.languages.grants import Grants
from llmspell.languages.javascript import JavaScript
from llmspell.languages.language import Language, Limits, Services, Stop
from llmspell.languages.lua import Lua
from llmspell.surface import host
from llmspell.surface.hint import missing_hint
from llmspell.surface.model import Anything, Assembly, Choice, Global, Handle, Payload, Record


class Size(Choice):
    """How large."""

    values = ("small", "large")


class Lid(Handle):
    """What closes a box."""

    def is_shut(self) -> bool:
        """Whether it is shut."""
        return True


class Box(Handle):
    """Something that holds values."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._items: list[Any] = []
        self._lid = Lid()

    def __str__(self) -> str:
        return f"Box {self._name}"

    def name(self) -> str:
        """Its name."""
        return self._name

    def put_in(self, item: Anything, times: int = 1, *, at_front: bool = False) -> int:
        """Put something in; how much there is now."""
        self._items = [item] * times + self._items if at_front else self._items + [item] * times
        return len(self._items)

    def items(self) -> list[Anything]:
        """What is in it."""
        return self._items

    def echo(self, one: Payload, two: Payload) -> Payload:
        """The second one."""
        return two

    def lid(self) -> Lid:
        """Its lid."""
        return self._lid

    def lids(self, count: int) -> list[Lid]:
        """Its lid, so many times."""
        return [self._lid] * count


class Store(Global):
    """Boxes."""

    name = "Store"

    def __init__(self) -> None:
        self.made: list[Box] = []

    def make(self, name: str) -> Box:
        """A new box."""
        self.made.append(Box(name))
        return self.made[-1]

    def find(self, name: str) -> Box | None:
        """The box of a name."""
        return next((box for box in self.made if box.name() == name), None)

    def describe(self, box: Box, other: Box | None = None) -> str:
        """Both names."""
        return f"{box.name()} {other.name() if other else None}"

    def named(self, box: str | Box, size: Size | Lid = Size("small")) -> str:  # noqa: B008
        """The name of a box, or the name."""
        return f"{box if isinstance(box, str) else box.name()} {size}"

    def store(self, value: Payload, *, also: Anything = None) -> Payload:
        """The same."""
        return value


class Packer(Global):
    """Handles in options."""

    name = "Packer"

    def pack(
        self, name: str, *, box: Box | None = None, size: Size | Lid = Size("small"), inside: Assembly = None,  # noqa: B008
        note: Anything = None, raw: Payload = b"",
    ) -> list[Anything]:  # fmt: skip
        """What came."""

        def told(value: Any) -> Any:
            if isinstance(value, Handle):
                return f"<{value}>"
            if isinstance(value, dict):
                return {key: told(item) for key, item in value.items()}
            return [told(item) for item in value] if isinstance(value, list) else value

        return [name, told(box), told(size) if isinstance(size, Handle) else str(size), told(inside), note, bool(raw)]


class Shelf(Global):
    """A group with constants."""

    name = "Store.shelf"

    def __init__(self) -> None:
        self._box = Box("first")

    @property
    def first_box(self) -> Box:
        """The box that is always there."""
        return self._box

    @property
    def height(self) -> int:
        """In boxes."""
        return 3

    def count(self) -> int:
        """How many."""
        return 1


class Bench:
    """One language with the store, and nothing else."""

    def __init__(self, language: type[Language]) -> None:
        self.bugs: list[BaseException] = []
        self.printed = b""
        services = Services(write=self._write, report_bug=self.bugs.append, grants=Grants(), stop=Stop())
        self.store = Store()
        self.language = language([self.store, Shelf(), Packer()], Limits(), services)
        self.is_lua = language is Lua

    def _write(self, _stream: int, data: bytes) -> None:
        self.printed += data

    def __call__(self, lua: str, javascript: str) -> Any:
        source = lua if self.is_lua else javascript
        return values.decode(self.language.run(source.encode(), "bench" + self.language.suffixes[0], []))

    def refused(self, lua: str, javascript: str) -> str:
        with pytest.raises(ScriptError) as caught:
            self(lua, javascript)
        assert self.bugs == []
        return f"{caught.value.code}: {caught.value}"


@pytest.fixture(params=[Lua, JavaScript], ids=["lua", "javascript"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    made = Bench(request.param)
    yield made
    assert made.bugs == []
    made.language.close()


def test_methods_check_and_return_as_functions_do(bench: Bench) -> None:
    assert bench(
        "local b = Store.make('a') b:put_in({1}) b:putIn('x', 2, {at_front = true}) return {b:name(), b:items()}",
        "const b = Store.make('a'); b.put_in([1]); b.putIn('x', 2, {atFront: true}); [b.name(), b.items()]",
    ) == ["a", ["x", "x", [1]]]
    number = "a number"
    assert bench.refused("Store.make('a'):put_in(1, 'x')", "Store.make('a').put_in(1, 'x')") == (
        "bad_argument: Box.put_in: times (argument 2) must be an integer, got a string"
    )
    assert bench.refused("Store.make('a'):put_in(1, 2, 3)", "Store.make('a').put_in(1, 2, 3)").endswith(
        f"the options (argument 3) must be {'a table' if bench.is_lua else 'an object'}, got {number}"
    )
    assert bench.refused("Store.make('a'):name(1)", "Store.make('a').name(1)").endswith(
        "takes at most 0 arguments, got more"
    )
    assert bench.refused("Store.make('a'):put_in({}, print)", "Store.make('a').put_in({}, print)").endswith(
        "times (argument 2) must be an integer, got a function"
    )
    assert "two (argument 2) is missing" in bench.refused("Store.make('a'):echo(1)", "Store.make('a').echo(1)")


def test_a_handle_is_the_same_whenever_it_comes(bench: Bench) -> None:
    assert bench(
        "local b = Store.make('a') return {b == Store.find('a'), Store.find('b') == nil, b:lid() == b:lids(2)[2], #b:lids(0), b ~= Store.make('c')}",
        "const b = Store.make('a'); [b === Store.find('a'), Store.find('b') === null, b.lid() === b.lids(2)[1], b.lids(0).length, b !== Store.make('c')]",
    ) == [True, True, True, 0, True]


def test_functions_take_handles_and_nothing_in_their_place(bench: Bench) -> None:
    assert bench(
        "local a, b = Store.make('a'), Store.make('b') return {Store.describe(a), Store.describe(a, b), Store.describe(a, nil)}",
        "const a = Store.make('a'), b = Store.make('b'); [Store.describe(a), Store.describe(a, b), Store.describe(a, null)]",
    ) == ["a None", "a b", "a None"]
    table = "a table" if bench.is_lua else "an object"
    for text, got in (("1", "a number"), ("0", "a number"), ("'a'", "a string"), ("true", "a boolean"), ("{}", table)):
        refused = bench.refused(f"Store.describe({text})", f"Store.describe({text})")
        assert refused == f"bad_argument: Store.describe: box (argument 1) must be a Box, got {got}"
    assert bench.refused("Store.describe()", "Store.describe()").endswith(
        "box (argument 1) is missing; it must be a Box"
    )
    assert bench.refused("Store.describe(Store)", "Store.describe(Store)").endswith(f"must be a Box, got {table}")
    assert bench.refused("Store.describe(Store.make('a'):lid())", "Store.describe(Store.make('a').lid())").endswith(
        "box (argument 1) must be a Box, got a Lid"
    )


def test_text_may_stand_in_the_place_of_a_handle_where_it_is_declared_so(bench: Bench) -> None:
    assert bench(
        "local a = Store.make('a') return {Store.named(a), Store.named('ü'), Store.named('x', 'large'), Store.named('x', a:lid())}",
        "const a = Store.make('a'); [Store.named(a), Store.named('ü'), Store.named('x', 'large'), Store.named('x', a.lid())]",
    ) == ["a small", "ü small", "x large", "x Lid"]
    assert bench.refused("Store.named(1)", "Store.named(1)").endswith("must be a string or a Box, got a number")
    assert bench.refused("Store.named('a', 'huge')", "Store.named('a', 'huge')").endswith(
        "size (argument 2) must be one of small, large, got 'huge'"
    )


def test_methods_are_called_on_their_own_object_only(bench: Bench) -> None:
    alone = bench.refused("local name = Store.make('a').name return name()", "const { name } = Store.make('a'); name()")
    assert alone == "bad_argument: Box.name: what it is called on is missing; it must be a Box"
    for lua, javascript in (
        ("local b = Store.make('a') b.name(b:lid())", "const b = Store.make('a'); b.name.call(b.lid())"),
        ("Store.make('a').name({})", "Store.make('a').name.call({})"),
        ("Store.make('a').name(0)", "Store.make('a').name.call(0)"),
        ("Store.make('a').name(setmetatable({}, {__index = Store.make('b')}))", "Store.make('a').name.call(Object.create(Store.make('b')))"),
        ("Store.make('a').name(Store.make)", "Store.make('a').name.call(new Proxy(Store.make('b'), {}))"),
    ):  # fmt: skip
        assert "Box.name: what it is called on must be a Box, got" in bench.refused(lua, javascript)


def test_handles_are_frozen(bench: Bench) -> None:
    changes = (
        ("b.name = 1", "b.name = 1"), ("b.other = 1", "b.other = 1"), ("rawset(b, 'name', 1)", "delete Object.getPrototypeOf(b).name; Object.getPrototypeOf(b).other = 1"),
        ("Store.shelf.height = 4", "Store.shelf.height = 4"), ("Store.shelf = 4", "Store.shelf = 4"), ("Store.shelf.x = 4", "Store.shelf.x = 4"),
    )  # fmt: skip
    for lua, javascript in changes:
        refused = bench.refused(
            f"local b = Store.make('a') {lua}", f"'use strict'; var b = Store.make('a'); {javascript}"
        )
        assert refused.startswith(("read_only", "script: TypeError")), refused
    guarded = ("local ok = pcall(setmetatable, Store.make('a'), {}) return {ok, getmetatable(Store.make('a'))}",
               "var b = Store.make('a'); const ok = Reflect.setPrototypeOf(b, null); [ok, `${Object.prototype.toString.call(b)}`.slice(8, -1)]")  # fmt: skip
    assert bench(*guarded) == [False, "Box"]
    assert (
        bench(
            "local n = 0 for _ in next, Store.make('a') do n = n + 1 end return n",
            "Reflect.ownKeys(Store.make('a')).length",
        )
        == 0
    )


def test_handles_read_as_their_text_and_list_their_methods(bench: Bench) -> None:
    bench(
        "local b = Store.make('a') print(b, {b}, tostring(b:lid()))",
        "const b = Store.make('a'); print(b, {b}, String(b.lid()))",
    )
    assert bench.printed == (b"Box a\t{Box a}\tLid\n" if bench.is_lua else b"Box a { b: Box a } Lid\n")
    names = bench(
        "local names = {} for name in pairs(Store.make('a')) do names[#names + 1] = name end table.sort(names) return names",
        "const names = []; for (const name in Store.make('a')) names.push(name); names.sort()",
    )
    assert names == ["echo", "items", "lid", "lids", "name", "putIn", "put_in"]


def test_handles_and_globals_are_no_values(bench: Bench) -> None:
    for lua, javascript in (
        ("b", "b"),
        ("{1, {x = b}}", "[1, {x: b}]"),
        ("Store", "Store"),
        ("Store.shelf", "Store.shelf"),
    ):
        refused = bench.refused(
            f"local b = Store.make('a') Store.store({lua})", f"var b = Store.make('a'); Store.store({javascript})"
        )
        assert refused.startswith("bad_value: Store.store: cannot store "), refused
    path = "$[2].x" if bench.is_lua else "$[1].x"
    assert bench.refused("Store.store({1, {x = Store.make('a')}})", "Store.store([1, {x: Store.make('a')}])").endswith(
        f"cannot store Box (at {path})"
    )
    assert "cannot store Box (at $.also)" in bench.refused(
        "Store.store(1, {also = Store.make('a')})", "Store.store(1, {also: Store.make('a')})"
    )
    assert "cannot store Box" in bench.refused("return {Store.make('a')}", "[Store.make('a')]")
    assert bench("return Store.store({})", "Store.store({})") == {}


def test_handles_may_stand_in_options_that_say_so(bench: Bench) -> None:
    assert bench(
        "local b = Store.make('a') return Packer.pack('n', {box = b, size = b:lid(), inside = {1, {x = b, y = {b}}, b:lid()}, note = {z = 1}})",
        "const b = Store.make('a'); Packer.pack('n', {box: b, size: b.lid(), inside: [1, {x: b, y: [b]}, b.lid()], note: {z: 1}})",
    ) == ["n", "<Box a>", "<Lid>", [1, {"x": "<Box a>", "y": ["<Box a>"]}, "<Lid>"], {"z": 1}, False]
    assert bench("return Packer.pack('n', {size = 'large', inside = Store.make('b')})", "Packer.pack('n', {size: 'large', inside: Store.make('b')})") == [
        "n", None, "large", "<Box b>", None, False,
    ]  # fmt: skip
    for lua, javascript, problem in (
        ("{box = b:lid()}", "{box: b.lid()}", "bad_argument: Packer.pack: the option 'box' must be a Box, got a Lid"),
        ("{size = b}", "{size: b}", "bad_argument: Packer.pack: the option 'size' must be one of small, large or a Lid, got a Box"),
        ("{size = 'huge'}", "{size: 'huge'}", "bad_argument: Packer.pack: the option 'size' must be one of small, large, got 'huge'"),
        ("{note = {x = b}}", "{note: {x: b}}", "bad_value: Packer.pack: cannot store Box (at $.note.x)"),
        ("{raw = b}", "{raw: b}", "bad_value: Packer.pack: cannot store Box (at $.raw)"),
        ("{inside = Store}", "{inside: Store}", "bad_value: Packer.pack: cannot store Store (at $.inside)"),
        ("{inside = {x = {b, print}}}", "{inside: {x: [b, print]}}", "bad_value: Packer.pack: cannot store a function (at $.inside.x[{}])"),
        ("b", "b", "bad_argument: Packer.pack: the options (argument 2) must be {}, got a Box"),
    ):  # fmt: skip
        problem = problem.replace("x[{}]", "x[2]" if bench.is_lua else "x[1]").replace(
            "{}", "a table" if bench.is_lua else "an object"
        )
        assert (
            bench.refused(
                f"local b = Store.make('a') Packer.pack('n', {lua})",
                f"{{ const b = Store.make('a'); Packer.pack('n', {javascript}) }}",
            )
            == problem
        )
    assert bench("return Packer.pack('n', {note = 1, box = nil})", "Packer.pack('n', {note: 1, box: null})")[4] == 1


def test_a_promise_of_a_handle_is_the_handle() -> None:
    bench = Bench(JavaScript)
    assert bench("", "const b = await Store.make('a'); (await b.lid()) === b.lid()") is True


def test_groups_and_constants_are_members(bench: Bench) -> None:
    assert bench(
        "return {Store.shelf.count(), Store.shelf.height, Store.shelf.first_box:name(), Store.shelf.firstBox == Store.shelf.first_box, tostring(Store.shelf)}",
        "[Store.shelf.count(), Store.shelf.height, Store.shelf.first_box.name(), Store.shelf.firstBox === Store.shelf.first_box, Object.prototype.toString.call(Store.shelf).slice(8, -1)]",
    ) == [1, 3, "first", True, "Store.shelf"]
    assert bench.refused("Store.shelf.count(1)", "Store.shelf.count(1)").startswith("bad_argument: Store.shelf.count: ")


def test_a_script_that_breaks_prototypes_breaks_only_itself() -> None:
    bench = Bench(JavaScript)
    source = """
      WeakMap.prototype.get = () => 0
      Object.prototype.toString = () => 'broken'
      Array.prototype.toJSON = () => 'broken'
      const b = Store.make('a')
      let refused = ''
      try { Store.describe({}) } catch (error) { refused = error.code };
      [Store.describe(b), String(b), refused].join()
    """
    assert bench("", source) == "a None,Box a,bad_argument"


def test_handles_of_a_run_are_bounded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "MAX_HANDLES", 10)
    refused = bench.refused(
        "for i = 1, 20 do Store.make('b' .. i) end", "for (let i = 1; i <= 20; i++) Store.make('b' + i)"
    )
    assert refused == "limit_exceeded: Store.make: the script has made more than 10 objects; they stay until it ends"


@pytest.mark.parametrize("token", [50, -1, 2**70, True, 1.5, "x"])
def test_a_forged_token_is_refused(bench: Bench, token: object) -> None:
    bound = {one.function.call: one for one in bench.language._host.bound}["Box.name"]  # type: ignore[attr-defined]
    lua = token.encode() if isinstance(token, str) else token
    reply = bound.call(lua if bench.is_lua else values.dump_json(token).decode())
    text = reply[1].decode(errors="replace") if bench.is_lua else reply
    assert "bad_argument" in text
    assert "what it is called on must be a Box, got" in text


def test_declarations_that_scripts_could_not_use_fail() -> None:
    with pytest.raises(TypeError, match="a handle is a parameter, an option or a result"):

        class Options(Global):
            name = "Options"

            def make(self, *, boxes: dict[str, Box]) -> None:
                """With a map."""

    with pytest.raises(TypeError, match="a handle is a parameter, an option or a result"):

        class Lists(Global):
            name = "Lists"

            def make(self, boxes: list[Box]) -> None:
                """With a list."""

    with pytest.raises(TypeError, match="no field"):

        class Fields(Record):
            box: Box

    with pytest.raises(TypeError, match="a constant is a scalar or a handle"):

        class Constants(Global):
            name = "Constants"

            @property
            def sizes(self) -> list[str]:
                """A list."""
                return []


def test_hints_know_groups_and_their_members() -> None:
    known = [Store(), Shelf()]
    assert missing_hint("Store.shelv.count()", known, [Store, Shelf], {}, "lua") == (
        "Store has no 'shelv'; did you mean Store.shelf?"
    )
    assert missing_hint("Store.shelf.heigth", known, [Store, Shelf], {}, "lua") == (
        "Store.shelf has no 'heigth'; did you mean Store.shelf.height?"
    )
