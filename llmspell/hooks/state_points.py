"""`StatePoints`: the hooks of a runtime as a state asks and tells them."""

from _thread import get_ident
from time import monotonic

from llmspell import values
from llmspell.errors import BadValue, Cancelled
from llmspell.hooks.context import NIL, REDACTED, Context, Layout
from llmspell.hooks.hooks import Hooks, running_hooks
from llmspell.state import number
from llmspell.state.hooked import Hooked
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
from llmspell.state.scope import Scope

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmspell.hooks.background import Background
    from llmspell.hooks.context import Fields
    from llmspell.hooks.outcome import Outcome
    from llmspell.state.entry import Commit
    from llmspell.state.manager import StateManager

MAX_CACHED = 10_000


class StatePoints(StateHooks):
    """Stands in the state's `hooks` while a hook waits at any point of the state. Without `background` hooks are told at once."""

    def __init__(self, hooks: Hooks, state: "StateManager", background: "Background | None") -> None:
        self._hooks = hooks
        self._state = state
        self._background = background
        self._cache: dict[bytes, tuple[float, bytes | None]] = {}
        self._sources: dict[bytes, set[bytes]] = {}
        self._commits = 0
        hooks.watchers.append(self._refresh)
        self._refresh()

    def ask(self, point: str, place: Place) -> None:
        hooks = self._hooks
        context = _context(point, place, hooks.correlation())
        fields = context.fields
        outcome = hooks.run_all(hooks.at(point), context)
        if outcome is None:
            return
        place.ttl = max(place.ttl, outcome.ttl)
        if outcome.kind == "cancel":
            why = f": {outcome.reason}" if outcome.reason else ""
            raise Cancelled(f"cancelled by the hook '{outcome.hook}'{why}")
        if outcome.kind == "replace":
            place.is_replaced = place.is_changed = True
            place.new_value = outcome.replacement
        changed = outcome.changed
        if not changed:
            return
        place.is_changed = True
        value_field = _VALUE_FIELD.get(point, "new_value")
        # A hook that gives all of its data back has not changed what it was not shown.
        is_redacted = place.is_hidden and fields.get(value_field) == REDACTED
        if value_field in changed and not place.is_replaced and not is_redacted:
            place.new_value = _payload(fields[value_field])
            if point == BEFORE_READ:
                place.is_replaced = True
        scope, key = str(fields["scope"]), str(fields["key"])
        if (scope, key) != (place.scope, place.key):
            place.scope, place.key, place.is_moved = scope, key, True

    def tell(self, point: str, place: Place) -> None:
        context = _context(point, place, self._hooks.correlation())
        running, background = running_hooks(), self._background
        for hook in self._hooks.at(point):
            if hook.is_filtered and not hook.fits(context.fields):
                continue
            if background is not None:
                if hook not in running:
                    background.add(hook, context, running)
            elif not hook.thread or hook.thread == get_ident():
                self._hooks.notify(hook, context, running)

    def cached(self, record_key: bytes) -> tuple[bytes | None] | None:
        found = self._cache.get(record_key)
        if found is None:
            return None
        if found[0] < monotonic():
            self._cache.pop(record_key, None)
            return None
        return (found[1],)

    def stamp(self) -> int:
        return self._commits

    def keep(self, record_key: bytes, source: bytes, payload: bytes | None, seconds: float, stamp: int) -> None:
        if stamp != self._commits:
            return
        if len(self._cache) >= MAX_CACHED:
            self._cache.clear()
            self._sources.clear()
        self._cache[record_key] = (monotonic() + seconds, payload)
        self._sources.setdefault(source, set()).add(record_key)

    def _forget(self, commit: "Commit") -> None:
        self._commits += 1
        if not self._cache:
            return
        for record_key in commit.operations:
            self._cache.pop(record_key, None)
            for dependent in self._sources.pop(record_key, ()):
                self._cache.pop(dependent, None)

    def _refresh(self) -> None:
        """Hooks have come or gone."""
        wants = self._hooks.wants
        self.before_read, self.after_read = wants(BEFORE_READ), wants(AFTER_READ)
        self.before_write, self.after_write = wants(BEFORE_WRITE), wants(AFTER_WRITE)
        self.before_delete, self.after_delete = wants(BEFORE_DELETE), wants(AFTER_DELETE)
        self.on_conflict = wants(CONFLICT)
        self._cache.clear()
        self._sources.clear()
        if (self.before_read or self.after_read) and self._forget not in self._state.listeners:
            self._state.listeners.append(self._forget)
        self._state.hooks = Hooked(self._state, self) if self._hooks.wants_state() else None


class _OfPlace(Context):
    """What a hook is asked or told about a place."""

    __slots__ = ("place",)
    place: Place

    def check(self, outcome: "Outcome") -> None:
        """Raise when what a hook wants cannot be. Those that follow are told what is at a new place."""
        fields, place = outcome.fields, self.place
        if outcome.changed & {"scope", "key"}:
            scope, key = fields.get("scope"), fields.get("key")
            if not isinstance(scope, str):
                scope = fields["scope"] = values.decode(scope or NIL)
            if not isinstance(key, str):
                key = fields["key"] = values.decode(key or NIL)
            state_key(scope, key)
            fields["scope"] = Scope.parse(scope).text
            if self.point in (BEFORE_WRITE, BEFORE_DELETE):
                fields["old_value"] = _shown(place.look(scope, key), place.is_hidden)
        if place.operation == "increment" and (outcome.kind == "replace" or "new_value" in outcome.changed):
            payload = outcome.replacement if outcome.kind == "replace" else _payload(fields["new_value"])
            if number.read(payload) is None:
                raise BadValue("an increment needs a number")


_VALUE_FIELD = {BEFORE_READ: "value", AFTER_READ: "value"}


_WRITE = Layout("scope", "key", "operation")


def _context(point: str, place: Place, correlation_id: str) -> _OfPlace:
    fields: Fields
    scope = place.scope
    if (point is BEFORE_WRITE or point is AFTER_WRITE) and not place.is_hidden:  # the path of every save
        fields = {
            "scope": scope, "key": place.key, "old_value": place.old_value or NIL, "new_value": place.new_value or NIL,
            "operation": place.operation,
        }  # fmt: skip
        context = _OfPlace(point, "state", scope, correlation_id, fields, b"", _WRITE)
    else:
        context = _OfPlace(point, "state", scope, correlation_id, _fields(point, place))
    context.place = place
    return context


def _fields(point: str, place: Place) -> "Fields":
    fields: Fields = {"scope": place.scope, "key": place.key}
    if point == AFTER_READ:
        fields["value"] = _shown(place.new_value, place.is_hidden)
    elif point != BEFORE_READ:
        fields["old_value"] = _shown(place.old_value, place.is_hidden)
        fields["new_value"] = _shown(place.new_value, place.is_hidden)
    fields["operation"] = place.operation
    if point == CONFLICT:
        fields["version"] = values.encode(place.version)
        fields["expected_version"] = values.encode(place.expected_version)
    return fields


def _shown(payload: bytes | None, is_hidden: bool) -> str | bytes:
    if payload is None:
        return NIL
    return REDACTED if is_hidden else payload


def _payload(field: str | bytes) -> bytes:
    return values.encode(field) if isinstance(field, str) else field
