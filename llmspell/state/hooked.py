"""The operations of a state that has hooks: asked before, carried out, told after. Imported when there are any.

Hooks are asked without the store's write lock, unless the caller holds it himself, and told after the commit. A value of the
class trusted meets none. An `increment` is therefore tried like a save that names the version it has seen, and takes the lock
first only when others are faster again and again.
"""

from contextlib import nullcontext

from llmspell.errors import BadValue, Conflict
from llmspell.state import number
from llmspell.state.hooks import (
    AFTER_DELETE,
    AFTER_READ,
    AFTER_WRITE,
    BEFORE_DELETE,
    BEFORE_READ,
    BEFORE_WRITE,
    CONFLICT,
    Place,
    StateHooks,
)
from llmspell.state.key import state_key
from llmspell.state.limits import admit, is_null
from llmspell.state.scope import Scope
from llmspell.state.transaction import Savepoint, Transaction
from llmspell.state.view import Bounds, View
from llmspell.storage import keys, record
from llmspell.storage.record import EXPIRY_OFFSET, HEADER_BYTES, SENSITIVE, TRUSTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from llmspell.state.manager import StateManager

MAX_CONFLICTS = 3
"""How often hooks may try to resolve the conflict of one operation."""
OPTIMISTIC = 16
"""How often an increment is tried without the lock."""


def load(manager: "StateManager", hooks: StateHooks, scope: str | Scope, key: str) -> bytes | None:
    wanted, record_key = _named(scope, key)
    may_keep = manager.own_transaction() is None
    kept = hooks.cached(record_key) if may_keep else None
    if kept is not None:
        return kept[0]
    stamp = hooks.stamp()
    stored = manager.find(record_key)
    if _class_of(manager, stored, wanted, key) == TRUSTED:
        return payload_of(stored)
    source = record_key
    place = Place(wanted.text, key, "load", _looker(manager))
    if hooks.before_read:
        hooks.ask(BEFORE_READ, place)
        if place.is_moved:
            source = state_key(place.scope, place.key)
        if not place.is_replaced:
            stored = manager.find(source)  # asked for again: a hook may have saved it just now
    payload = place.new_value if place.is_replaced else payload_of(stored)
    if hooks.after_read and not place.is_replaced:
        code = _class_of(manager, stored, Scope.parse(place.scope), place.key)
        if code != TRUSTED:
            place.new_value, place.is_hidden = payload, code == SENSITIVE
            hooks.ask(AFTER_READ, place)
            payload = place.new_value
    if payload is not None and is_null(payload):
        payload = None
    if place.ttl and may_keep:
        hooks.keep(record_key, source, payload, place.ttl, stamp)
    return payload


def save(
    manager: "StateManager", hooks: StateHooks, scope: str | Scope, key: str, payload: bytes, micros: int,
    class_: str | None, if_version: int | None,
) -> None:  # fmt: skip
    wanted, record_key = _named(scope, key)
    if is_null(payload):
        delete(manager, hooks, wanted, key, if_version, "save")
        return
    code = manager.resolve_class(wanted, key, class_)
    if code == TRUSTED:
        _write(manager, record_key, payload, code, micros, 0, if_version)
        return
    stored = manager.find(record_key)
    is_hidden = SENSITIVE in (code, _class_of(manager, stored, wanted, key))
    place = Place(
        wanted.text, key, "save", _looker(manager), old_value=payload_of(stored), new_value=payload, is_hidden=is_hidden
    )
    if hooks.before_write:
        hooks.ask(BEFORE_WRITE, place)
    _settle(manager, hooks, place, micros, class_, if_version)


def delete(
    manager: "StateManager", hooks: StateHooks, scope: str | Scope, key: str, if_version: int | None, operation: str
) -> bool:
    """Whether there was something. `operation` is what the caller called it."""
    wanted, record_key = _named(scope, key)
    stored = manager.find(record_key)
    code = _class_of(manager, stored, wanted, key)
    if code == TRUSTED:
        return manager.remove(record_key, if_version)
    place = Place(
        wanted.text, key, operation, _looker(manager), old_value=payload_of(stored), is_hidden=code == SENSITIVE
    )
    if hooks.before_delete:
        hooks.ask(BEFORE_DELETE, place)
    return _settle(manager, hooks, place, 0, None, if_version)


def clear(manager: "StateManager", hooks: StateHooks, scope: str | Scope, prefix: str) -> int:
    """Hooks are asked about every key; when one cancels, nothing is removed. What is saved meanwhile stays."""
    wanted = Scope.parse(scope)
    bounds = Bounds(wanted, prefix)
    with View(manager) as view:
        found = list(view.keys(bounds, None))
    places: list[tuple[bytes, Place | None]] = []
    for record_key in found:
        _, key = keys.split(record_key)
        stored = manager.find(record_key)
        code = _class_of(manager, stored, wanted, key)
        place = None
        if code != TRUSTED:
            place = Place(
                wanted.text, key, "clear", _looker(manager), old_value=payload_of(stored), is_hidden=code == SENSITIVE
            )
            if hooks.before_delete:
                hooks.ask(BEFORE_DELETE, place)
                if place.is_replaced or place.is_moved:
                    continue  # a value that a hook keeps, or wants elsewhere, is not removed here
        places.append((record_key, place))
    current = manager.own_transaction()
    with Transaction(manager) if current is None else Savepoint(current) as transaction:
        removed = [place for record_key, place in places if transaction.delete(record_key)]
    for place in removed:
        if place is not None and hooks.after_delete:
            _tell(manager, hooks, AFTER_DELETE, place)
    return len(removed)


def increment(manager: "StateManager", hooks: StateHooks, scope: Scope, key: str, by: int | float) -> int | float:
    record_key = state_key(scope, key)
    for attempt in range(OPTIMISTIC + 1):
        with nullcontext() if attempt < OPTIMISTIC else manager.transaction():
            stored = manager.find(record_key)
            code = _class_of(manager, stored, scope, key)
            if code == TRUSTED:
                return manager.add(scope, key, by)
            current, expires_at, version = None, 0, 0
            if stored is not None:
                seen = record.Record(record_key, stored)
                current, expires_at, version = number.read(seen.payload), seen.expires_at, seen.version
                if current is None:
                    raise BadValue(f"the value of '{key}' in scope '{scope}' is not a number")
            payload = number.write(number.add(current or 0, by))
            place = Place(
                scope.text, key, "increment", _looker(manager), old_value=payload_of(stored), new_value=payload,
                is_hidden=code == SENSITIVE,
            )  # fmt: skip
            if hooks.before_write:
                hooks.ask(BEFORE_WRITE, place)
                if place.is_moved:
                    return manager.add(Scope.parse(place.scope), place.key, by)
            payload = place.new_value or payload
            total = number.read(payload)
            if total is None:
                raise BadValue("a hook has made the sum something that is no number")
            try:
                _write(manager, record_key, payload, code, 0, expires_at, version)
            except Conflict:
                continue
            if hooks.after_write:
                _tell(manager, hooks, AFTER_WRITE, place)
            return total
    raise AssertionError("with the lock held there is no conflict")


def update(manager: "StateManager", hooks: StateHooks, scope: Scope, key: str, payload: bytes | None) -> bytes | None:
    """The end of an update, within its transaction; the new payload."""
    record_key = state_key(scope, key)
    stored = manager.find(record_key)
    code = _class_of(manager, stored, scope, key)
    is_removal = payload is None or is_null(payload)
    place = Place(
        scope.text, key, "update", _looker(manager), old_value=payload_of(stored),
        new_value=None if is_removal else payload, is_hidden=code == SENSITIVE,
    )  # fmt: skip
    if code != TRUSTED:
        if is_removal and hooks.before_delete:
            hooks.ask(BEFORE_DELETE, place)
        elif not is_removal and hooks.before_write:
            hooks.ask(BEFORE_WRITE, place)
    if place.is_moved:
        record_key = state_key(place.scope, place.key)
        stored = manager.find(record_key)
        code = _class_of(manager, stored, Scope.parse(place.scope), place.key)
    new = place.new_value
    if new is None or is_null(new):
        if manager.remove(record_key, None) and code != TRUSTED and hooks.after_delete:
            _tell(manager, hooks, AFTER_DELETE, place)
        return None
    expires_at = 0 if stored is None else int.from_bytes(stored[EXPIRY_OFFSET:HEADER_BYTES], "little")
    _write(manager, record_key, new, code, 0, expires_at, None)
    if code != TRUSTED and hooks.after_write:
        _tell(manager, hooks, AFTER_WRITE, place)
    return new


def payload_of(stored: bytes | None) -> bytes | None:
    return None if stored is None else stored[HEADER_BYTES:-4]


def _settle(
    manager: "StateManager", hooks: StateHooks, place: Place, micros: int, class_: str | None, if_version: int | None
) -> bool:
    """Store or remove what the place says, and tell; whether there was something. Hooks may resolve a conflict."""
    if place.is_moved:
        if_version = None  # the version that the caller named is that of another value
    for attempt in range(MAX_CONFLICTS + 1):
        scope, record_key = _named(place.scope, place.key)
        payload = place.new_value
        try:
            if payload is None or is_null(payload):
                was_there = manager.remove(record_key, if_version)
                if was_there and hooks.after_delete:
                    _tell(manager, hooks, AFTER_DELETE, place)
            else:
                was_there = place.old_value is not None
                code = manager.resolve_class(scope, place.key, class_)
                _write(manager, record_key, payload, code, micros, 0, if_version)
                if hooks.after_write:
                    _tell(manager, hooks, AFTER_WRITE, place)
            return was_there
        except Conflict:
            if not hooks.on_conflict or attempt == MAX_CONFLICTS:
                raise
            stored = manager.find(record_key)
            version = 0 if stored is None else record.Record(record_key, stored).version
            place.version, place.expected_version, place.old_value = version, if_version, payload_of(stored)
            place.is_changed = place.is_moved = False
            hooks.ask(CONFLICT, place)
            if not place.is_changed:
                raise
            if_version = None if place.is_moved else version
    raise AssertionError("the last attempt returns or raises")


def _write(
    manager: "StateManager", record_key: bytes, payload: bytes, code: int, micros: int, expires_at: int,
    if_version: int | None,
) -> None:  # fmt: skip
    admit(payload, code, manager.max_value_bytes)
    with manager.writing() as transaction:
        transaction.put(record_key, payload, code, micros, expires_at, if_version)


def _tell(manager: "StateManager", hooks: StateHooks, point: str, place: Place) -> None:
    current = manager.own_transaction()
    if current is None:
        hooks.tell(point, place)
    else:
        current.afterwards(lambda: hooks.tell(point, place))


def _named(scope: str | Scope, key: str) -> tuple[Scope, bytes]:
    parsed = scope if type(scope) is Scope else Scope.parse(scope)
    return parsed, state_key(parsed, key)


def _looker(manager: "StateManager") -> "Callable[[str, str], bytes | None]":
    return lambda scope, key: payload_of(manager.find(state_key(scope, key)))


def _class_of(manager: "StateManager", stored: bytes | None, scope: Scope, key: str) -> int:
    return manager.resolve_class(scope, key, None) if stored is None else stored[1]
