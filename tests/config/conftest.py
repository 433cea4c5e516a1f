"""A folder of its own for every test, and `load` with an environment that holds nothing of the real one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmspell.config import Config, load


class Place:
    """A working directory with a home beside it."""

    def __init__(self, root: Path) -> None:
        self.work = root / "work"
        self.home = root / "home"
        self.cache = root / "cache" / "llmspell"
        self.work.mkdir()
        self.home.mkdir()
        self.environ = {"HOME": str(self.home), "XDG_CACHE_HOME": str(root / "cache")}

    def write(self, text: str | bytes, name: str = "llmspell.toml", folder: Path | None = None) -> str:
        path = (folder or self.work) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return str(path)

    def load(self, path: str | None = None, **options: Any) -> Config:
        environ = self.environ | options.pop("environ", {})
        return load(path, environ=environ, cwd=str(self.work), **options)

    def text(self, text: str | bytes, **options: Any) -> Config:
        return self.load(self.write(text), **options)

    def caches(self) -> list[Path]:
        return sorted(self.cache.glob("config-*.cache"))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def message(place: Place) -> Callable[..., str]:
    """The error that a text gives, with the file's path as FILE."""

    def of(text: str | bytes, **options: Any) -> str:
        path = place.write(text)
        from llmspell.errors import ConfigError

        with pytest.raises(ConfigError) as caught:
            place.load(path, **options)
        assert caught.value.exit_status == 3
        return str(caught.value).replace(path, "FILE")

    return of
