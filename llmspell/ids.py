"""Ids: UUID text, version 7 (RFC 9562), so that they sort by time. Made here because importing `uuid` costs a start 4 ms."""

import os
import time


def new_id() -> str:
    """A new UUID v7: 48 bits of Unix milliseconds, 74 random bits."""
    number = (time.time_ns() // 1_000_000 & (1 << 48) - 1) << 80 | int.from_bytes(os.urandom(10))
    number = number & ~(0xF << 76) | 7 << 76
    number = number & ~(3 << 62) | 2 << 62
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
