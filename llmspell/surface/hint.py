"""Remedies for names that scripts get wrong. Imported when a script has failed."""

import re
from difflib import get_close_matches

from llmspell.surface.model import Global, camel_case

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def missing_hint(source_line: str, globals_: "Sequence[Global]", absent: dict[str, str], language: str) -> str:
    """A remedy for a line that failed on a name no global has: the config key that enables it, or the nearest name.

    `absent` maps the names of globals that exist to what enables them.
    """
    present = {owner.name for owner in globals_}
    for name, key in absent.items():
        if name not in present and re.search(rf"\b{name}\b", source_line):
            return f"{name} needs {key} in the configuration"
    for owner in globals_:
        if owner.is_bare:
            continue
        known = {name for function in owner.enabled_functions() for name in (function.name, camel_case(function.name))}
        known.update(native.name for native in owner.natives)
        for member in re.findall(rf"\b{owner.name}[.:](\w+)", source_line):
            if member in known:
                continue
            if needed := owner.requires.get(member):
                return f"{owner.name}.{member} needs {needed} in the configuration"
            if close := get_close_matches(member, sorted(known), n=1, cutoff=0.6):
                return f"{owner.name} has no '{member}'; did you mean {owner.name}.{close[0]}?"
            return f"{owner.name} has no '{member}'; `llmspell api {language}` lists what there is"
    return ""
