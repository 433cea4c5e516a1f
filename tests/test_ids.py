"""Ids are UUIDs of version 7, in the order in which they were made."""

import time
import uuid

from llmspell.ids import new_id


def test_an_id_is_a_uuid_of_version_7_with_the_time_in_it() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid.UUID(new_id())
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000


def test_ids_of_one_millisecond_are_in_order_and_differ() -> None:
    made = []
    for _ in range(2000):
        made.append(new_id())
        time.sleep(0.000_001)
    assert made == sorted(made)
    assert len(set(made)) == len(made)
