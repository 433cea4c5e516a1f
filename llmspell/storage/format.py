"""The format marker: the key that tells our stores from other files, and this version's stores from a later one's."""

from llmspell.errors import Corrupt, LlmspellError, StorageError

FORMAT_KEY = b"m/format"
FORMAT = b"llmspell 1"
"""What every store of this version holds under `FORMAT_KEY`, from the moment of its creation."""

FILLING = b"\0filling"
"""A key that is there, instead of the marker, while a store is being filled by parts (`storage.filling`)."""


def check_format(marker: bytes | None, where: str) -> None:
    """Raise what `find_fault` finds in the marker of the store at `where`."""
    if marker != FORMAT:
        raise find_fault(marker, where)


def find_fault(marker: bytes | None, where: str) -> LlmspellError:
    """The error for a marker that is not ours: a foreign file, a later version, or damage."""
    if marker is None:
        return StorageError(
            f"{where} holds the data of another program, not a store of llmspell",
            hint="give the store a folder of its own",
        )
    name, _, version = marker.partition(b" ")
    if name != b"llmspell" or not version.isdigit():
        return Corrupt(f"the format marker of {where} is damaged ({marker[:40]!r})")
    return StorageError(
        f"{where} has the store format {version.decode()}, which a later version of llmspell wrote",
        hint="upgrade llmspell, or restore a backup into a new store",
    )
