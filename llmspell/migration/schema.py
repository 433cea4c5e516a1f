"""`Schema`: what the documents of one version look like, and how they come from and go to other versions."""

from llmspell.errors import BadArgument, SchemaError
from llmspell.migration import version as versions
from llmspell.migration.fields import LEVELS, Field, Violation, fill_defaults, object_check, read_fields
from llmspell.migration.names import kind, read_items, read_names
from llmspell.migration.transforms import Transform
from llmspell.migration.version import Version
from llmspell.state.classes import matches
from llmspell.state.scope import Scope
from llmspell.storage.record import SENSITIVE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from llmspell.migration.fields import Check
    from llmspell.migration.transforms import Functions

NAMES = ("version", "scope", "key", "compatibility", "additional", "fields", "migration_path", "description")
STEP_NAMES = ("from_version", "to_version", "from", "to", "transformations")
COMPATIBILITY = (
    "none", "backward", "forward", "full", "backward_transitive", "forward_transitive", "full_transitive",
)  # fmt: skip


class Step:
    """One way from a version to another: its transformations, in their order."""

    __slots__ = ("from_version", "to_version", "transforms")

    def __init__(self, from_version: Version, to_version: Version, transforms: "tuple[Transform, ...]") -> None:
        self.from_version = from_version
        self.to_version = to_version
        self.transforms = transforms

    def document(self) -> "dict[str, Any]":
        return {
            "from_version": versions.text(self.from_version),
            "to_version": versions.text(self.to_version),
            "transformations": [transform.document() for transform in self.transforms],
        }

    @classmethod
    def read(cls, given: object, where: str, functions: "Functions", target: Version) -> "Step":
        """The step of a definition; it leads to `target` unless it says otherwise."""
        read = read_names(given, STEP_NAMES, where)
        source = read.get("from_version", read.get("from"))
        if source is None:
            raise SchemaError(f"{where} needs 'from_version'")
        from_version = read_version(source, where)
        to_version = read_version(read.get("to_version", read.get("to", versions.text(target))), where)
        if from_version == to_version:
            raise SchemaError(f"{where} leads from {versions.text(to_version)} to itself")
        name = f"{versions.text(from_version)} to {versions.text(to_version)}"
        return cls(from_version, to_version, read_transforms(read.get("transformations", []), where, functions, name))


class Schema:
    """One version: fields, the scope and key patterns it applies to, its compatibility, and its migration steps.

    `scope` and `key` are patterns in which `*` stands for any characters; an empty one fits everything. `additional` says
    whether fields that are not declared are allowed. `compatibility` is empty where the definition names no level.
    """

    __slots__ = (
        "_checks", "additional", "compatibility", "description", "fields", "key", "scope", "steps", "version",
    )  # fmt: skip

    def __init__(
        self,
        version: Version,
        fields: "dict[str, Field]",
        *,
        scope: str = "",
        key: str = "",
        additional: bool = True,
        compatibility: str = "",
        steps: "tuple[Step, ...]" = (),
        description: str = "",
    ) -> None:
        self.version = version
        self.fields = fields
        self.scope = scope
        self.key = key
        self.additional = additional
        self.compatibility = compatibility
        self.steps = steps
        self.description = description
        self._checks: dict[int, Check] = {}

    @property
    def text(self) -> str:
        """The version as it is written."""
        return versions.text(self.version)

    @classmethod
    def read(cls, given: object, functions: "Functions") -> "Schema":
        """The schema of a definition, as SCRIPT_API.md shows it; raises SchemaError, naming what is wrong in it.

        Functions that stand in it are added to `functions`; see there.
        """
        read = read_names(given, NAMES, "the schema")
        if "version" not in read:
            raise SchemaError("the schema needs a 'version'")
        version = read_version(read["version"], "the schema")
        where = f"the schema {versions.text(version)}"
        level = read.get("compatibility", "")
        if level and level not in COMPATIBILITY:
            raise SchemaError(
                f"{where} has the unknown compatibility {level!r}; the levels are {', '.join(COMPATIBILITY)}"
            )
        additional = read.get("additional", True)
        if not isinstance(additional, bool):
            raise SchemaError(f"{where}: 'additional' must be true or false, got {kind(additional)}")
        steps = read_items(read.get("migration_path", []), f"{where}: 'migration_path'")
        return cls(
            version,
            read_fields(read.get("fields", {}), "$"),
            scope=canonical_scope(_text(read, "scope", where)),
            key=_text(read, "key", where),
            additional=additional,
            compatibility=level,
            steps=tuple(
                Step.read(step, f"{where}, migration_path {number}", functions, version)
                for number, step in enumerate(steps, 1)
            ),
            description=_text(read, "description", where),
        )

    def document(self) -> "dict[str, Any]":
        """The definition, complete and in one order: two schemas are the same when their documents are."""
        made: dict[str, Any] = {"version": self.text}
        for name in ("description", "scope", "key", "compatibility"):
            if getattr(self, name):
                made[name] = getattr(self, name)
        if not self.additional:
            made["additional"] = False
        made["fields"] = {name: field.document() for name, field in self.fields.items()}
        if self.steps:
            made["migration_path"] = [step.document() for step in self.steps]
        return made

    def covers(self, scope: str, key: str) -> bool:
        """Whether the patterns fit."""
        return fits(self.scope, scope) and fits(self.key, key)

    def validate(self, document: "dict[Any, Any]", level: int) -> None:
        """Raise Violation unless the document fits; BASIC checks types and what is required, STRICT every rule."""
        if level:
            self.checker(level)(document, "")

    def checker(self, level: int) -> "Check":
        """What `validate` does at a level above none, as a function of the document and ""."""
        check = self._checks.get(level)
        if check is None:
            check = self._checks[level] = object_check(self.fields, self.additional, "$", level)
        return check

    def fill_defaults(self, document: "dict[Any, Any]") -> None:
        """Put the defaults of fields that are absent into the document."""
        fill_defaults(self.fields, document)


def read_version(given: object, where: str) -> Version:
    try:
        return versions.parse(given)
    except BadArgument:
        raise SchemaError(f"{where}: {given!r} is no version", hint="write it as 2.1.0") from None


def read_transforms(given: object, where: str, functions: "Functions", name: str) -> "tuple[Transform, ...]":
    """The transformations of a list; `name` is for functions that have none."""
    items = read_items(given, f"{where}: 'transformations'")
    return tuple(
        Transform.read(item, f"{where}, transformation {number}", functions, f"{name} {number}")
        for number, item in enumerate(items, 1)
    )


def read_level(name: str) -> int:
    """The number of a validation level."""
    if name not in LEVELS:
        raise SchemaError(f"unknown validation level {name!r}; the levels are {', '.join(LEVELS)}")
    return LEVELS.index(name)


def canonical_scope(pattern: str) -> str:
    """A scope without `*` in its canonical spelling (`custom:notes` is `notes`); a pattern as it is."""
    return pattern if not pattern or "*" in pattern else Scope.parse(pattern).text


def fits(pattern: str, text: str) -> bool:
    """Whether a pattern fits; the empty one fits everything."""
    return not pattern or matches(tuple(pattern.split("*")), text)


def describe(
    violation: Violation, scope: str, key: str, schema: Schema, class_code: int, first_index: int = 0
) -> SchemaError:
    """The error for a document of a class: it names scope, key, path and rule. Sensitive values are not in it."""
    told = violation.text(first_index, hides_values=class_code == SENSITIVE)
    return SchemaError(f"the value of '{key}' in scope '{scope}' breaks the schema {schema.text}: {told}")


def _text(read: "dict[str, Any]", name: str, where: str) -> str:
    found = read.get(name, "")
    if not isinstance(found, str):
        raise SchemaError(f"{where}: '{name}' must be text, got {kind(found)}")
    return found
