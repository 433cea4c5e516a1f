"""What docs/migrations.md shows works as it stands there, and its tables name everything there is."""

import re
import tomllib
from pathlib import Path

import pytest

from llmspell import config, values
from llmspell.migration.catalogue import Catalogue
from llmspell.migration.fields import RULES, TYPES
from llmspell.migration.schema import COMPATIBILITY
from llmspell.migration.transforms import KINDS
from llmspell.runtime import Runtime
from llmspell.state.manager import StateManager

TEXT = (Path(__file__).parents[2] / "docs" / "migrations.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_the_lua_of_the_page_runs(tmp_path: Path) -> None:
    overrides = {"state.migration.enabled": True}
    with Runtime(config.load(overrides=overrides, environ={}, cwd=str(tmp_path))) as runtime:
        runtime.state.set("user:ann", "profile", {"name": "Ann Lee"})
        script = block("lua") + "return {done.items_migrated, State.load('user:ann', 'profile')}"
        assert values.decode(runtime.run(script.encode(), name="page.lua")) == [1, {"name": "Ann Lee"}]


def test_the_python_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(block("python"), names)
    assert names["outcome"].error is None


def test_the_schema_file_of_the_page_is_one() -> None:
    with StateManager.with_backend("memory") as manager:
        assert Catalogue(default=(1, 0, 0)).register(manager, tomllib.loads(block("toml"))) == (2, 1, 0)


@pytest.mark.parametrize("name", [*TYPES, *RULES, *KINDS, *COMPATIBILITY, "required", "default", "enum"])
def test_everything_is_named_on_the_page(name: str) -> None:
    assert re.search(rf"`{name}[` ]", TEXT)
