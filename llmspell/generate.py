"""`python -m llmspell.generate [--check]`: everything in the repository that is made from declarations.

Without `--check` the files are written; with it they are compared, and the exit status is 1 when one is missing or differs.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from llmspell.config import GENERATED as CONFIG_FILES
from llmspell.globals import ALL
from llmspell.migration import format as schema_format
from llmspell.surface import dump, luacats, markdown, typescript

KINDS: dict[str, Callable[[], str]] = {
    "lua": lambda: luacats.render(ALL),
    "typescript": lambda: typescript.render(ALL),
    "markdown": lambda: markdown.render(ALL),
    "json": lambda: dump.render(ALL),
}
"""What `llmspell api` shows."""

FILES: dict[str, Callable[[], str]] = {
    "types/llmspell.lua": KINDS["lua"],
    "types/llmspell.d.ts": KINDS["typescript"],
    "docs/scripts.md": KINDS["markdown"],
    "docs/errors.md": markdown.render_errors,
    "types/llmspell-schema.json": schema_format.render,
    **CONFIG_FILES,
}
"""Path below the repository's root to what makes the text."""

ROOT = Path(__file__).parent.parent


def render(kind: str) -> str:
    """The whole surface as `lua`, `typescript`, `markdown` or `json`."""
    return KINDS[kind]()


def write(root: Path = ROOT) -> list[str]:
    """Write every file that is not up to date; the paths of those."""
    written = stale(root)
    for path in written:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(FILES[path](), encoding="utf-8", newline="\n")
    return written


def stale(root: Path = ROOT) -> list[str]:
    """The paths of the files that are missing or differ from what would be written."""
    return [path for path, make in FILES.items() if _read(root / path) != make().encode()]


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


def main(arguments: list[str] | None = None) -> int:
    import argparse

    parser = argparse.ArgumentParser(prog="python -m llmspell.generate", description="Write the generated files.")
    parser.add_argument("--check", action="store_true", help="only compare; exit 1 when a file is stale")
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository (default: the one this runs from)")
    options = parser.parse_args(arguments)
    if not options.check:
        for path in write(options.root):
            print(f"wrote {path}")
        return 0
    paths = stale(options.root)
    for path in paths:
        print(f"{path} is stale; run `make generate` and commit the result", file=sys.stderr)
    return int(bool(paths))


if __name__ == "__main__":
    sys.exit(main())
