"""The script API as data: what is declared in `llmspell.globals`, and what is generated from it."""
