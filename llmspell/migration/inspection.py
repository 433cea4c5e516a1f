"""Inspection: whether the stored documents fit the schemas of their versions."""

from llmspell import values
from llmspell.errors import LlmspellError
from llmspell.migration.documents import STAMP, STAMP_END, is_map
from llmspell.migration.fields import STRICT, Violation
from llmspell.migration.schema import describe
from llmspell.state.transaction import is_expired
from llmspell.storage import keys, record
from llmspell.storage.record import HEADER_BYTES, TRUSTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from llmspell.migration.upgrade import Schemas
    from llmspell.storage.store import ReadTransaction

MAX_PROBLEMS = 1000


def inspect(
    txn: "ReadTransaction", schemas: "Schemas", level: int, clock: "Callable[[], int]"
) -> tuple[int, list[str]]:
    """How many documents are covered by the schema of their version, and at most 1000 problems, as sentences.

    With the level none, the rules are looked at as with strict: who asks wants to know.
    """
    checked = 0
    problems: list[str] = []
    for key, stored in txn.scan(keys.STATE, keys.next_space(keys.STATE)):
        schema = schemas.get(STAMP.unpack(stored[2:STAMP_END])) if len(stored) > HEADER_BYTES else None
        scope, name = keys.split(key)
        if schema is None or not schema.covers(scope, name):
            continue
        try:
            record.check(key, stored)
            payload = stored[HEADER_BYTES:-4]
            if stored[1] == TRUSTED or not is_map(payload) or is_expired(stored, clock):
                continue
            checked += 1
            schema.validate(values.decode(payload), level or STRICT)
        except Violation as violation:
            problems.append(describe(violation, scope, name, schema, stored[1]).message)
        except LlmspellError as error:
            problems.append(error.message)
        if len(problems) == MAX_PROBLEMS:
            break
    return checked, problems
