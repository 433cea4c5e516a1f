"""What is asked of a migration, and what is told about it."""

from llmspell import values
from llmspell.errors import BadArgument, LlmspellError, SchemaError
from llmspell.migration import version as versions
from llmspell.migration.names import read_names
from llmspell.migration.schema import Step, canonical_scope, read_transforms, read_version
from llmspell.migration.transforms import Functions
from llmspell.migration.version import Version

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

NAMES = (
    "to_version", "to", "from_version", "from", "scope", "key", "dry_run", "plan_hash", "transformations",
)  # fmt: skip


class Request:
    """A migration that is wanted: to `target`, of everything that its schema covers, or less.

    `target` None is the current version, with `steps` of its own. `scope` and `key` are patterns that must fit as well.
    """

    __slots__ = ("dry_run", "functions", "key", "only_from", "plan_hash", "scope", "steps", "target")

    def __init__(
        self,
        target: Version | None,
        *,
        scope: str = "",
        key: str = "",
        only_from: Version | None = None,
        dry_run: bool = False,
        plan_hash: str = "",
        steps: "Sequence[Step] | None" = None,
        functions: Functions | None = None,
    ) -> None:
        self.target = target
        self.scope = canonical_scope(scope)
        self.key = key
        self.only_from = only_from
        self.dry_run = dry_run
        self.plan_hash = plan_hash
        self.steps = steps
        self.functions = functions or Functions()

    @property
    def is_whole(self) -> bool:
        """Whether it is about everything that the schema covers."""
        return not self.scope and not self.key and self.only_from is None

    @property
    def own_checksum(self) -> str:
        """What stands for the steps that came with the request; empty when the schemas' own are wanted."""
        return "" if self.steps is None else checksum(self.steps)

    @classmethod
    def read(cls, given: "Mapping[str, Any]") -> "Request":
        """The request of an options table; raises BadArgument for what is wrong in it."""
        try:
            return cls._read(given, "the migration")
        except SchemaError as error:
            raise BadArgument(error.message, hint=error.hint) from None

    @classmethod
    def _read(cls, given: "Mapping[str, Any]", where: str) -> "Request":
        read = read_names(given, NAMES, where)
        for short, long in (("to", "to_version"), ("from", "from_version")):
            if short in read:
                if long in read:
                    raise SchemaError(f"{where} gives '{long}' and '{short}', which are the same")
                read[long] = read.pop(short)
        for name in ("scope", "key", "plan_hash"):
            if not isinstance(read.get(name, ""), str):
                raise SchemaError(f"{where}: '{name}' must be text")
        if not isinstance(read.get("dry_run", False), bool):
            raise SchemaError(f"{where}: 'dry_run' must be true or false")
        target = read_version(read["to_version"], where) if "to_version" in read else None
        only_from = read_version(read["from_version"], where) if "from_version" in read else None
        if target is None and "transformations" not in read:
            raise SchemaError(f"{where} needs 'to_version', or 'transformations'")
        functions = Functions()
        steps = None
        if "transformations" in read:
            at = target or (0, 0, 0)
            transforms = read_transforms(read["transformations"], where, functions, "function")
            steps = [Step(only_from or at, at, transforms)]
        return cls(
            target,
            scope=read.get("scope", ""),
            key=read.get("key", ""),
            only_from=only_from,
            dry_run=read.get("dry_run", False),
            plan_hash=read.get("plan_hash", ""),
            steps=steps,
            functions=functions,
        )


class Outcome:
    """What became of a migration or a rollback.

    `status` is completed, already_current, dry_run, failed or rolled_back; `error` and `code` are there when it failed.
    `skipped` counts covered documents that were left as they are; `warnings` say why.
    """

    def __init__(
        self, status: str, from_version: str, to_version: str, *, migrated: int = 0, skipped: int = 0, id: str = ""
    ) -> None:
        self.status = status
        self.from_version = from_version
        self.to_version = to_version
        self.migrated = migrated
        self.skipped = skipped
        self.id = id
        self.current_version: str | None = None
        self.backup_id: str | None = None
        self.plan_hash = ""
        self.duration_ms = 0
        self.warnings: list[str] = []
        self.error: str | None = None
        self.code: str | None = None
        self.hint = ""

    @property
    def is_success(self) -> bool:
        return self.error is None

    def facts(self) -> "dict[str, Any]":
        """What there is to tell of it, by the names that scripts know."""
        told = {
            "migration_id": self.id, "status": self.status, "from_version": self.from_version,
            "to_version": self.to_version, "items_migrated": self.migrated, "items_skipped": self.skipped,
            "duration_ms": self.duration_ms, "backup_id": self.backup_id, "error": self.error, "code": self.code,
        }  # fmt: skip
        return {name: fact for name, fact in told.items() if fact not in (None, "")}

    def fail(self, error: LlmspellError) -> "Outcome":
        """Note why it failed."""
        self.status = "failed"
        self.error = error.message
        self.code = error.code
        self.hint = error.hint
        return self


class Plan:
    """What a migration would do: `steps` by the versions documents come from, `counts`, up to three `samples`.

    `plan_hash` stands for the steps and for every document as it is now.
    """

    def __init__(self, to_version: str) -> None:
        self.to_version = to_version
        self.steps: list[dict[str, Any]] = []
        self.counts: dict[str, int] = {}
        self.samples: list[Sample] = []
        self.warnings: list[str] = []
        self.plan_hash = ""


class Sample:
    """A document before and after; `after` is None when it cannot be migrated, and `error` says why."""

    __slots__ = ("after", "before", "error", "key", "scope")

    def __init__(self, scope: str, key: str, before: "Any", after: "Any", error: str) -> None:
        self.scope = scope
        self.key = key
        self.before = before
        self.after = after
        self.error = error or None


def checksum(steps: "Sequence[Step]") -> str:
    """A hash of what the steps do; functions count by their names."""
    from hashlib import blake2b

    documents = [step.document() for step in steps]
    return blake2b(values.encode(documents), digest_size=16).hexdigest()


def version_text(version: Version | None) -> str | None:
    return None if version is None else versions.text(version)
