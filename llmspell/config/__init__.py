"""The configuration: declared once in sections, read from TOML, profiles, the environment and the command line."""

from llmspell.config.config import Config, load

__all__ = ["Config", "load"]
