"""A strict reader of LuaCATS stubs: what lua-language-server would shrug off is an error here."""

import re
from typing import Any

BUILT_IN = frozenset({
    "nil", "any", "boolean", "number", "integer", "string", "table", "function", "thread", "userdata",
    "lightuserdata", "unknown", "true", "false",
})  # fmt: skip
TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[A-Za-z_][\w.]*[\w]|[A-Za-z_]|\d+|\.\.\.|\[\]|[|?()<>,:{}\[\]])')
NAME = r"[A-Za-z_]\w*"


class Broken(Exception):
    """The stub is not what it should be; the text says where."""


class Stub:
    """The declarations of one stub file.

    `functions` maps a name to its parameters, each (name, is optional, type); `results` to its result's type; `fields` maps a
    class to its fields, each name to (is optional, type); `variables` a name to its type, `aliases` to the text of its type.
    """

    def __init__(self, text: str) -> None:
        self.functions: dict[str, list[tuple[str, bool, str]]] = {}
        self.results: dict[str, str] = {}
        self.fields: dict[str, dict[str, tuple[bool, str]]] = {}
        self.variables: dict[str, str] = {}
        self.aliases: dict[str, str] = {}
        self.docs: dict[str, str] = {}
        self.locals: dict[str, str] = {}
        self.mentioned: set[str] = set()
        blocks = text.split("\n\n")
        if not blocks[0].startswith("---@meta"):
            raise Broken("the first line must be ---@meta")
        for block in blocks[1:]:
            self._read(block.strip("\n").split("\n"))
        unknown = self.mentioned - BUILT_IN - self.fields.keys() - self.aliases.keys()
        if unknown:
            raise Broken(f"unknown types: {sorted(unknown)}")

    def _read(self, lines: list[str]) -> None:
        doc = [line[3:] for line in lines if re.match(r"---(?![@|])", line)]
        tags = [line[4:].split(" ", 1) for line in lines if line.startswith("---@")]
        choices = [line[4:].strip() for line in lines if line.startswith("---|")]
        code = [line for line in lines if not line.startswith("--")]
        kinds = [tag[0] for tag in tags]
        if not tags and not code and all(line.startswith("-- ") for line in lines):
            return
        bodies = [tag[1] if len(tag) == 2 else "" for tag in tags]
        if kinds[:1] == ["alias"] and len(kinds) == 1 and not code:
            self._alias(bodies[0], choices, doc)
        elif kinds[:1] == ["class"] and set(kinds[1:]) <= {"field", "operator"} and not choices:
            self._class(bodies, kinds, code, doc)
        elif kinds == ["type"] and len(code) == 1 and (match := re.fullmatch(rf"({NAME}(?:\.{NAME})*) = nil", code[0])):
            self._new(match[1], self.variables, self._whole_type(bodies[0]), doc)
        elif set(kinds) <= {"param", "return"} and len(code) == 1:
            self._function(kinds, bodies, code[0], doc)
        else:
            raise Broken(f"no declaration: {lines}")

    def _new(self, name: str, where: dict[str, Any], what: Any, doc: list[str]) -> None:
        if name in self.docs:
            raise Broken(f"{name} is declared twice")
        where[name] = what
        self.docs[name] = "\n".join(doc)

    def _alias(self, body: str, choices: list[str], doc: list[str]) -> None:
        name, _, type_ = body.partition(" ")
        if bool(type_) == bool(choices):
            raise Broken(f"the alias {name} needs a type or choices, and not both")
        for choice in choices:
            value, _, comment = choice.partition(" # ")
            if not re.fullmatch(r'"[^"]+"', value) or (comment and not comment.strip()):
                raise Broken(f"no choice of {name}: {choice}")
        if len(choices) != len(set(choices)):
            raise Broken(f"{name} has a choice twice")
        self._new(name, self.aliases, self._whole_type(type_) if type_ else "|".join(choices), doc)

    def _class(self, bodies: list[str], kinds: list[str], code: list[str], doc: list[str]) -> None:
        match = re.fullmatch(r"(\(exact\) )?([A-Za-z_][\w.]*)", bodies[0])
        if not match:
            raise Broken(f"no class: {bodies[0]}")
        name = match[2]
        fields: dict[str, tuple[bool, str]] = {}
        for kind, body in zip(kinds[1:], bodies[1:], strict=True):
            if kind == "field":
                field, is_optional, type_ = self._named(body)
                if field in fields:
                    raise Broken(f"{name} has the field {field} twice")
                fields[field] = (is_optional, type_)
            elif not re.fullmatch(r"concat\(any\): string", body):
                raise Broken(f"no operator: {body}")
        if code and code != [f"{name} = {{}}"]:
            if code != [f"local {name.removeprefix('llmspell.')} = {{}}"]:
                raise Broken(f"the class {name} is bound to {code}")
            self.locals[name.removeprefix("llmspell.")] = name
        self._new(name, self.fields, fields, doc)

    def _function(self, kinds: list[str], bodies: list[str], code: str, doc: list[str]) -> None:
        match = re.fullmatch(rf"function ({NAME}(?:\.{NAME})*(?::{NAME})?)\(([^)]*)\) end", code)
        if not match:
            raise Broken(f"no function: {code}")
        if kinds != sorted(kinds) or kinds.count("return") > 1:
            raise Broken(f"{match[1]}: the parameters come first, then at most one result")
        parameters = [self._named(body) for kind, body in zip(kinds, bodies, strict=True) if kind == "param"]
        names = [name for name, _, _ in parameters]
        if names != (match[2].split(", ") if match[2] else []) or len(names) != len(set(names)):
            raise Broken(f"{match[1]}: the annotations name {names}, the function ({match[2]})")
        of_handle, _, method = match[1].rpartition(":")
        owner = self.locals.get(of_handle, "?") if method != match[1] else match[1].rpartition(".")[0]
        if owner and owner not in self.fields:
            raise Broken(f"{match[1]}: there is no class {owner}")
        self._new(match[1], self.functions, parameters, doc)
        if kinds[-1:] == ["return"]:
            self.results[match[1]] = self._whole_type(bodies[-1])

    def _named(self, body: str) -> tuple[str, bool, str]:
        match = re.match(rf"({NAME})(\?)? (?=\S)", body)
        if not match:
            raise Broken(f"no name and type: {body}")
        rest = body[match.end() :]
        length = self._type_length(rest)
        if rest[length:] and not re.fullmatch(r" \S.*", rest[length:]):
            raise Broken(f"after the type of {match[1]}: {rest[length:]!r}")
        return match[1], bool(match[2]), rest[:length]

    def _whole_type(self, text: str) -> str:
        if self._type_length(text) != len(text):
            raise Broken(f"no type: {text}")
        return text

    def _type_length(self, text: str) -> int:
        parser = _TypeParser(text)
        parser.union()
        self.mentioned |= parser.names
        return parser.position


class _TypeParser:
    """Recursive descent over one type expression; `position` is where it ends."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.names: set[str] = set()

    def peek(self) -> str:
        match = TOKEN.match(self.text, self.position)
        return match[1] if match else ""

    def take(self, *expected: str) -> str:
        match = TOKEN.match(self.text, self.position)
        if not match or (expected and match[1] not in expected):
            raise Broken(f"in the type {self.text!r} at {self.position}: expected {expected or 'a type'}")
        self.position = match.end()
        return match[1]

    def union(self) -> None:
        self.suffixed()
        while self.peek() == "|":
            self.take("|")
            self.suffixed()

    def suffixed(self) -> None:
        self.primary()
        while self.peek() in ("?", "[]"):
            self.take()

    def primary(self) -> None:
        token = self.take()
        if token == "(":
            self.union()
            self.take(")")
        elif token == "{":
            self.items("}", separator=":")
        elif token == "fun" and self.peek() == "(":
            self.take("(")
            self.items(")", separator=":")
            if self.peek() == ":":
                self.take(":")
                self.union()
        elif re.fullmatch(r"[A-Za-z_][\w.]*", token):
            self.names.add(token)
            if self.peek() == "<":
                self.take("<")
                self.union()
                while self.take(",", ">") == ",":
                    self.union()
        elif not token.startswith('"') and not token.isdigit():
            raise Broken(f"in the type {self.text!r}: {token!r} is no type")

    def items(self, end: str, separator: str) -> None:
        """`name: type`, separated by commas, up to `end`; `...` and `name?` count as names."""
        if self.peek() == end:
            self.take(end)
            return
        while True:
            name = self.take()
            if name != "..." and not re.fullmatch(NAME, name):
                raise Broken(f"in the type {self.text!r}: {name!r} is no name")
            if self.peek() == "?":
                self.take()
            self.take(separator)
            self.union()
            if self.take(",", end) == end:
                return
