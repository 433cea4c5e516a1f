"""The reference pages: every global with its functions, and every error, in Markdown."""

import json
from collections.abc import Iterable, Iterator

from llmspell.errors import by_code
from llmspell.surface.model import REQUIRED, Choice, Field, Function, Global, Handle, Native, Record, Type, clean_doc
from llmspell.surface.outline import VALUE_KINDS, Named, Section, documentation, sections, spellings, summary

INTRODUCTION = """\
# What scripts see

This page is generated from the declarations of the globals by `make generate`. `types/llmspell.lua` and
`types/llmspell.d.ts` say the same to an editor.

Every name has two spellings in both languages, `list_keys` and `listKeys`; so have the options, which are one table or object
at the end. A call that both languages spell alike is shown once. What is optional may be left out or be nil or null. A *value*
is nil or null, a boolean, an integer, a number, text, bytes, a list or a map of values. A *time* that goes in is RFC 3339 text
or Unix seconds. An *object* stays with the host: a script holds it and calls its methods, in Lua with a colon
(`config:get_mode()`), in JavaScript with a dot (`config.getMode()`); it cannot be changed or stored, and lives for as long as
the script runs.
"""

ERRORS = """\
What goes wrong is raised as an error with a `code`, a `message`, often a `hint`, and the `call` that failed. In Lua it is a table
that reads and concatenates like a string, in JavaScript a `ScriptError`, which is an `Error`.

```lua
local ok, problem = pcall(State.save, "global", "", 1)
if not ok and problem.code == "invalid_key" then print("not saved: " .. problem) end
```
```javascript
try { State.save("global", "", 1) } catch (problem) {
  if (problem instanceof ScriptError && problem.code === "invalid_key") print(`not saved: ${problem}`)
}
```

An error that nothing caught ends the script, and the command with the exit status of its code. Only `not_found` is 1 for a
script: 10 is for commands that were asked for something.
"""

WORDS = {
    "none": "nothing", "boolean": "boolean", "integer": "integer", "number": "number", "string": "text", "bytes": "bytes",
    "anything": "any value", "payload": "any value", "moment": "time", "callback": "function",
    "lasting_callback": "function", "definition": "text, number or map", "lasting": "map", "assembly": "any value",
}  # fmt: skip

LANGUAGES = {"lua": "Lua", "javascript": "JavaScript"}


def render(globals_: Iterable[type[Global]]) -> str:
    """The reference of what scripts see."""
    outline = list(sections(globals_))
    blocks = [INTRODUCTION, _contents([owner for owner, _ in outline])]
    for owner, named in outline:
        blocks.extend(_section(owner, named))
    return "\n".join([*blocks, "## Errors\n", ERRORS, _error_table()])


def render_errors() -> str:
    """The reference of errors and exit statuses."""
    introduction = "# Errors\n\nThis page is generated from the error classes by `make generate`.\n"
    return "\n".join([introduction, ERRORS, _error_table()])


def _contents(owners: list[Section]) -> str:
    lines = []
    for owner in owners:
        names = [native.name for native in owner.natives]
        names += [function.name for function in (*owner.constants, *owner.functions)]
        links = (f"[{name}](#{_anchor(_call(owner, name))})" for name in names)
        lines.append(f"- [**{_title(owner)}**](#{_anchor(_title(owner))}): {' · '.join(links)}\n")
    return "".join([*lines, "- [**Errors**](#errors)\n"])


def _section(owner: Section, named: list[Named]) -> Iterator[str]:
    yield f"## {_title(owner)}\n"
    if len(owner.languages) == 1:
        yield f"In {LANGUAGES[owner.languages[0]]} only.\n"
    yield f"{owner.doc}\n"
    for native in owner.natives:
        yield _native(owner, native)
    for constant in owner.constants:
        yield f"### `{constant.call}`\n\n{documentation(constant)}\n\nAlways {_type(constant.result)}.\n"
    for function in owner.functions:
        twin = _call(owner, spellings(function.name)[-1])
        yield from _function(function, {"lua": function.call, "javascript": twin}, owner.languages)
    for kind in named:
        if issubclass(kind, Handle):
            yield from _handle(kind, owner.languages)
        else:
            yield _record(kind) if issubclass(kind, Record) else _choice(kind)


def _native(owner: Section, native: Native) -> str:
    shapes = [("Lua", native.luacats), ("JavaScript", native.typescript)]
    lines = "".join(f"- {language}: `{shape}`\n" for language, shape in shapes if shape)
    return f"### `{_call(owner, native.name)}`\n\n{native.doc}\n\n{lines}"


def _function(function: Function, names: dict[str, str], languages: tuple[str, ...]) -> Iterator[str]:
    """A function; `names` is what each language calls it by."""
    yield f"### `{function.call}`\n"
    calls = {"lua": _signature(function, names["lua"], 0), "javascript": _signature(function, names["javascript"], -1)}
    first, *others = languages
    shown = [first, *(language for language in others if calls[language] != calls[first])]
    yield "".join(f"```{language}\n{calls[language]}\n```\n" for language in shown)
    yield f"{documentation(function)}\n"
    if function.parameters:
        yield _table("argument", function.parameters)
    if function.options:
        yield _table("option", function.options)
    or_nothing = " or nothing" if function.result.optional and function.result.kind not in VALUE_KINDS else ""
    yield f"Result: {_type(function.result)}{or_nothing}.\n"


def _signature(function: Function, call: str, spelling: int) -> str:
    """The call as a script writes it; `spelling` is 0 for snake_case and -1 for camelCase."""
    arguments = [f"{field.name}{'' if _is_needed(field) else '?'}" for field in function.parameters]
    if function.options:
        arguments.append("{" + ", ".join(spellings(field.name)[spelling] for field in function.options) + "}")
    return f"{call}({', '.join(arguments)})"


def _table(head: str, fields: tuple[Field, ...]) -> str:
    rows = [f"| {head} | type | default |\n|---|---|---|\n"]
    for field in fields:
        names = spellings(field.name) if head == "option" else (field.name,)
        default = "required" if _is_needed(field) else "" if field.default in (None, REQUIRED) else _code(field.default)
        rows.append(f"| {', '.join(f'`{name}`' for name in names)} | {_type(field.type)} | {default} |\n")
    return "".join(rows)


def _is_needed(field: Field) -> bool:
    return field.is_required and (not field.type.optional or field.type.kind in VALUE_KINDS)


def _record(record: type[Record]) -> str:
    rows = ""
    for field in record.fields:
        is_certain = field.is_required and (not field.type.optional or field.type.kind == "payload")
        rows += f"| `{field.name}` | {_type(field.type)} | {'always' if is_certain else 'at times'} |\n"
    doc = clean_doc(record.__doc__ or "")
    return f"### Record {record.__name__}\n\n{doc}\n\n| field | type | present |\n|---|---|---|\n{rows}"


def _handle(handle: type[Handle], languages: tuple[str, ...]) -> Iterator[str]:
    name = handle.__name__
    yield f"### Object {name}\n\n{clean_doc(handle.__doc__ or '')}\n"
    for method in handle.functions:
        names = {"lua": f"{name}:{method.name}", "javascript": f"{name}.{spellings(method.name)[-1]}"}
        yield from _function(method, names, languages)


def _choice(choice: type[Choice]) -> str:
    values = ", ".join(_code(value) for value in choice.values)
    return f"### Choice {choice.__name__}\n\n{clean_doc(choice.__doc__ or '')}\n\nOne of {values}.\n"


def _type(type_: Type) -> str:
    if type_.kind == "list" and type_.item is not None:
        return f"list of {_type(type_.item)}"
    if type_.kind == "map" and type_.item is not None:
        return f"map of {_type(type_.item)}"
    if type_.kind == "reference":
        name = type_.python.__name__
        return f"text or [{name}](#record-{name.lower()})"
    if type_.kind == "handle":
        name = type_.python.__name__
        return (f"{_type(type_.item)} or " if type_.item else "") + f"[{name}](#object-{name.lower()})"
    if type_.python is not None:
        name = type_.python.__name__
        return f"[{name}](#{type_.kind}-{name.lower()})"
    return WORDS[type_.kind]


def _error_table() -> str:
    rows = ["| code | exit status | meaning | hint |\n|---|---|---|---|\n"]
    for code, cls in by_code().items():
        rows.append(
            f"| `{code}` | {cls.exit_status} | {_cell(summary(cls.__doc__ or ''))} | {_cell(cls.default_hint)} |\n"
        )
    return "".join(rows)


def _title(owner: Section) -> str:
    return "Always there" if owner.is_bare else owner.name


def _call(owner: Section, name: str) -> str:
    return name if owner.is_bare else f"{owner.name}.{name}"


def _code(value: object) -> str:
    return f"`{_cell(json.dumps(value, ensure_ascii=False))}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _anchor(heading: str) -> str:
    """The name that a heading gets in a rendered page."""
    return "".join(sign for sign in heading.lower().replace(" ", "-") if sign.isalnum() or sign in "-_")
