"""The configuration: declared once in sections, read from profiles, files, the environment and the command line."""

from llmspell.config.config import Config, load

__all__ = ["GENERATED", "Config", "load"]


def _reference() -> str:
    from llmspell.config.reference import reference_text

    return reference_text()


def _sample() -> str:
    from llmspell.config.sample import sample_text

    return sample_text()


GENERATED = {"docs/config.md": _reference, "llmspell/config/profiles/full.toml": _sample}
"""What makes the text of each file that is generated from the declarations, by its path in the repository."""
