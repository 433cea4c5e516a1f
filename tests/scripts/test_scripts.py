"""Scripts that say what they expect, in comments; `.lua` and `.js` of one name are twins and must expect the same.

`-- expect: TEXT` is one line of standard output, and all lines are expected. The others are asked for when they are there:
`expect error: CODE: CALL: MESSAGE`, `expect at: FILE:LINE`, `expect stderr: TEXT`, `expect result: JSON`, `expect exit: N`.
Before the run: `config: KEY = JSON`, `args: WORD …`, `stores: lmdb` (memory is always). `<table|object>` is the first word in
Lua and the second in JavaScript. `{here}` is the folder of the script.
"""

import json
import re
from pathlib import Path

import pytest

from llmspell import ScriptError
from llmspell.config import load
from llmspell.errors import LlmspellError
from llmspell.languages.language import ScriptExit
from llmspell.runtime import Runtime
from llmspell.values import decode

HERE = Path(__file__).parent
SCRIPTS = sorted(path for path in HERE.glob("*/*.*") if path.suffix in (".lua", ".js", ".mjs"))
COMMENT = re.compile(r"^\s*(?:--|//) (expect|expect \w+|config|args|stores): ?(.*)$")
OWN = ("expect at", "config", "args", "stores")
"""What twins need not have in common."""


class Script:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.language = "lua" if path.suffix == ".lua" else "javascript"
        found = [COMMENT.match(line) for line in path.read_text().splitlines()]
        self.comments = [(match[1], match[2]) for match in found if match]

    def all(self, kind: str) -> list[str]:
        return [self._word(text) for name, text in self.comments if name == kind]

    def one(self, kind: str) -> str | None:
        found = self.all(kind)
        assert len(found) < 2, f"{kind} twice"
        return found[0] if found else None

    def _word(self, text: str) -> str:
        text = text.replace("{here}", str(self.path.parent))
        return re.sub(r"<([^<>|]*)\|([^<>|]*)>", r"\1" if self.language == "lua" else r"\2", text)

    def config(self, store: str, folder: Path) -> dict[str, object]:
        overrides: dict[str, object] = {"state.backend": store, "state.path": str(folder / "state")}
        for line in self.all("config"):
            key, _, value = line.partition(" = ")
            overrides[key] = json.loads(value)
        return overrides


def cases() -> list[object]:
    return [
        pytest.param(path, store, id=f"{path.relative_to(HERE)}-{store}")
        for path in SCRIPTS
        if "module" not in path.stem
        for store in ["memory", *(Script(path).one("stores") or "").split()]
    ]


@pytest.mark.parametrize(("path", "store"), cases())
def test_script_does_what_its_comments_expect(
    path: Path, store: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script = Script(path)
    config = load(environ={}, cwd=str(tmp_path), overrides=script.config(store, tmp_path))
    error: BaseException | None = None
    payload = None
    with Runtime(config) as runtime:
        try:
            payload = runtime.run(path.read_bytes(), name=str(path), args=(script.one("args") or "").split())
        except (LlmspellError, ScriptExit) as raised:
            error = raised
    out, err = capfd.readouterr()

    assert (error.status if isinstance(error, ScriptExit) else None) == _number(script.one("expect exit"))
    if isinstance(error, LlmspellError):
        assert f"{error.code}: {error}" == script.one("expect error"), err
        place = script.one("expect at")
        if place is not None:
            assert isinstance(error, ScriptError)
            assert f"{Path(error.file).name}:{error.line}" == place
    else:
        assert script.one("expect error") is None
    assert out.splitlines() == script.all("expect")
    for line in script.all("expect stderr"):
        assert line in err
    result = script.one("expect result")
    if result is not None:
        assert payload is not None
        assert decode(payload) == json.loads(result)


TWINS = [path for path in SCRIPTS if path.suffix == ".lua" and path.with_suffix(".js").exists()]


@pytest.mark.parametrize("path", TWINS, ids=lambda path: str(path.relative_to(HERE).with_suffix("")))
def test_twins_expect_the_same(path: Path) -> None:
    lua, javascript = Script(path), Script(path.with_suffix(".js"))
    assert [item for item in lua.comments if item[0] not in OWN] == [
        item for item in javascript.comments if item[0] not in OWN
    ]


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)
