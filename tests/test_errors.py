"""Errors are a designed surface: one class per code, with its exit status and its remedy."""

import re
from pathlib import Path

import pytest

from llmspell import errors
from llmspell.errors import LlmspellError, ScriptError, by_code

CODES = [
    "bad_argument",
    "bad_value",
    "value_too_large",
    "invalid_scope",
    "invalid_key",
    "not_found",
    "conflict",
    "access_denied",
    "read_only",
    "cancelled",
    "timeout",
    "limit_exceeded",
    "invalid_transition",
    "corrupt",
    "storage_full",
    "storage_busy",
    "storage",
    "schema",
    "migration",
    "backup",
    "encryption",
    "config",
    "not_enabled",
    "interrupted",
    "internal",
]
"""The contract with scripts."""
STATUSES = {
    "not_found": 10, "access_denied": 5, "timeout": 124, "limit_exceeded": 125, "storage": 4, "corrupt": 4, "storage_full": 4,
    "storage_busy": 11, "backup": 4, "encryption": 12, "config": 3, "not_enabled": 3, "interrupted": 130,
}  # fmt: skip
"""What is not 1."""


def test_every_code_of_the_contract_has_a_class_and_no_class_a_code_beside_it() -> None:
    assert sorted(by_code()) == sorted([*CODES, "script"])


def test_no_code_is_used_twice() -> None:
    classes = LlmspellError.__subclasses__()
    assert len({cls.code for cls in classes}) == len(classes)
    assert not [cls for cls in classes if cls.__subclasses__()]


@pytest.mark.parametrize("code", CODES)
def test_the_exit_status_is_that_of_the_table(code: str) -> None:
    assert by_code()[code].exit_status == STATUSES.get(code, 1)


@pytest.mark.parametrize("cls", LlmspellError.__subclasses__(), ids=lambda cls: cls.code)
def test_every_class_says_what_it_stands_for(cls: type[LlmspellError]) -> None:
    assert cls.__doc__
    assert re.fullmatch(r"[a-z_]+", cls.code)
    error = cls("it went wrong", hint="do it right", call="State.save", exit_status=77)
    assert str(error) == "State.save: it went wrong"
    assert (error.message, error.hint, error.call, error.exit_status) == (
        "it went wrong",
        "do it right",
        "State.save",
        77,
    )


def test_the_default_hint_stands_where_none_is_given() -> None:
    assert errors.StorageFull("full").hint == errors.StorageFull.default_hint != ""
    assert errors.StorageFull("full", hint="own").hint == "own"
    assert str(errors.StorageFull("full")) == "full"


def test_a_script_error_has_its_place_and_the_code_of_what_it_let_through() -> None:
    error = ScriptError("x", code="conflict", file="a.lua", line=3, column=5, stack=("a.lua:3 in f",), exit_status=1)
    assert (error.code, error.file, error.line, error.column, error.stack) == (
        "conflict",
        "a.lua",
        3,
        5,
        ("a.lua:3 in f",),
    )
    assert ScriptError("x").code == "script"


def test_every_class_that_is_raised_anywhere_is_declared_here() -> None:
    source = Path(errors.__file__).parent
    declared = {cls.__name__ for cls in LlmspellError.__subclasses__()}
    for path in source.rglob("*.py"):
        for match in re.finditer(r"^class (\w+)\((\w*Error|LlmspellError)\):", path.read_text(), re.MULTILINE):
            if match[2] == "LlmspellError":
                assert match[1] in declared
                assert path.name == "errors.py"
