"""Compatibility: whether the documents of one version can be read by another. The rules are in `docs/migrations.md`.

*Reading* means: every document that fits the writer's schema fits the reader's, once the reader's defaults are put in
and the declared transformations between the two have run.
"""

from llmspell.errors import SchemaError
from llmspell.migration.fields import Field, is_same
from llmspell.migration.names import show
from llmspell.migration.schema import Schema
from llmspell.migration.transforms import split_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from llmspell.migration.schema import Step
    from llmspell.migration.transforms import Path, Transform

    Fields = dict[str, Field]
    FindSteps = Callable[[Schema, Schema], "Sequence[Step] | None"]


class Break(Exception):
    """A field that the reader cannot read. `path` is where, `rule` which rule it breaks, `problem` why."""

    def __init__(self, path: str, rule: str, problem: str) -> None:
        super().__init__(f"{path} {problem} (rule {rule})")
        self.path = path
        self.rule = rule


def check_level(new: Schema, earlier: "Sequence[Schema]", level: str, find_steps: "FindSteps") -> None:
    """Raise SchemaError, naming field and rule, when a new schema breaks its level.

    `earlier` are the schemas of lower versions, ascending. Levels that are not transitive look at the last of them alone.
    `find_steps` gives the declared steps from one schema to another.
    """
    if level == "none" or not earlier:
        return
    direction = level.removesuffix("_transitive")
    for old in earlier if direction != level else earlier[-1:]:
        for reader, writer, word in ((new, old, "backward"), (old, new, "forward")):
            if direction in (word, "full"):
                try:
                    check_reading(reader, writer, find_steps(writer, reader))
                except Break as problem:
                    raise SchemaError(
                        f"the schema {new.text} is not {word} compatible with {old.text}: {problem}",
                        hint="give the field a default, add a migration_path, or name a weaker compatibility",
                    ) from None


def can_read(reader: Schema, writer: Schema) -> bool:
    """Whether `reader` reads the documents of `writer` without any transformation."""
    try:
        check_reading(reader, writer, ())
    except Break:
        return False
    return True


def check_reading(reader: Schema, writer: Schema, steps: "Iterable[Step] | None") -> None:
    """Raise Break for the first field of the writer's documents, after the steps, that the reader cannot read.

    What a function makes of a document cannot be known, so steps with a function are believed.
    """
    fields: Fields | None = writer.fields
    for step in steps or ():
        for transform in step.transforms:
            if fields is not None:
                fields = _reshape(fields, transform)
    if fields is not None:
        _compare(reader.fields, fields, reader.additional, writer.additional, "$")


def _compare(reader: "Fields", writer: "Fields", reader_open: bool, writer_open: bool, path: str) -> None:
    for name, field in reader.items():
        where = f"{path}.{name}"
        written = writer.get(name)
        if field.required and not field.has_default and (written is None or not written.required):
            raise Break(where, "required", "is required, but may be absent, and has no default")
        if written is not None:
            _compare_field(field, written, where)
    if not reader_open:
        for name in writer:
            if name not in reader:
                raise Break(f"{path}.{name}", "additional", "is not declared where no other fields are allowed")
        if writer_open:
            raise Break(path, "additional", "allows no other fields, but there may be some")


def _compare_field(reader: Field, writer: Field, path: str) -> None:
    if reader.type != writer.type and reader.type != "any" and (writer.type, reader.type) not in _WIDENED:
        raise Break(path, "type", f"is of type {reader.type}, but {writer.type} is written")
    for name, is_narrower in _NARROWER.items():
        limit, given = reader.rules.get(name), writer.rules.get(name)
        if limit is not None and (given is None or is_narrower(limit, given)):
            written = "none is kept" if given is None else f"{given} is allowed"
            raise Break(path, name, f"has {name} {limit}, but {written}")
    _compare_values(reader, writer, path)
    if reader.type == writer.type == "object":
        _compare(reader.fields, writer.fields, reader.additional, writer.additional, path)
    if reader.items is not None:
        _compare_field(reader.items, writer.items or Field("any"), f"{path}[]")


def _compare_values(reader: Field, writer: Field, path: str) -> None:
    pattern, written = reader.rules.get("pattern"), writer.rules.get("pattern")
    if pattern is not None and (written is None or written.text != pattern.text):
        raise Break(path, "pattern", f"must match {pattern.text!r}, which is not what is written")
    if reader.enum is not None:
        if writer.enum is None:
            raise Break(path, "enum", "has a list of values, but any other may be written")
        for value in writer.enum:
            if not any(is_same(value, allowed) for allowed in reader.enum):
                raise Break(path, "enum", f"does not allow {show(value)}, which may be written")


_WIDENED = {("integer", "number")}
_NARROWER: "dict[str, Callable[[Any, Any], bool]]" = {
    "max_length": lambda limit, given: limit < given,
    "min_length": lambda limit, given: limit > given,
    "max": lambda limit, given: limit < given,
    "min": lambda limit, given: limit > given,
}


def _reshape(fields: "Fields", transform: "Transform") -> "Fields | None":
    """The fields of documents after a transformation; None when nothing is known about them."""
    given = transform.given
    kind = transform.kind
    if kind == "function":
        return None
    if kind == "default":
        found = _find(fields, split_path(given["field"]))
        made = Field(_type_of(given["value"]), required=True) if found is None else found.but(required=True)
        return _put(fields, split_path(given["field"]), made)
    if kind == "merge":
        sources = [split_path(source) for source in given["fields"]]
        present = [field for source in sources if (field := _find(fields, source)) is not None]
        if not given["keep"]:
            for source in sources:
                fields = _remove(fields, source)
        if not present:
            return fields
        return _put(fields, split_path(given["to"]), Field("string", required=any(each.required for each in present)))
    source = split_path(given["field"])
    field = _find(fields, source)
    if kind == "remove":
        return _remove(fields, source)
    if field is None:
        return fields
    if kind == "copy":
        return _put(fields, split_path(given["to"]), field)
    if kind in ("rename", "move"):
        return _put(_remove(fields, source), split_path(given["to"]), field)
    if kind == "convert":
        made = field if field.type == given["type"] else Field(given["type"], required=field.required)
        return _put(_remove(fields, source), split_path(given["to"]), made)
    if not given["keep"]:
        fields = _remove(fields, source)
    for place, target in enumerate(given["to"]):
        fields = _put(fields, split_path(target), Field("string", required=field.required and place == 0))
    return fields


def _find(fields: "Fields", path: "Path") -> Field | None:
    """The field at a path; required only when everything on the way to it is."""
    field = fields.get(path[0])
    if field is None or len(path) == 1:
        return field
    inner = _find(field.fields, path[1:])
    return inner if inner is None or field.required else inner.but(required=False)


def _put(fields: "Fields", path: "Path", field: Field) -> "Fields":
    name, *rest = path
    if not rest:
        return {**fields, name: field}
    outer = fields.get(name)
    if outer is None or outer.type != "object":
        outer = Field("object", required=field.required)
    inner = _put(outer.fields, tuple(rest), field)
    return {**fields, name: outer.but(fields=inner, required=outer.required or field.required)}


def _remove(fields: "Fields", path: "Path") -> "Fields":
    name, *rest = path
    if name not in fields:
        return fields
    if not rest:
        return {each: field for each, field in fields.items() if each != name}
    outer = fields[name]
    return {**fields, name: outer.but(fields=_remove(outer.fields, tuple(rest)))}


def _type_of(value: object) -> str:
    for python, name in _KINDS:
        if isinstance(value, python):
            return name
    return "any"


_KINDS: "tuple[tuple[type, str], ...]" = (
    (bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (bytes, "bytes"), (list, "list"),
    (dict, "object"),
)  # fmt: skip
