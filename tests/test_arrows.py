"""The import arrows of docs/design.md, held by walking every import of the package, those inside functions included."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import llmspell

PACKAGE = Path(llmspell.__file__).parent
DOMAIN = ("state", "agents", "sessions", "artifacts", "hooks", "events", "migration", "backup", "replay", "telemetry")
LEAVES = {"values": {"errors"}, "errors": set(), "ids": set(), "logline": set(), "announce": set()}
BASE = {"values", "errors", "ids", "announce", "llmspell"}
"""What every part may import; `llmspell` is the package itself, for its version."""

ALLOWED: dict[str, set[str]] = {
    **LEAVES,
    "config": BASE,
    "storage": BASE,
    **{part: BASE | {"storage", *DOMAIN} for part in DOMAIN},
    "surface": BASE,
    "languages": BASE | {"surface"},
    "globals": BASE | {"surface", *DOMAIN},
}
"""What each part may import. `runtime`, `cli` and `generate` stand above and may import all but what stands above them."""

ABOVE = {"runtime": {"cli", "generate", "__main__"}, "generate": {"cli", "__main__"}, "cli": {"__main__"}}
PUBLIC = {
    "llmspell": {"agents", "artifacts", "config", "errors", "events", "runtime", "sessions", "state"},
    "__main__": {"cli"},
}


def part_of(module: str) -> str:
    """`llmspell.state.manager` → `state`; the package itself is `llmspell`."""
    return module.split(".")[1] if "." in module else "llmspell"


def imports_of(source: str, submodules: set[str]) -> Iterator[str]:
    """Every part of llmspell that the source imports, wherever the import stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (part_of(name.name) for name in node.names if name.name.split(".")[0] == "llmspell")
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            module = node.module or ""
            if module == "llmspell":
                yield from (name.name if name.name in submodules else "llmspell" for name in node.names)
            elif module.startswith("llmspell."):
                yield part_of(module)


def files() -> list[tuple[str, Path]]:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        relative = path.relative_to(PACKAGE)
        part = relative.parts[0].removesuffix(".py")
        found.append(("llmspell" if part == "__init__" else part, path))
    return found


def breaks(part: str, path: Path, submodules: set[str]) -> list[str]:
    wanted = set(imports_of(path.read_text(encoding="utf-8"), submodules)) - {part}
    wrong = wanted & ABOVE[part] if part in ABOVE else wanted - (ALLOWED | PUBLIC).get(part, set())
    return [f"{path.relative_to(PACKAGE)} imports {name}" for name in sorted(wrong)]


def test_every_import_follows_the_arrows() -> None:
    found = files()
    submodules = {part for part, _ in found} - {"llmspell"}
    assert [line for part, path in found for line in breaks(part, path, submodules)] == []


def test_every_part_has_its_place_in_the_arrows() -> None:
    placed = ALLOWED.keys() | ABOVE.keys() | PUBLIC.keys()
    assert {part for part, _ in files()} <= placed


def test_a_forbidden_import_would_be_found() -> None:
    source = "def f():\n    from llmspell.state.manager import StateManager\n    import llmspell.cli.main\n"
    assert set(imports_of(source, {"state", "cli"})) == {"state", "cli"}
    assert set(imports_of("from llmspell import values, __version__", {"values"})) == {"values", "llmspell"}


def test_storage_never_hears_the_word_script() -> None:
    for part, path in files():
        if part == "storage":
            code = ast.unparse(_without_docstrings(ast.parse(path.read_text(encoding="utf-8"))))
            assert re.search(r"(?<!de)script", code, re.IGNORECASE) is None, path.name


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body[0] = ast.Pass()
    return tree


def test_only_the_runtime_and_the_command_line_read_the_configuration() -> None:
    readers = {
        part for part, path in files() if "config" in set(imports_of(path.read_text(encoding="utf-8"), {"config"}))
    }
    assert readers <= {"config", "runtime", "cli", "generate", "llmspell"}
