"""Remedies for names that scripts get wrong. Imported when a script has failed."""

import re
from difflib import get_close_matches

from llmspell.surface.model import Global, camel_case

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def missing_hint(
    source_line: str,
    present: "Sequence[Global]",
    declared: "Sequence[type[Global]]",
    absent: dict[str, str],
    language: str,
) -> str:
    """A remedy for a line that failed on a name no global has: the setting that enables it, or the nearest name.

    `present` is what the script has, `declared` what a configuration could give it, and `absent` maps the names of whole
    globals to what enables them.
    """
    there = {owner.name for owner in present}
    for name, key in absent.items():
        if name not in there and re.search(rf"\b{name}\b", source_line):
            return f"{name} needs {key} in the configuration"
    known: dict[str, set[str]] = {}
    for owner in present:
        if not owner.is_bare:
            known.setdefault(owner.name, set()).update(_members(type(owner)))
            above, _, name = owner.name.rpartition(".")
            if above:
                known.setdefault(above, set()).add(name)
    switched = [part for part in declared if part.requires_setting and language in part.languages]
    for name, members in known.items():
        for member in re.findall(rf"\b{re.escape(name)}[.:](\w+)", source_line):
            if member in members:
                continue
            for part in switched:
                if part.name == name and member in _members(part):
                    return f"{name}.{member} needs {part.requires_setting} in the configuration"
            if close := get_close_matches(member, sorted(members), n=1, cutoff=0.6):
                return f"{name} has no '{member}'; did you mean {name}.{close[0]}?"
            return f"{name} has no '{member}'; `llmspell api {language}` lists what there is"
    return ""


def _members(owner: type[Global]) -> set[str]:
    names = {
        name for function in (*owner.functions, *owner.constants) for name in (function.name, camel_case(function.name))
    }
    return names.union(native.name for native in owner.natives)
