"""Profiles: named configurations that come with llmspell, as TOML files in a folder of their own."""

import os

from llmspell.errors import ConfigError

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "profiles")
ENDING = ".toml"


def profile_names() -> list[str]:
    """Every profile, sorted."""
    return sorted(name[: -len(ENDING)] for name in os.listdir(FOLDER) if name.endswith(ENDING))


def profile_path(name: str) -> str:
    """The file of a profile; raises ConfigError, listing the profiles, when there is none of this name."""
    path = os.path.join(FOLDER, name + ENDING)
    # Only plain names: no other path leads out of the folder.
    if not name.replace("-", "").isalnum() or not os.path.isfile(path):
        raise ConfigError(f"there is no profile {name[:60]!r}; the profiles are {', '.join(profile_names())}")
    return path


def profile_text(name: str) -> str:
    """The TOML text of a profile; raises ConfigError, listing the profiles, when there is none of this name."""
    with open(profile_path(name), encoding="utf-8") as file:
        return file.read()
