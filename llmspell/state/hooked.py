"""`Hooked`: the operations of a state that has hooks. Asked before, carried out, told after. Imported when there are any.

Hooks are asked without the store's write lock, unless the caller holds it himself, and told after the commit. A value of the
class trusted meets none. An `increment` is therefore tried like a save that names the version it has seen, and takes the lock
first only when others are faster again and again.
"""

from _thread import get_ident
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
from llmspell.state.limits import LONGEST_NULL, NULLS, admit, is_null
from llmspell.state.scope import Scope
from llmspell.state.transaction import Savepoint, Transaction
from llmspell.state.view import Bounds, View
from llmspell.storage import keys, record
from llmspell.storage.record import EXPIRY_OFFSET, HEADER_BYTES, SENSITIVE, TRUSTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmspell.state.manager import StateManager

MAX_CONFLICTS = 3
"""How often hooks may try to resolve the conflict of one operation."""
OPTIMISTIC = 16
"""How often an increment is tried without the lock."""


class Hooked:
    """What a StateManager with hooks does instead of its own operations, under their names, with options checked already."""

    def __init__(self, manager: "StateManager", hooks: StateHooks) -> None:
        self._manager = manager
        self._hooks = hooks

    def load(self, scope: str | Scope, key: str) -> bytes | None:
        manager, hooks = self._manager, self._hooks
        wanted, record_key = _named(scope, key)
        may_keep = manager.own_transaction() is None
        kept = hooks.cached(record_key) if may_keep else None
        if kept is not None:
            return kept[0]
        stamp = hooks.stamp()
        stored = manager.find(record_key)
        if self._class_of(stored, wanted, key) == TRUSTED:
            return payload_of(stored)
        source = record_key
        place = Place(manager, wanted.text, key, "load")
        if hooks.before_read:
            hooks.ask(BEFORE_READ, place)
            if place.is_moved:
                source = state_key(place.scope, place.key)
            if not place.is_replaced:
                stored = manager.find(source)  # asked for again: a hook may have saved it just now
        payload = place.new_value if place.is_replaced else payload_of(stored)
        if hooks.after_read and not place.is_replaced:
            code = self._class_of(stored, Scope.parse(place.scope), place.key)
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
        self, scope: str | Scope, key: str, payload: bytes, micros: int, class_: str | None, if_version: int | None
    ) -> None:
        manager, hooks = self._manager, self._hooks
        wanted = scope if type(scope) is Scope else Scope.parse(scope)
        record_key = state_key(wanted, key)
        if len(payload) <= LONGEST_NULL and payload in NULLS:
            self.delete(wanted, key, if_version, "save")
            return
        code = manager.resolve_class(wanted, key, class_)
        if code == TRUSTED:
            self._write(record_key, payload, code, micros, 0, if_version)
            return
        stored = manager.find(record_key)
        place = Place(manager, wanted.text, key, "save", payload_of(stored), payload)
        if code == SENSITIVE or (stored is not None and stored[1] == SENSITIVE):
            place.is_hidden = True
        if hooks.before_write:
            hooks.ask(BEFORE_WRITE, place)
        if place.is_changed or if_version is not None:
            self._settle(place, micros, class_, if_version)
            return
        self._write(record_key, payload, code, micros, 0, None)
        if hooks.after_write:
            self._tell(AFTER_WRITE, place)

    def delete(self, scope: str | Scope, key: str, if_version: int | None, operation: str = "delete") -> bool:
        """Whether there was something. `operation` is what the caller called it."""
        manager, hooks = self._manager, self._hooks
        wanted, record_key = _named(scope, key)
        stored = manager.find(record_key)
        code = self._class_of(stored, wanted, key)
        if code == TRUSTED:
            return manager.remove(record_key, if_version)
        place = Place(manager, wanted.text, key, operation, payload_of(stored))
        place.is_hidden = code == SENSITIVE
        if hooks.before_delete:
            hooks.ask(BEFORE_DELETE, place)
        return self._settle(place, 0, None, if_version)

    def clear(self, scope: str | Scope, prefix: str) -> int:
        """Hooks are asked about every key; when one cancels, nothing is removed. What is saved meanwhile stays."""
        manager, hooks = self._manager, self._hooks
        wanted = Scope.parse(scope)
        bounds = Bounds(wanted, prefix)
        with View(manager) as view:
            found = list(view.keys(bounds, None))
        places: list[tuple[bytes, Place | None]] = []
        for record_key in found:
            _, key = keys.split(record_key)
            stored = manager.find(record_key)
            code = self._class_of(stored, wanted, key)
            place = None
            if code != TRUSTED:
                place = Place(manager, wanted.text, key, "clear", payload_of(stored))
                place.is_hidden = code == SENSITIVE
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
                self._tell(AFTER_DELETE, place)
        return len(removed)

    def increment(self, scope: Scope, key: str, by: int | float) -> int | float:
        manager, hooks = self._manager, self._hooks
        record_key = state_key(scope, key)
        for attempt in range(OPTIMISTIC + 1):
            with nullcontext() if attempt < OPTIMISTIC else manager.transaction():
                stored = manager.find(record_key)
                code = self._class_of(stored, scope, key)
                if code == TRUSTED:
                    return manager.add(scope, key, by)
                current, expires_at, version = None, 0, 0
                if stored is not None:
                    seen = record.Record(record_key, stored)
                    current, expires_at, version = number.read(seen.payload), seen.expires_at, seen.version
                    if current is None:
                        raise BadValue(f"the value of '{key}' in scope '{scope}' is not a number")
                payload = number.write(number.add(current or 0, by))
                place = Place(manager, scope.text, key, "increment", payload_of(stored), payload)
                place.is_hidden = code == SENSITIVE
                if hooks.before_write:
                    hooks.ask(BEFORE_WRITE, place)
                    if place.is_moved:
                        return manager.add(Scope.parse(place.scope), place.key, by)
                payload = place.new_value or payload
                total = number.read(payload)
                if total is None:
                    raise BadValue("a hook has made the sum something that is no number")
                try:
                    self._write(record_key, payload, code, 0, expires_at, version)
                except Conflict:
                    continue
                if hooks.after_write:
                    self._tell(AFTER_WRITE, place)
                return total
        raise AssertionError("with the lock held there is no conflict")

    def update(self, scope: Scope, key: str, payload: bytes | None) -> bytes | None:
        """The end of an update, within its transaction; the new payload."""
        manager, hooks = self._manager, self._hooks
        record_key = state_key(scope, key)
        stored = manager.find(record_key)
        code = self._class_of(stored, scope, key)
        is_removal = payload is None or is_null(payload)
        place = Place(manager, scope.text, key, "update", payload_of(stored), None if is_removal else payload)
        place.is_hidden = code == SENSITIVE
        if code != TRUSTED:
            if is_removal and hooks.before_delete:
                hooks.ask(BEFORE_DELETE, place)
            elif not is_removal and hooks.before_write:
                hooks.ask(BEFORE_WRITE, place)
        if place.is_moved:
            record_key = state_key(place.scope, place.key)
            stored = manager.find(record_key)
            code = self._class_of(stored, Scope.parse(place.scope), place.key)
        new = place.new_value
        if new is None or is_null(new):
            if manager.remove(record_key, None) and code != TRUSTED and hooks.after_delete:
                self._tell(AFTER_DELETE, place)
            return None
        expires_at = 0 if stored is None else int.from_bytes(stored[EXPIRY_OFFSET:HEADER_BYTES], "little")
        self._write(record_key, new, code, 0, expires_at, None)
        if code != TRUSTED and hooks.after_write:
            self._tell(AFTER_WRITE, place)
        return new

    def _settle(self, place: Place, micros: int, class_: str | None, if_version: int | None) -> bool:
        """Store or remove what the place says, and tell; whether there was something. Hooks may resolve a conflict."""
        manager, hooks = self._manager, self._hooks
        if place.is_moved:
            if_version = None  # the version that the caller named is that of another value
        for attempt in range(MAX_CONFLICTS + 1):
            scope, record_key = _named(place.scope, place.key)
            payload = place.new_value
            try:
                if payload is None or is_null(payload):
                    was_there = manager.remove(record_key, if_version)
                    if was_there and hooks.after_delete:
                        self._tell(AFTER_DELETE, place)
                else:
                    was_there = place.old_value is not None
                    code = manager.resolve_class(scope, place.key, class_)
                    self._write(record_key, payload, code, micros, 0, if_version)
                    if hooks.after_write:
                        self._tell(AFTER_WRITE, place)
                return was_there
            except Conflict:
                if not hooks.on_conflict or attempt == MAX_CONFLICTS:
                    raise
                stored = manager.find(record_key)
                version = 0 if stored is None else record.Record(record_key, stored).version
                place.version, place.expected_version, place.old_value = version, if_version, payload_of(stored)
                place.is_hidden = place.is_hidden or (stored is not None and stored[1] == SENSITIVE)
                place.is_changed = place.is_moved = False
                hooks.ask(CONFLICT, place)
                if not place.is_changed:
                    raise
                if_version = None if place.is_moved else version
        raise AssertionError("the last attempt returns or raises")

    def _write(
        self, record_key: bytes, payload: bytes, code: int, micros: int, expires_at: int, if_version: int | None
    ) -> None:
        manager = self._manager
        if code >= SENSITIVE or len(payload) > manager.max_value_bytes:
            admit(payload, code, manager.max_value_bytes)
        current = manager.current
        if current is not None and current.thread == get_ident():
            current.put(record_key, payload, code, micros, expires_at, if_version)
            return
        with Transaction(manager) as transaction:
            transaction.put(record_key, payload, code, micros, expires_at, if_version)

    def _tell(self, point: str, place: Place) -> None:
        hooks, current = self._hooks, self._manager.current
        if current is not None and current.thread == get_ident():
            current.afterwards(lambda: hooks.tell(point, place))
        else:
            hooks.tell(point, place)

    def _class_of(self, stored: bytes | None, scope: Scope, key: str) -> int:
        return self._manager.resolve_class(scope, key, None) if stored is None else stored[1]


def payload_of(stored: bytes | None) -> bytes | None:
    return None if stored is None else stored[HEADER_BYTES:-4]


def _named(scope: str | Scope, key: str) -> tuple[Scope, bytes]:
    parsed = scope if type(scope) is Scope else Scope.parse(scope)
    return parsed, state_key(parsed, key)
