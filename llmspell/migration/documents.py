"""The documents that a migration is about, found in the order of their keys, and what it makes of each."""

from contextlib import suppress
from struct import Struct
from zlib import crc32

from llmspell import values
from llmspell.errors import LlmspellError, SchemaError
from llmspell.hooks.context import REDACTED
from llmspell.migration.fields import NONE, STRICT, Violation
from llmspell.migration.schema import fits
from llmspell.migration.upgrade import Upgrade, find_steps, plan_steps
from llmspell.migration.version import Version
from llmspell.state.limits import admit
from llmspell.state.transaction import is_expired
from llmspell.storage import keys, record
from llmspell.storage.record import EXTERNAL, FORMAT, HEADER_BYTES, INTACT, SENSITIVE, TRUSTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from typing import Any

    from llmspell.migration.schema import Step
    from llmspell.migration.transforms import Document, Functions
    from llmspell.migration.upgrade import Schemas
    from llmspell.storage.store import ReadTransaction

    Group = bytes | tuple[Any, ...]

STAMP = Struct("<HHH")
"""How a record holds its schema version, from its third byte on."""
STAMP_END = 2 + STAMP.size
_MSGPACK = values.MSGPACK[0]


class Selection:
    """Which documents: maps under keys that all pattern pairs fit, as they were when `planned` was the store's version.

    With `only_from`, only those of that version. `target` is left out, unless `includes_target`. While it is read, it
    counts in `current` those at the target, in `late` those that were saved after the planning, and in `others` what is no
    map or of a version that was not asked for.
    """

    def __init__(
        self,
        patterns: "Sequence[tuple[str, str]]",
        target: Version,
        *,
        only_from: Version | None = None,
        includes_target: bool = False,
        planned: int = 2**63,
        clock: "Callable[[], int]",
    ) -> None:
        self.target = target
        self.planned = planned
        self.current = self.late = self.others = 0
        self._only_from = None if only_from is None else STAMP.pack(*only_from)
        self._skipped = None if includes_target else STAMP.pack(*target)
        self._patterns = patterns
        self._clock = clock
        heads = [scope.partition("*")[0] for scope, _ in patterns]
        self._begin = keys.STATE + max(heads, key=len).encode()
        exact = [scope for scope, _ in patterns if scope and "*" not in scope]
        self._end = keys.scope_prefix(exact[0])[:-1] + b"\1" if exact else self._begin + keys.AFTER_TEXT
        if exact:
            self._begin = keys.scope_prefix(exact[0])
        wanted = [key for _, key in patterns if key and "*" not in key]
        self._key = wanted[0].encode() if wanted else None
        self._has_globs = any("*" in key for _, key in patterns) or len(set(wanted)) > 1

    def read(self, txn: "ReadTransaction", cursor: bytes = b"") -> "Iterator[tuple[bytes, bytes, bytes]]":
        """Record key, record and stamp of each, behind `cursor`. Raises Corrupt at a damaged one."""
        start: bytes | None = cursor + b"\0" if cursor else self._begin
        while start is not None and start < self._end:
            start = yield from self._read_on(txn, start)

    def _read_on(
        self, txn: "ReadTransaction", start: bytes
    ) -> "Generator[tuple[bytes, bytes, bytes], None, bytes | None]":
        """As `read`, up to a scope that does not fit; gives where to go on behind it, or None at the end."""
        scope_prefix = b"\0"
        cut = 0
        planned, skipped, only_from, clock = self.planned, self._skipped, self._only_from, self._clock
        wanted, has_globs = self._key, self._has_globs
        for key, stored in txn.scan(start, self._end):
            if not key.startswith(scope_prefix):
                cut = key.index(b"\0") + 1
                scope_prefix = key[:cut]
                scope = scope_prefix[1:-1].decode()
                if not all(fits(pattern, scope) for pattern, _ in self._patterns):
                    return scope_prefix[:-1] + b"\1"
            if (wanted is not None and key[cut:] != wanted) or (has_globs and not self._key_fits(key[cut:].decode())):
                continue
            if crc32(stored, crc32(key)) != INTACT or stored[0] != FORMAT:
                raise record.damage(key, stored)
            stamp = stored[2:STAMP_END]
            # The first bytes of a small map in MessagePack: most documents need no closer look.
            if (stored[HEADER_BYTES] != _MSGPACK or stored[HEADER_BYTES + 1] & 0xF0 != 0x80) and not is_map(
                stored[HEADER_BYTES:-4]
            ):
                self.others += 1
            elif stamp == skipped:
                self.current += 1
            elif int.from_bytes(stored[8:16], "little") > planned:
                self.late += 1
            elif only_from is not None and stamp != only_from:
                self.others += 1
            elif not is_expired(stored, clock):
                yield key, stored, stamp
        return None

    def _key_fits(self, key: str) -> bool:
        return all(fits(pattern, key) for _, pattern in self._patterns)


class Changer:
    """Makes new payloads: one Upgrade for each group of documents of one version that the same schemas cover.

    A schema's steps and rules are for the documents it covers, and for no others. `steps` stand for the declared ones when
    they are given. Trusted values are not validated, external ones always strictly. `is_covered` says that every document
    is known to be covered by the schema of the target. Paths in errors count from `first_index`.
    """

    def __init__(
        self,
        target: Version,
        level: int,
        schemas: "Schemas",
        functions: "Functions",
        *,
        steps: "Sequence[Step] | None" = None,
        is_covered: bool = True,
        max_value_bytes: int,
        first_index: int = 0,
    ) -> None:
        self._first_index = first_index
        self._target = target
        self._level = level
        self._schemas = schemas
        self._functions = functions
        self._steps = steps
        self._max_value_bytes = max_value_bytes
        self._patterns = sorted({(schema.scope, schema.key) for schema in schemas.values()})
        self._is_uniform = is_covered and len(self._patterns) < 2
        self._upgrades: dict[Group, Upgrade | None] = {}
        self._unpack = values.decoder()
        self._pack = values.encoder()

    def group(self, key: bytes, stamp: bytes) -> "Group":
        """What a document has in common with all that go the same way."""
        if self._is_uniform:
            return stamp
        scope, name = keys.split(key)
        return stamp, *(fits(scopes, scope) and fits(names, name) for scopes, names in self._patterns)

    def upgrade(self, group: "Group") -> Upgrade | None:
        """The way of a group; None for documents above the target that no step leads down from.

        Raises MigrationError when there is no way up.
        """
        if group in self._upgrades:
            return self._upgrades[group]
        schemas = self._schemas
        if isinstance(group, tuple):
            covering = {pattern for pattern, fits_ in zip(self._patterns, group[1:], strict=True) if fits_}
            schemas = {version: schema for version, schema in schemas.items() if (schema.scope, schema.key) in covering}
        source: Version = STAMP.unpack(group if isinstance(group, bytes) else group[0])
        steps = self._steps
        if steps is None:
            if source > self._target and find_steps(schemas, source, self._target) is None:
                self._upgrades[group] = None
                return None
            steps = [] if source == self._target else plan_steps(schemas, source, self._target)
        upgrade = self._upgrades[group] = Upgrade(source, self._target, steps, schemas, self._functions)
        return upgrade

    def declared(self, groups: "Iterable[Group]") -> "list[Step]":
        """Every step that documents of these groups take, each once."""
        found: dict[tuple[Version, Version], Step] = {}
        for group in sorted(groups, key=str):
            upgrade = self.upgrade(group)
            for step in upgrade.steps if upgrade is not None else ():
                found.setdefault((step.from_version, step.to_version), step)
        return list(found.values())

    def change(self, key: bytes, stored: bytes, stamp: bytes) -> bytes | None:
        """The new payload of a record, or None when it is left alone. Raises SchemaError that names scope, key, path and rule."""
        group = stamp if self._is_uniform else self.group(key, stamp)
        upgrade = self._upgrades.get(group) or self.upgrade(group)
        if upgrade is None:
            return None
        code = stored[1]
        level = self._level
        if code == TRUSTED:
            level = NONE
        elif code == EXTERNAL:
            level = STRICT
        try:
            document = upgrade.run(self._decode(stored), level)
            payload = values.MSGPACK + self._pack(document) if upgrade.is_flat else values.encode(document)
            if code == EXTERNAL or len(payload) > self._max_value_bytes:
                admit(payload, code, self._max_value_bytes)
        except Violation as violation:
            told = violation.text(self._first_index, hides_values=code == SENSITIVE)
            raise self._problem(key, told) from violation
        except LlmspellError as error:
            raise self._problem(key, f"{error.message} (rule {error.code})") from error
        return payload

    def _decode(self, stored: bytes) -> "Document":
        if stored[HEADER_BYTES] == _MSGPACK:
            with suppress(Exception):
                document: Document = self._unpack(stored[HEADER_BYTES + 1 : -4])
                return document
        return values.decode(stored[HEADER_BYTES:-4])  # type: ignore[no-any-return]

    def preview(self, key: bytes, stored: bytes, stamp: bytes) -> "tuple[Document, Document | None, str]":
        """The document before and after, or None with the problem. Of sensitive ones only the names of the fields."""
        hides = stored[1] == SENSITIVE
        before = values.decode(stored[HEADER_BYTES:-4])
        try:
            payload = self.change(key, stored, stamp)
            after = None if payload is None else values.decode(payload)
            if hides:
                return dict.fromkeys(before, REDACTED), None if after is None else dict.fromkeys(after, REDACTED), ""
            return before, after, ""
        except SchemaError as error:
            return dict.fromkeys(before, REDACTED) if hides else before, None, error.message

    def _problem(self, key: bytes, problem: str) -> SchemaError:
        scope, name = keys.split(key)
        target = "{}.{}.{}".format(*self._target)
        return SchemaError(f"the value of '{name}' in scope '{scope}' cannot go to version {target}: {problem}")


def is_map(payload: bytes) -> bool:
    """Whether a payload is a map document, without decoding it where its first bytes tell."""
    if payload[:1] == values.MSGPACK:
        head = payload[1]
        return head & 0xF0 == 0x80 or head in (0xDE, 0xDF)
    if payload[1:2] != b"{":
        return False
    return payload[:1] == values.JSON or type(values.decode(payload)) is dict
