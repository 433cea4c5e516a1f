"""What is declared is really there in both languages, and nothing else is."""

import os

import pytest

from llmspell import config, values
from llmspell.globals import ALL
from llmspell.runtime import Runtime
from llmspell.surface.model import Global
from llmspell.surface.outline import spellings

MEMBERS = {
    "lua": "local names = JSON.array() for name in pairs({owner}) do names[#names + 1] = name end return names",
    "javascript": "Object.getOwnPropertyNames({owner})",
}
THERE = [owner for owner in ALL if any(part.name == owner.name and not part.requires_setting for part in ALL)]
"""Those that need no setting, or of which a part needs none."""
FOLDER = os.path.dirname(__file__)  # where no configuration file is
ROOTS = {"lua": "_G", "javascript": "globalThis"}


def members(language: str, owner: str) -> set[str]:
    with Runtime(config.load(environ={}, cwd=FOLDER)) as runtime:
        source = MEMBERS[language].replace("{owner}", owner).encode()
        return set(values.decode(runtime.run(source, name="members", language=language)))


def declared(name: str, language: str) -> set[str]:
    """What the parts of a global that need no setting declare."""
    owners = [owner for owner in ALL if owner.name == name and not owner.requires_setting]
    return set[str]().union(*(members_of(owner, language) for owner in owners))


def members_of(owner: type[Global], language: str) -> set[str]:
    shapes = {native.name: native.luacats if language == "lua" else native.typescript for native in owner.natives}
    natives = {name for name, shape in shapes.items() if shape}
    return natives.union(*(spellings(function.name) for function in owner.functions))


@pytest.mark.parametrize("language", MEMBERS)
def test_globals_have_exactly_what_is_declared(language: str) -> None:
    for owner in THERE:
        if language in owner.languages and not owner.is_bare:
            assert members(language, owner.name) == declared(owner.name, language), owner.name


@pytest.mark.parametrize("language", MEMBERS)
def test_bare_names_and_globals_are_there(language: str) -> None:
    there = members(language, ROOTS[language])
    for owner in THERE:
        if language in owner.languages:
            assert (declared(owner.name, language) if owner.is_bare else {owner.name}) <= there
