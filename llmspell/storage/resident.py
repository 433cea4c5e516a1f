"""Resident memory: letting go of the pages of a mapped file that have been read.

They stay in the system's cache and cost nothing that others need, but who looks at a process counts them as its own: reading
a store of 4 GB from its beginning to its end looks like 4 GB of memory.
"""

import ctypes
import sys

_DONT_NEED = 4


def release(path: str) -> None:
    """Unmap what is mapped of the file, until it is read again. Does nothing where that is not known to be possible."""
    if sys.platform != "linux":
        return
    with open("/proc/self/maps", "rb") as maps:
        wanted = path.encode(errors="surrogateescape")
        for line in maps:
            places, access, *_, name = line.rstrip(b"\n").split(None, 5)
            # What may be written through the map would be lost in a private one, and LMDB's is neither.
            if name == wanted and access == b"r--s":
                first, _, end = places.partition(b"-")
                start = int(first, 16)
                ctypes.CDLL(None).madvise(ctypes.c_void_p(start), ctypes.c_size_t(int(end, 16) - start), _DONT_NEED)
