"""The surface as JSON, for programs: editors, other generators, language models that write scripts."""

import json
from collections.abc import Iterable
from typing import Any

from llmspell.errors import by_code
from llmspell.surface.model import Choice, Field, Function, Global, Handle, Record, Type, clean_doc
from llmspell.surface.outline import Section, documentation, sections, spellings, summary


def render(globals_: Iterable[type[Global]]) -> str:
    """One JSON document: `globals`, `records`, `choices`, `objects` and `errors`, each a list in the order of declaration."""
    outline = list(sections(globals_))
    named = [kind for _, kinds in outline for kind in kinds]
    document = {
        "globals": [_global(owner) for owner, _ in outline],
        "records": [
            {
                "name": kind.__name__,
                "doc": clean_doc(kind.__doc__ or ""),
                "fields": [_field(field) for field in kind.fields],
            }
            for kind in named
            if issubclass(kind, Record)
        ],
        "choices": [
            {"name": kind.__name__, "doc": clean_doc(kind.__doc__ or ""), "values": list(kind.values)}
            for kind in named
            if issubclass(kind, Choice)
        ],
        "objects": [
            {
                "name": kind.__name__,
                "doc": clean_doc(kind.__doc__ or ""),
                "methods": [_function(method) for method in kind.functions],
            }
            for kind in named
            if issubclass(kind, Handle)
        ],
        "errors": [
            {
                "code": code,
                "exit_status": error.exit_status,
                "meaning": summary(error.__doc__ or ""),
                "hint": error.default_hint,
            }
            for code, error in by_code().items()
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _global(owner: Section) -> dict[str, Any]:
    return {
        "name": owner.name,
        "is_bare": owner.is_bare,
        "languages": list(owner.languages),
        "doc": owner.doc,
        "natives": [
            {"name": native.name, "doc": native.doc, "luacats": native.luacats, "typescript": native.typescript}
            for native in owner.natives
        ],
        "constants": [
            {
                "name": constant.name,
                "spellings": list(spellings(constant.name)),
                "doc": documentation(constant),
                "type": _type(constant.result),
            }
            for constant in owner.constants
        ],
        "functions": [_function(function) for function in owner.functions],
    }


def _function(function: Function) -> dict[str, Any]:
    return {
        "name": function.name,
        "spellings": list(spellings(function.name)),
        "call": function.call,
        "doc": documentation(function),
        "requires": function.requires or None,
        "parameters": [_field(field) for field in function.parameters],
        "options": [_field(field) for field in function.options],
        "result": _type(function.result),
    }


def _field(field: Field) -> dict[str, Any]:
    described = {"name": field.name, "type": _type(field.type), "required": field.is_required}
    return described if field.is_required else {**described, "default": field.default}


def _type(type_: Type) -> dict[str, Any]:
    described: dict[str, Any] = {"kind": type_.kind, "optional": type_.optional}
    if type_.item is not None:
        described["item"] = _type(type_.item)
    if type_.python is not None:
        described["name"] = type_.python.__name__
    return described
