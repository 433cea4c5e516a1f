"""`Upgrade`: the way of a document from one version to another, ready to run."""

from collections import deque

from llmspell.errors import MigrationError
from llmspell.migration import version as versions
from llmspell.migration.compatibility import can_read
from llmspell.migration.schema import Schema, Step
from llmspell.migration.version import Version

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmspell.migration.fields import Check
    from llmspell.migration.transforms import Change, Document, Functions

    Schemas = Mapping[Version, Schema]


class Upgrade:
    """The changes of some steps in their order. Raises MigrationError when a function of them is not known."""

    def __init__(
        self, source: Version, target: Version, steps: "Sequence[Step]", schemas: "Schemas", functions: "Functions"
    ) -> None:
        self.steps = tuple(steps)
        self.before = schemas.get(source)
        self.after = schemas.get(target)
        self.has_functions = any(each.kind == "function" for step in steps for each in step.transforms)
        self._changes: list[Change] = []
        self._checks: dict[int, tuple[Check | None, ...]] = {}
        for step in steps:
            self._changes.extend(transform.compile(functions) for transform in step.transforms)
            if step.to_version != target and (schema := schemas.get(step.to_version)) is not None:
                self._changes.append(_filler(schema))
        if self.after is not None and _has_default(self.after):
            self._changes.append(_filler(self.after))
        reaches = (path for step in steps for each in step.transforms for path in _targets(each.given))
        self.is_flat = not self.has_functions and not any("." in path for path in reaches)
        """Whether every change is of known values at the top, so that the result needs no check of its own."""

    def run(self, document: "Document", level: int) -> "Document":
        """The document at the new version, checked before and after; the one given may be changed. Raises Violation."""
        checks = self._checks.get(level)
        if checks is None:
            checks = self._checks[level] = tuple(
                None if schema is None or not level else schema.checker(level) for schema in (self.before, self.after)
            )
        before, after = checks
        if before is not None:
            before(document, "")
        for change in self._changes:
            document = change(document)
        if after is not None:
            after(document, "")
        return document


def find_steps(schemas: "Schemas", source: Version, target: Version) -> "list[Step] | None":
    """The shortest way of declared steps from one version to another; None when there is none.

    Where two schemas declare the same step, that of the version it leads to is taken.
    """
    ways: dict[Version, dict[Version, Step]] = {}
    for schema in sorted(schemas.values(), key=lambda schema: schema.version):
        for step in schema.steps:
            known = ways.setdefault(step.from_version, {})
            if step.to_version not in known or schema.version == step.to_version:
                known[step.to_version] = step
    reached: dict[Version, list[Step]] = {source: []}
    waiting = deque([source])
    while waiting:
        at = waiting.popleft()
        if at == target:
            return reached[at]
        for following, step in ways.get(at, {}).items():
            if following not in reached:
                reached[following] = [*reached[at], step]
                waiting.append(following)
    return None


def plan_steps(schemas: "Schemas", source: Version, target: Version) -> "list[Step]":
    """The steps that take documents of one version to another; raises MigrationError when there is no way.

    Without declared steps, a higher version takes documents as they are when it can read those of the lower one, or when
    nothing is known about the lower one: then every document is checked by itself.
    """
    steps = find_steps(schemas, source, target)
    if steps is not None:
        return steps
    reader, writer = schemas.get(target), schemas.get(source)
    if reader is not None and source < target and (writer is None or can_read(reader, writer)):
        return [Step(source, target, ())]
    raise MigrationError(
        f"there is no migration path from {versions.text(source)} to {versions.text(target)}",
        hint="give a schema a migration_path between them",
    )


def _filler(schema: Schema) -> "Change":
    def fill(document: "Document") -> "Document":
        schema.fill_defaults(document)
        return document

    return fill


def _has_default(schema: Schema) -> bool:
    waiting = [schema.fields]
    while waiting:
        for field in waiting.pop().values():
            if field.has_default:
                return True
            waiting.append(field.fields)
    return False


def _targets(given: "Mapping[str, object]") -> "list[str]":
    """The paths that a transformation writes to."""
    target = given.get("to", given.get("field", ""))
    return [str(path) for path in target] if isinstance(target, list) else [str(target)]
