"""Export and import of the state as JSON lines."""

from collections.abc import Iterable, Iterator
from typing import Any

from llmspell import values
from llmspell.errors import BadArgument, BadValue, LlmspellError
from llmspell.state import moment
from llmspell.state.entry import Entry
from llmspell.state.manager import StateManager
from llmspell.state.scope import Scope
from llmspell.state.view import Bounds, View

PAGE = 1000
TAKEN = ("scope", "key", "value", "class", "expires_at")
TOLD = ("version", "created_at", "updated_at", "schema_version")
"""What an export tells and an import leaves to the store."""


def export(manager: StateManager, scope: str | None, prefix: str) -> Iterator[dict[str, Any]]:
    """Every value of one scope or all, in byte order, as it was at one moment."""
    with View(manager) as view:
        for name in view.list_scopes("") if scope is None else [scope]:
            parsed, after = Scope.parse(name), None
            while True:
                bounds = Bounds(parsed, prefix, after)
                page = [
                    (record.key[bounds.cut :].decode(), Entry(record)) for record in view.list_records(bounds, PAGE)
                ]
                for key, entry in page:
                    yield _line(str(parsed), key, entry)
                if len(page) < PAGE:
                    break
                after = page[-1][0]


def _line(scope: str, key: str, entry: Entry) -> dict[str, Any]:
    line = {
        "scope": scope,
        "key": key,
        "value": entry.value,
        "class": entry.class_name,
        "version": entry.version,
        "created_at": moment.text(entry.created_at),
        "updated_at": moment.text(entry.updated_at),
        "schema_version": entry.schema_version,
    }
    if entry.expires_at is not None:
        line["expires_at"] = moment.text(entry.expires_at)
    return line


def import_lines(manager: StateManager, lines: Iterable[bytes]) -> dict[str, int]:
    """Save every line in one commit; how many were `imported`, and how many had `expired` and were left out.

    Raises the error of the first line that is wrong, with its number; nothing is changed then.
    """
    imported = expired = 0
    manager.transaction_timeout = 0
    with manager.transaction():
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                if _save(manager, line):
                    imported += 1
                else:
                    expired += 1
            except LlmspellError as error:
                error.message = f"line {number}: {error.message}"
                raise
    return {"imported": imported, "expired": expired}


def _save(manager: StateManager, line: bytes) -> bool:
    fields = values.load_json(line)
    if not isinstance(fields, dict) or not all(type(fields.get(name)) is str for name in ("scope", "key")):
        raise BadValue("must be an object with scope, key and value")
    if "value" not in fields:
        raise BadValue("has no value")
    for name in fields:
        if name not in TAKEN and name not in TOLD:
            raise BadValue(f"has the unknown field '{name}'")
    ttl = None
    expires_at = fields.get("expires_at")
    if expires_at is not None:
        if not isinstance(expires_at, str | int | float):
            raise BadArgument("expires_at must be RFC 3339 text or Unix seconds")
        left = moment.parse(expires_at) - manager.clock()
        if left <= 0:
            return False
        ttl = left / moment.SECOND
    manager.save(fields["scope"], fields["key"], values.encode(fields["value"]), ttl=ttl, class_=fields.get("class"))
    return True
