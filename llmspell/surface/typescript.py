"""Ambient TypeScript declarations of the script globals: what editors and `tsc` read to check JavaScript and TypeScript.

Any value goes in through a type parameter, `Storable<TValue>`, since an interface fits no index signature; it comes out as
`T`, which the caller may name (`State.load<Profile>(…)`) and which is `Value` otherwise.
"""

import json
from collections.abc import Iterable, Iterator

from llmspell.errors import by_code
from llmspell.surface.model import Choice, Field, Function, Global, Handle, Record, Type, clean_doc
from llmspell.surface.outline import (
    VALUE_KINDS,
    Named,
    Section,
    documentation,
    pascal_case,
    sections,
    spellings,
    summary,
)

HEADER = """\
// The globals that llmspell gives to JavaScript. Generated from their declarations by `make generate`.
// To check scripts with it, put this into tsconfig.json or jsconfig.json:
//   {
//     "compilerOptions": {
//       "strict": true, "noEmit": true, "allowJs": true, "target": "es2023", "module": "esnext",
//       "moduleDetection": "force", "lib": ["es2023"], "types": []
//     },
//     "include": ["types/llmspell.d.ts", "scripts"]
//   }
// "lib" without "dom", and "types" empty: a script has neither a browser nor Node around it.
"""

TYPES = """\
/** Any value that was stored. */
type Value =
  | null | boolean | number | bigint | string | Uint8Array
  | Value[] | { [key: string]: Value };

/** `T`, when it can be stored: no function, symbol, promise, Date, RegExp, Map or Set in it, no undefined in a list. */
type Storable<T> = T & Stored<T>;

type Stored<T> =
  T extends Value ? T
  : T extends Unstorable ? "cannot be stored"
  : T extends { toJSON(): unknown } ? T
  : T extends readonly unknown[] ? { [K in keyof T]: Stored<T[K]> }
  : T extends object ? { [K in keyof T]: Stored<Exclude<T[K], undefined>> | Extract<T[K], undefined> }
  : never;

type Unstorable =
  | ((...values: never[]) => unknown) | symbol | PromiseLike<unknown> | Date | RegExp
  | ReadonlyMap<any, any> | ReadonlySet<any>;

/** What a function given to the host may return: a value that can be stored, or nothing; no promise. */
type Returned<T> = T & (T extends void ? unknown : Stored<T>);

/** What comes back of it: nothing comes back as null. */
type Outcome<T> = T extends void ? null : T;
"""

ERROR = """\
/** What the functions of these globals throw. */
declare class ScriptError extends Error {
  private constructor();
  readonly code: llmspell.ErrorCode;
  /** The remedy, or null. */
  readonly hint: string | null;
  /** The function that was called, such as `State.save`, or null. */
  readonly call: string | null;
}
"""

RESERVED = frozenset({
    "arguments", "await", "break", "case", "catch", "class", "const", "continue", "debugger", "default", "delete",
    "do", "else", "enum", "eval", "export", "extends", "false", "finally", "for", "function", "if", "implements",
    "import", "in", "instanceof", "interface", "let", "new", "null", "package", "private", "protected", "public",
    "return", "static", "super", "switch", "this", "throw", "true", "try", "typeof", "var", "void", "while", "with",
    "yield",
})  # fmt: skip
KINDS = {
    "none": "void", "boolean": "boolean", "integer": "number", "number": "number", "string": "string", "bytes": "Uint8Array",
    "moment": "string | number", "callback": "(...values: any[]) => any",
    "lasting_callback": "(...values: any[]) => any", "definition": "string | number | object", "lasting": "object",
    "assembly": "unknown",
}  # fmt: skip


def render(globals_: Iterable[type[Global]]) -> str:
    """The text of `llmspell.d.ts`."""
    types = [TYPES, _error_codes()]
    values = [ERROR]
    for owner, named in sections(globals_, "javascript"):
        for kind in named:
            if issubclass(kind, Handle):
                types.extend(_options(function) for function in kind.functions if function.options)
            types.append(_named(kind))
        types.extend(_options(function) for function in owner.functions if function.options)
        doc = _comment(owner.doc)
        if owner.is_bare:
            values.extend(_bare_members(owner))
            continue
        members = _indent("\n".join(_members(owner)))
        types.append(f"{doc}interface {_interface(owner)} {{\n{members}}}\n")
        if not owner.above:
            values.append(f"{doc}declare const {owner.name}: Readonly<llmspell.{_interface(owner)}>;\n")
    namespace = f"declare namespace llmspell {{\n{_indent(chr(10).join(types))}}}\n"
    return "\n".join([HEADER, namespace, *values])


def _error_codes() -> str:
    text = "/** What went wrong: the same code in every language. */\ntype ErrorCode ="
    for code, cls in by_code().items():
        text += f"\n  /** {_escape(summary(cls.__doc__ or ''))} */\n  | {json.dumps(code)}"
    return f"{text};\n"


def _interface(owner: Section) -> str:
    return pascal_case(owner.name.replace(".", "_")) + "Global"


def _named(named: Named) -> str:
    doc = _comment(clean_doc(named.__doc__ or ""))
    if issubclass(named, Choice):
        return f"{doc}type {named.__name__} = {' | '.join(map(json.dumps, named.values))};\n"
    if issubclass(named, Handle):
        methods = _indent("\n".join(_methods(named.functions, named.__name__)))
        return f"{doc}interface {named.__name__} {{\n{methods}}}\n"
    head = f"{named.__name__}<T = Value>" if _is_generic(named) else named.__name__
    value = "T" if _is_generic(named) else "Value"
    fields = ""
    for field in named.fields:
        # A value that is absent leaves its field out; a stored null, which is a payload, does not.
        may_be_absent = not field.is_required or (field.type.optional and field.type.kind != "payload")
        fields += f"  {field.name}{'?' * may_be_absent}: {_output(field.type, value, '')};\n"
    return f"{doc}interface {head} {{\n{fields}}}\n"


def _options(function: Function) -> str:
    fields = ""
    for field in function.options:
        names = spellings(field.name)
        is_open = not field.is_required or len(names) == 2
        type_ = "T" if _stands_in(function, field) else _input(field, "")
        for name in names:
            doc = _default(field) if name == field.name else f"The same as `{field.name}`."
            fields += _indent(f"{_comment(doc)}{name}{'?: ' if is_open else ': '}{type_}{' | null' * is_open};\n")
    parameters = [
        f"{name} = {'Value' if name == 'T' else 'any'}" for name in _option_parameters(function, declared=True)
    ]
    head = _options_name(function) + _angled(parameters)
    return f"/** Options of `{function.call}`. */\ninterface {head} {{\n{fields}}}\n"


def _members(owner: Section) -> Iterator[str]:
    for native in owner.natives:
        if native.typescript:
            yield f"{_comment(native.doc)}readonly {native.name}: {native.typescript};\n"
    for group in owner.groups:
        yield f"{_comment(group.doc)}readonly {group.member}: Readonly<{_interface(group)}>;\n"
    for constant in owner.constants:
        for name in spellings(constant.name):
            yield f"{_comment(documentation(constant))}readonly {name}: {_output(constant.result, '', '')};\n"
    yield from _methods(owner.functions, _interface(owner))


def _methods(functions: tuple[Function, ...], interface: str) -> Iterator[str]:
    for function in functions:
        for signature in _signatures(function, ""):
            yield f"{_function_comment(function)}{function.name}{signature};\n"
        for twin in spellings(function.name)[1:]:
            yield f'{_twin_comment(function)}{twin}: {interface}["{function.name}"];\n'


def _bare_members(owner: Section) -> Iterator[str]:
    for native in owner.natives:
        if native.typescript:
            yield f"{_comment(native.doc)}declare const {native.name}: {native.typescript};\n"
    for function in owner.functions:
        for signature in _signatures(function, "llmspell."):
            yield f"{_function_comment(function)}declare function {function.name}{signature};\n"
        for twin in spellings(function.name)[1:]:
            yield f"{_twin_comment(function)}declare const {twin}: typeof {function.name};\n"


def _signatures(function: Function, prefix: str) -> Iterator[str]:
    """From the type parameters to the result: two overloads when a `default` can stand in for what is absent."""
    generics = [f"T = {prefix}Value"] if _slots(function.result) == 1 else []
    generics += [_type_parameter(field, declared=True) for field in function.parameters if _holds_value(field.type)]
    generics += [name for name in _option_parameters(function, declared=True) if name != "T"]
    parameters = _parameters(function, prefix)
    result = _output(function.result, "T" if _slots(function.result) == 1 else f"{prefix}Value", prefix)
    if function.options:
        options = _options_type(function, prefix)
        if any(_stands_in(function, field) for field in function.options):
            given = ", ".join([*parameters, f"options: {options} & {{ default: T }}"])
            yield f"{_angled(generics)}({given}): {result}"
        is_open = not any(field.is_required for field in function.options)
        parameters.append(f"options?: {options} | null" if is_open else f"options: {options}")
    if _passes_on(function):
        result = f"{prefix}Outcome<T>"
    elif function.result.optional:
        result += " | null"
    yield f"{_angled(generics)}({', '.join(parameters)}): {result}"


def _parameters(function: Function, prefix: str) -> list[str]:
    parameters: list[str] = []
    may_end = not any(field.is_required for field in function.options)
    for field in reversed(function.parameters):
        is_nullable = not field.is_required or (field.type.optional and field.type.kind not in VALUE_KINDS)
        may_end = may_end and is_nullable
        name = field.name + "_" * (field.name in RESERVED)
        type_ = _input(field, prefix)
        if field.type.kind == "callback" and _passes_on(function):
            type_ = f"(...values: any[]) => {prefix}Returned<T>"
        if is_nullable:
            type_ = f"({type_}) | null" if "=>" in type_ else f"{type_} | null"
        parameters.insert(0, f"{name}{'?' * may_end}: {type_}")
    return parameters


def _options_type(function: Function, prefix: str) -> str:
    text = prefix + _options_name(function) + _angled(_option_parameters(function))
    for field in function.options:
        names = spellings(field.name)
        if field.is_required and len(names) == 2:
            text += " & (" + " | ".join(f"{{ {name}: {_input(field, prefix)} }}" for name in names) + ")"
    return text


def _options_name(function: Function) -> str:
    return "".join(map(pascal_case, function.call.split("."))) + "Options"


def _option_parameters(function: Function, *, declared: bool = False) -> list[str]:
    names = ["T"] if any(_stands_in(function, field) for field in function.options) else []
    return names + [
        _type_parameter(field, declared=declared)
        for field in function.options
        if _holds_value(field.type) and not _stands_in(function, field)
    ]


def _passes_on(function: Function) -> bool:
    """Whether the result is what the script's own function returned."""
    return function.result.kind in VALUE_KINDS and any(field.type.kind == "callback" for field in function.parameters)


def _stands_in(function: Function, field: Field) -> bool:
    """Whether this option is the result when there is no other."""
    return field.name == "default" and field.type.kind in VALUE_KINDS and function.result.kind in VALUE_KINDS


def _type_parameter(field: Field, *, declared: bool = False) -> str:
    name = "T" + pascal_case(field.name)
    return f"{name} extends object" if declared and field.type.kind == "map" else name


def _holds_value(type_: Type) -> bool:
    return type_.kind in VALUE_KINDS or (type_.item is not None and _holds_value(type_.item))


def _is_generic(record: type[Record]) -> bool:
    """Whether the record holds exactly one value, so that a caller may name its type."""
    return sum(_slots(field.type) for field in record.fields) == 1


def _slots(type_: Type) -> int:
    if type_.kind == "list" and type_.item is not None:
        return _slots(type_.item)
    return int(type_.kind in VALUE_KINDS or (type_.kind == "record" and _is_generic(type_.python)))


def _input(field: Field, prefix: str) -> str:
    return _input_type(field.type, f"{prefix}Storable<{_type_parameter(field)}>", prefix)


def _input_type(type_: Type, storable: str, prefix: str) -> str:
    if type_.kind in VALUE_KINDS or (type_.kind == "map" and _holds_value(type_)):
        return storable
    if type_.kind == "list" and type_.item is not None:
        return f"readonly {_bracketed(_input_type(type_.item, storable, prefix))}[]"
    if type_.kind == "map" and type_.item is not None:
        return f"{{ readonly [key: string]: {_input_type(type_.item, storable, prefix)} }}"
    return _output(type_, "", prefix)


def _output(type_: Type, value: str, prefix: str) -> str:
    """A type as scripts get it; `value` is what stands for any value."""
    if type_.kind in VALUE_KINDS:
        return value
    if type_.kind == "handle":
        text = f"{_output(type_.item, '', prefix)} | " if type_.item else ""
        return f"{text}{prefix}{type_.python.__name__}"
    if type_.item is not None:
        item = _output(type_.item, value, prefix)
        if type_.item.optional and type_.item.kind not in VALUE_KINDS:
            item += " | null"
        return f"{_bracketed(item)}[]" if type_.kind == "list" else f"{{ [key: string]: {item} }}"
    if type_.kind == "reference":
        return f"string | {prefix}{type_.python.__name__}"
    if type_.python is not None:
        is_generic = type_.kind == "record" and _is_generic(type_.python)
        return f"{prefix}{type_.python.__name__}{f'<{value}>' if is_generic and value == 'T' else ''}"
    return KINDS[type_.kind]


def _bracketed(type_: str) -> str:
    return f"({type_})" if "|" in type_ or "=>" in type_ else type_


def _angled(parameters: list[str]) -> str:
    return f"<{', '.join(parameters)}>" if parameters else ""


def _function_comment(function: Function) -> str:
    defaults = [f"@param {field.name} - {text}" for field in function.parameters if (text := _default(field))]
    return _comment("\n".join([documentation(function), *([""] if defaults else []), *defaults]).strip())


def _twin_comment(function: Function) -> str:
    return _comment(f"{summary(documentation(function))}\n\nThe same as `{function.call}`.")


def _default(field: Field) -> str:
    return "" if field.is_required or field.default is None else f"Default: {json.dumps(field.default)}."


def _comment(doc: str) -> str:
    lines = _escape(doc).split("\n")
    if len(lines) == 1:
        return f"/** {lines[0]} */\n" if doc else ""
    return "/**\n" + "".join(f" * {line}".rstrip() + "\n" for line in lines) + " */\n"


def _escape(doc: str) -> str:
    return doc.replace("*/", "*\\/")


def _indent(text: str) -> str:
    return "".join(f"  {line}".rstrip() + "\n" for line in text.removesuffix("\n").split("\n"))
