"""Whether what migrations have stored is sound, entry by entry."""

import struct

from llmspell.errors import LlmspellError
from llmspell.migration import layout, originals
from llmspell.migration import version as versions
from llmspell.migration.progress import Progress
from llmspell.migration.schema import Schema
from llmspell.migration.transforms import Functions
from llmspell.storage import record


def examine(key: bytes, value: bytes) -> str | None:
    """What is wrong with one stored pair, as a sentence, or None; also for pairs of other domains, which it passes."""
    if not key.startswith(layout.SPACE):
        return None
    try:
        if key.startswith(layout.ORIGINALS):
            problems = (record.verify(*pair) for pair in originals.read(key, value)[1])
            return next(filter(None, problems), None)
        told = layout.unseal(key, value)
        if key.startswith(layout.SCHEMAS):
            if layout.schema_key(Schema.read(told, Functions()).version) != key:
                return f"a schema is stored under the version of another one ({key!r})"
        elif key == layout.ACTIVE or key.startswith(layout.HISTORY):
            Progress(**told)
        elif key == layout.CURRENT:
            if told["current"] is not None:
                versions.parse(told["current"])
        elif key != layout.LEASE:
            return f"{key!r} is no key of migrations"
    except LlmspellError as error:
        return error.message
    except (LookupError, TypeError, ValueError, struct.error):
        return f"what the store keeps for migrations is not what it should be ({key!r})"
    return None
