"""`python -m llmspell` is the same as `llmspell`."""

import sys

from llmspell.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
