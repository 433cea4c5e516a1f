"""LuaCATS annotations of the script globals: what lua-language-server and its kin read for completion and checks."""

from collections.abc import Iterable, Iterator

from llmspell.errors import by_code
from llmspell.surface.model import Choice, Field, Function, Global, Native, Record, Type, clean_doc
from llmspell.surface.outline import VALUE_KINDS, Named, Section, documentation, sections, spellings, summary

HEADER = """\
---@meta

-- The globals that llmspell gives to Lua scripts. Generated from their declarations by `make generate`.
-- To use it, name the folder of this file in .luarc.json:
--   {"runtime.version": "Lua 5.4", "workspace.library": ["types"]}

---Any value that was stored: nil, a boolean, an integer, a number, a string, or a table of these.
---@alias llmspell.Value any

---A value that can be stored. Functions, coroutines and userdata cannot.
---@alias llmspell.Storable nil|boolean|number|string|table

---A time: RFC 3339 text or Unix seconds.
---@alias llmspell.Moment string|number

---What went wrong, the same code in every language.
---@alias llmspell.ErrorCode
{codes}

---What the functions of these globals raise and `pcall` catches. It reads and concatenates like a string.
---@class llmspell.Error
---@field code llmspell.ErrorCode
---@field message string one sentence
---@field hint? string the remedy, where one is known
---@field call? string the function that was called, such as `State.save`
---@operator concat(any): string
"""

KEYWORDS = frozenset({
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local", "nil",
    "not", "or", "repeat", "return", "then", "true", "until", "while",
})  # fmt: skip
KINDS = {
    "none": "nil", "boolean": "boolean", "integer": "integer", "number": "number", "string": "string", "bytes": "string",
    "anything": "llmspell.Value", "payload": "llmspell.Value", "moment": "llmspell.Moment",
    "callback": "fun(...: any): any", "lasting_callback": "fun(...: any): any",
    "definition": "string|number|table", "lasting": "table", "assembly": "any",
}  # fmt: skip


def render(globals_: Iterable[type[Global]]) -> str:
    """The text of `llmspell.lua`: declarations only, for reading by tools; it is valid Lua and does nothing."""
    codes = "\n".join(f'---| "{code}" # {summary(cls.__doc__ or "")}' for code, cls in by_code().items())
    blocks = [HEADER.replace("{codes}", codes)]
    for owner, named in sections(globals_, "lua"):
        for kind in named:
            blocks.extend(_named(kind))
        blocks.extend(_options(function) for function in owner.functions if function.options)
        if not owner.is_bare:
            blocks.append(f"{_comment(owner.doc)}---@class {owner.name}\n{owner.name} = {{}}\n")
        blocks.extend(_native(owner, native) for native in owner.natives if native.luacats)
        blocks.extend(_constant(constant, name) for constant in owner.constants for name in spellings(constant.name))
        for function in owner.functions:
            blocks.extend(_function(function, "" if owner.is_bare else f"{owner.name}."))
    return "\n".join(blocks)


def _named(named: Named) -> Iterator[str]:
    doc = _comment(clean_doc(named.__doc__ or ""))
    name = named.__name__
    if issubclass(named, Choice):
        yield f"{doc}---@alias llmspell.{name}\n" + "".join(f'---| "{value}"\n' for value in named.values)
    elif issubclass(named, Record):
        fields = "".join(map(_record_field, named.fields))
        reads_as_text = "---@operator concat(any): string\n" if named.text_field else ""
        yield f"{doc}---@class llmspell.{name}\n{fields}{reads_as_text}"
    else:
        yield from (_options(function) for function in named.functions if function.options)
        yield f"{doc}---@class llmspell.{name}\nlocal {name} = {{}}\n"
        for function in named.functions:
            yield from _function(function, f"{name}:")


def _record_field(field: Field) -> str:
    mark = "?" if field.type.optional or not field.is_required else ""
    return f"---@field {field.name}{mark} {_type(field.type)}\n"


def _options(function: Function) -> str:
    lines = [f"---Options of `{function.call}`.\n---@class (exact) {function.call}.Options\n"]
    for field in function.options:
        names = spellings(field.name)
        # Either spelling of a required option will do, which a class cannot say.
        mark = "" if field.is_required and len(names) == 1 else "?"
        note = " required" if field.is_required else _default(field)
        lines.extend(f"---@field {name}{mark} {_input(field.type)}{note}\n" for name in names)
    return "".join(lines)


def _native(owner: Section, native: Native) -> str:
    prefix = "" if owner.is_bare else f"{owner.name}."
    return f"{_comment(native.doc)}---@type {native.luacats}\n{prefix}{native.name} = nil\n"


def _constant(constant: Function, name: str) -> str:
    space = constant.call.removesuffix(constant.name)
    return f"{_comment(documentation(constant))}---@type {_type(constant.result)}\n{space}{name} = nil\n"


def _function(function: Function, prefix: str) -> Iterator[str]:
    lines = []
    names = []
    for field in function.parameters:
        name = field.name + "_" * (field.name in KEYWORDS)
        names.append(name)
        mark = "" if field.is_required and (not field.type.optional or field.type.kind in VALUE_KINDS) else "?"
        lines.append(f"---@param {name}{mark} {_input(field.type)}{_default(field)}\n")
    if function.options:
        names.append("options")
        mark = "" if any(field.is_required for field in function.options) else "?"
        lines.append(f"---@param options{mark} {function.call}.Options\n")
    if function.result.kind != "none":
        lines.append(f"---@return {_type(function.result)}{_optional(function.result)}\n")
    for name in spellings(function.name):
        doc = documentation(function)
        if name != function.name:
            doc = f"{summary(doc)}\n\nThe same as `{function.call}`."
        yield f"{_comment(doc)}{''.join(lines)}function {prefix}{name}({', '.join(names)}) end\n"


def _type(type_: Type) -> str:
    if type_.kind == "list" and type_.item is not None:
        item = _type(type_.item) + _optional(type_.item)
        return f"({item})[]" if any(sign in item for sign in "|?(") else f"{item}[]"
    if type_.kind == "map" and type_.item is not None:
        return f"table<string, {_type(type_.item)}>"
    if type_.kind == "reference":
        return f"string|llmspell.{type_.python.__name__}"
    if type_.kind == "handle" and type_.item is not None:
        return f"{_type(type_.item)}|llmspell.{type_.python.__name__}"
    if type_.python is not None:
        return f"llmspell.{type_.python.__name__}"
    return KINDS[type_.kind]


def _input(type_: Type) -> str:
    return _type(type_).replace("llmspell.Value", "llmspell.Storable")


def _optional(type_: Type) -> str:
    return "?" if type_.optional and type_.kind not in VALUE_KINDS else ""


def _default(field: Field) -> str:
    if field.is_required or field.default is None:
        return ""
    return f" default: {literal(field.default)}"


def literal(value: object) -> str:
    """A default as a Lua script would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return "{" + ", ".join(map(literal, value)) + "}"
    raise TypeError(f"{value!r} is no default that the documentation can show")


def _comment(doc: str) -> str:
    return "".join(f"---{line}\n" for line in doc.split("\n")) if doc else ""
