"""A process of its own that runs one script after another, each with an engine of its own, and says how each one ended.

It reads a JSON list of `[language, source]` from standard input and writes a JSON list `[index, code, message]` per line, so
that whoever started it knows after which one it died.
"""

import json
import sys
import threading
from pathlib import Path

from llmspell.errors import Interrupted
from tests.languages.engine import Engine

SECONDS = 0.25
"""How long one script may take. One that cannot be interrupted has no place here."""


def main() -> None:
    out = sys.stdout
    for index, (language, source) in enumerate(json.load(sys.stdin)):
        engine = Engine(language, Path("/nonexistent"))
        engine.set(
            engines__lua__stdlib="full",
            engines__lua__memory_limit=64 << 20,
            engines__javascript__memory_limit=64 << 20,
            state__transaction_timeout_ms=200,
        )
        timer = threading.Timer(SECONDS, engine.runtime.interrupt, [Interrupted("interrupted")])
        timer.start()
        ran = engine.run(source)
        timer.cancel()
        engine.close()
        out.write(json.dumps([index, ran.code, ran.text[:300] if ran.error is not None else ""]) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
