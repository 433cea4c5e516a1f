"""Back ends by name, for those who use the state from Python without a configuration."""

from llmspell.errors import BadArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike

    from llmspell.storage.store import Store


def open_backend(name: str, path: "str | PathLike[str] | None") -> "Store":
    """A store: `memory`, or `lmdb` (also `disk`, `sled`) in the folder `path`. Raises BadArgument for another name."""
    if name == "memory":
        from llmspell.storage.memory import MemoryStore

        return MemoryStore()
    if name in ("lmdb", "disk", "sled"):
        from llmspell.storage.lmdb import LmdbStore

        if path is None:
            raise BadArgument(f"the backend '{name}' needs a path")
        return LmdbStore(path)
    raise BadArgument(f"unknown backend '{name}'; the backends are memory and lmdb")
