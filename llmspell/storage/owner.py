"""Owners: which process holds something in a store, and whether it still lives. A process that died holds nothing."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SECONDS = 60
"""How long the owner on another machine counts as alive without a sign of life. On the same machine one can look."""
RENEW_AFTER = 10
"""Seconds after which whoever holds something for long gives such a sign."""


def describe(now: int) -> "dict[str, Any]":
    """This process as an owner; `now` in µs since 1970."""
    process = os.getpid()
    return {
        "process": process,
        "started": _start_of(process),
        "machine": _machine(),
        "until": now + SECONDS * 1_000_000,
    }


def is_alive(owner: "dict[str, Any]", now: int) -> bool:
    """Whether the process that `describe` told of still runs."""
    if owner["machine"] != _machine():
        return bool(owner["until"] > now)
    try:
        os.kill(owner["process"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    # The number may have gone to another process since.
    return bool(owner["started"] == _start_of(owner["process"]))


def _machine() -> str:
    """This machine since its last start, within one name space of processes."""
    parts = [os.uname().nodename]
    for path in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        try:
            parts.append(os.readlink(path) if "ns" in path else _first_line(path))
        except OSError:
            parts.append("")
    return "/".join(parts)


def _start_of(process: int) -> int:
    """When a process began, in ticks of the machine; 0 where that cannot be told."""
    try:
        return int(_first_line(f"/proc/{process}/stat").rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0


def _first_line(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.readline().strip()
