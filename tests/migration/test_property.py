"""Whatever the documents and the transformations are: migrating and rolling back gives every byte back."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from llmspell.migration.request import Request
from llmspell.storage.memory import MemoryStore
from tests.migration.conftest import picture, setup

NAMES = st.sampled_from(["a", "b", "c", "d", "é", "$bytes"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(".".join)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5) | st.binary(max_size=5) | st.sampled_from(["5", "1.5", "true", "a b c", "2026-01-01"])
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.integers(-3, 3), inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(NAMES | st.integers(-3, 3), VALUES, max_size=5)
TWO_PATHS = st.tuples(PATHS, PATHS).filter(lambda both: not f"{both[1]}.".startswith(f"{both[0]}."))


def transform(kind: str, **parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"transform": st.just(kind), **parts})


def between_paths(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    return TWO_PATHS.map(lambda both: {"transform": kind, "field": both[0], "to": both[1]})


LISTS_OF_PATHS = st.lists(PATHS, min_size=1, max_size=3)
CONVERTED = st.sampled_from(["string", "integer", "number", "boolean", "list", "timestamp"])
TRANSFORMS = st.one_of(
    between_paths("copy"),
    between_paths("rename"),
    between_paths("move"),
    transform("remove", field=PATHS),
    transform("default", field=PATHS, value=VALUES.filter(lambda value: value is not None)),
    transform("convert", field=PATHS, type=CONVERTED),
    transform("split", field=PATHS, separator=st.just(" "), to=LISTS_OF_PATHS, keep=st.booleans()),
    transform("merge", fields=LISTS_OF_PATHS, to=PATHS, keep=st.booleans()),
)
FIELDS = st.dictionaries(
    NAMES,
    st.fixed_dictionaries(
        {"type": st.sampled_from(["any", "any", "any", "string", "integer", "list", "object"])},
        optional={"required": st.booleans()},
    ),
    max_size=3,
)


@settings(deadline=None, max_examples=150)
@given(
    documents=st.lists(DOCUMENTS | VALUES.filter(lambda value: value is not None), max_size=6),
    transforms=st.lists(TRANSFORMS, max_size=4),
    fields=FIELDS,
    data=st.data(),
)
def test_migrating_and_rolling_back_gives_every_byte_back(
    documents: list[Any], transforms: list[dict[str, Any]], fields: dict[str, Any], data: st.DataObject
) -> None:
    with MemoryStore() as store:
        migrations = setup(store, data.draw(st.sampled_from(["none", "basic", "strict"])))
        for number, document in enumerate(documents):
            ttl = data.draw(st.sampled_from([None, 1000]))
            migrations.manager.set(f"s{number % 2}", f"k{number}", document, ttl=ttl)
        migrations.register(
            {"version": "2.0.0", "compatibility": "none", "fields": fields,
             "migration_path": [{"from_version": "1.0.0", "transformations": transforms}]}
        )  # fmt: skip
        before = picture(store)
        outcome = migrations.migrate(Request((2, 0, 0)))
        if outcome.error is not None:
            assert outcome.code in ("schema", "bad_value"), outcome.error
            assert picture(store) == before
            return
        for number, document in enumerate(documents):
            entry = migrations.manager.entry(f"s{number % 2}", f"k{number}")
            assert entry.schema_version == ("2.0.0" if isinstance(document, dict) else "1.0.0")
        assert migrations.rollback().error is None
        assert picture(store) == before
