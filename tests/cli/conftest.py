"""`llmspell` as users have it: a process of its own, in a folder of its own, with nothing of the environment around."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
TIMEOUT = 60


class Ran:
    """How a command ended. `out` and `err` are text; `json` is the one document on standard output."""

    def __init__(self, done: "subprocess.CompletedProcess[bytes]") -> None:
        self.status = done.returncode
        self.raw = done.stdout
        self.out = done.stdout.decode(errors="surrogateescape")
        self.err = done.stderr.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Shell:
    """Runs commands in `folder`; `environment` is all they see."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "home"),
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONWARNINGS": "error",
        }
        (folder / "home").mkdir()

    def file(self, name: str, content: "str | bytes") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def disk(self) -> None:
        """From now on the state is on disk, in the folder."""
        self.file("llmspell.toml", '[state]\nbackend = "disk"\npath = "./store"\n')

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "llmspell", *arguments]

    def __call__(self, *arguments: str, input: "str | bytes" = b"", **environment: str) -> Ran:
        return self.run(self.command(*arguments), input=input, **environment)

    def run(self, command: list[str], input: "str | bytes" = b"", **environment: str) -> Ran:
        done = subprocess.run(
            command,
            input=input.encode() if isinstance(input, str) else input,
            capture_output=True,
            cwd=self.folder,
            env=self.environment | environment,
            timeout=TIMEOUT,
            check=False,
        )
        return Ran(done)

    def start(self, *arguments: str, **options: Any) -> "subprocess.Popen[bytes]":
        """A command that goes on while the test does; SIGINT reaches it also when the tests run in the background."""
        return subprocess.Popen(
            self.command(*arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=self.environment,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            **options,
        )


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


Script = Callable[[str], str]


@pytest.fixture(params=["lua", "javascript"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)
