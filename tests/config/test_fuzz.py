"""Whatever a file, a variable or an override holds: a Config, or one of our two errors."""

import os
import tempfile
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from llmspell.config import load
from llmspell.config.environment import variable
from llmspell.config.layer import CATALOGUE
from llmspell.config.wording import toml_value
from llmspell.errors import ConfigError, NotEnabled

KEYS = [*CATALOGUE.settings, *CATALOGUE.spellings, *CATALOGUE.ignored, *CATALOGUE.tables]
SCALARS = (
    st.booleans()
    | st.integers()
    | st.integers(-2, 30)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["disk", "none", "zstd", "(", "*"])
)
PLAIN = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)
PIECES = st.sampled_from(
    [
        "[",
        "]",
        "[[",
        "]]",
        "=",
        ".",
        ",",
        "\n",
        '"',
        "'",
        '"""',
        "'''",
        "#",
        "{",
        "}",
        "\\",
        " ",
        "1",
        "true",
        "\r\n",
        "state",
        "journal",
        "access",
        "[state]\n",
        "enabled = true\n",
        "path = 'x'\n",
        "\x00",
        "é",
        "1979-05-27",
    ]
)


def attempt(data: bytes, **options: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "llmspell.toml")
        with open(path, "wb") as file:
            file.write(data)
        environ = {"XDG_CACHE_HOME": folder, **options.pop("environ", {})}
        outcomes = []
        # Twice, so that a file that was cached gives what it gave when it was parsed.
        for _ in range(2):
            try:
                config = load(path, environ=environ, **options)
            except (ConfigError, NotEnabled) as error:
                outcomes.append(str(error))
            else:
                outcomes.append(" ".join(f"{row} {row.origin}" for row in config.show()))
        assert outcomes[0] == outcomes[1]
        assert outcomes[0].isprintable()


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    attempt(data)


@given(st.lists(PIECES, max_size=25))
def test_anything_that_looks_like_toml(pieces: list[str]) -> None:
    attempt("".join(pieces).encode())


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(KEYS), PLAIN), max_size=4))
def test_any_value_under_any_key(pairs: list[tuple[str, Any]]) -> None:
    attempt("".join(f"{key} = {toml_value(value)}\n" for key, value in pairs).encode("utf-8", "replace"))


@given(
    st.dictionaries(st.sampled_from(KEYS).map(variable) | st.just("LLMSPELL_X__Y"), st.text(max_size=12), max_size=3)
)
def test_any_text_in_any_variable(environ: dict[str, str]) -> None:
    attempt(b"", environ=environ)


@given(st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), PLAIN | st.none() | st.binary(), max_size=3))
def test_any_override(overrides: dict[str, object]) -> None:
    attempt(b"", overrides=overrides)


@given(st.text(max_size=8), st.text(max_size=8))
def test_any_path_and_any_profile(path: str, profile: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, wanted in ((path, None), (None, profile)):
            said = ""
            try:
                load(name, profile=wanted, environ={}, cwd=folder)
            except (ConfigError, NotEnabled) as error:
                said = str(error)
            assert said.isprintable()
