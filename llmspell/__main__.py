"""`python -m llmspell` is the same as `llmspell`."""

from llmspell.cli.main import entry

if __name__ == "__main__":
    entry()
