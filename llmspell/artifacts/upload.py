"""Uploads: content that comes in piece by piece, of which only a batch is in memory at a time.

Outside of a transaction every batch is a commit of its own. Its pieces are referenced by the upload, which belongs to a
process: while that lives they stay, when it has died a collection takes them back. The commit of the artifact takes the
references over.
"""

import time
from contextlib import suppress

from blake3 import blake3

from llmspell.artifacts import content, layout
from llmspell.artifacts.content import Packed
from llmspell.artifacts.layout import HASH_BYTES, PIECE_BYTES, Content
from llmspell.errors import LlmspellError, StorageError
from llmspell.ids import new_id
from llmspell.state.transaction import Transaction
from llmspell.storage import owner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmspell.state.manager import StateManager
    from llmspell.storage.store import WriteTransaction

BATCH_PIECES = 64
"""About 8 MiB."""


class Upload:
    """One content on its way into the store. A context manager: what it has not handed over at the end is given back.

    `write` any number of blocks, `finish`, then `hand_over` within the transaction that refers to the content. When the
    thread has a transaction already, all of it goes there. `shared` is how many bytes were stored before.
    """

    def __init__(self, manager: "StateManager", threshold: int, expected: int = 0) -> None:
        """Contents from `threshold` on are compressed; `expected` is the size, where that is known beforehand."""
        self._manager = manager
        self._threshold = threshold
        self._expected = expected
        self._outer = manager.own_transaction()
        self._id = new_id().encode()
        self._hash = blake3()
        self._rest = b""
        self._waiting: list[bytes] = []
        self._pieces = bytearray()
        self._stored = 0
        self._batches = 0
        self._renewed = 0.0
        self.size = 0
        self.shared = 0

    def __enter__(self) -> "Upload":
        return self

    def __exit__(self, *_: object) -> None:
        # Where the store cannot be written, a collection does it once this process has ended.
        with suppress(LlmspellError):
            while self._batches:
                self._batches -= 1
                with Transaction(self._manager) as transaction:
                    release_batch(transaction, layout.batch_key(self._id, self._batches))
                    if not self._batches:
                        transaction.main.delete(layout.UPLOADS + self._id)

    def write(self, block: bytes) -> None:
        """Take the next bytes."""
        self._hash.update(block)
        self.size += len(block)
        data = self._rest + block if self._rest else block
        whole = len(data) - len(data) % PIECE_BYTES
        for start in range(0, whole, PIECE_BYTES):
            self._waiting.append(data[start : start + PIECE_BYTES])
            if len(self._waiting) == BATCH_PIECES:
                self._flush()
        self._rest = data[whole:]

    def finish(self) -> bytes:
        """Take what is left; the hash of the whole."""
        if self._rest or not self.size:
            self._waiting.append(self._rest)
            self._rest = b""
        if self._waiting:
            self._flush()
        return self._hash.digest()

    def hand_over(self, transaction: "Transaction") -> Content:
        """The content, with a reference that is the caller's from now on."""
        main = transaction.main
        hash = self._hash.digest()
        if self._batches:
            self._claim(main)
            for number in range(self._batches):
                main.delete(layout.batch_key(self._id, number))
            main.delete(layout.UPLOADS + self._id)
        if len(self._pieces) == HASH_BYTES:
            return content.need(main, hash)  # the piece is the content, and its reference the caller's
        found = layout.find_content(main, hash)
        if found is None:
            return content.add_list(transaction, hash, self.size, self._stored, self._pieces)
        content.release(main, content.split(self._pieces))
        content.refer(main, found)
        self.shared = self.size
        return found

    def handed_over(self) -> None:
        """Say that the transaction of `hand_over` has been committed: nothing is to be given back."""
        self._batches = 0

    def _flush(self) -> None:
        """Store the pieces that wait: those that were there before only get a reference."""
        compress = max(self.size, self._expected) >= self._threshold
        get = self._manager.store.get if self._outer is None else self._outer.main.get
        packed: list[tuple[bytes, Packed | None]] = []
        for data in self._waiting:
            hash = blake3(data).digest()
            # Compressed now, while nobody waits for the write lock.
            is_new = get(layout.CONTENTS + hash) is None
            packed.append((hash, Packed(data, hash, compress=compress) if is_new else None))
        if self._outer is not None:
            self._outer.check_deadline()
            self._store(self._outer, packed)
        else:
            with Transaction(self._manager) as transaction:
                self._claim(transaction.main)
                self._store(transaction, packed)
                layout.write(
                    transaction.main, layout.batch_key(self._id, self._batches), b"".join(hash for hash, _ in packed)
                )
            self._batches += 1
            self._manager.store.sync()  # a store that groups its commits keeps them in memory until then
        self._waiting = []

    def _store(self, transaction: "Transaction", packed: list[tuple[bytes, Packed | None]]) -> None:
        main = transaction.main
        for data, (hash, piece) in zip(self._waiting, packed, strict=True):
            found = layout.find_content(main, hash)
            if found is None:
                found = content.add_piece(transaction, piece or Packed(data, hash, compress=False))
            else:
                content.refer(main, found)
                self.shared += len(data)
            self._pieces += hash
            self._stored += found.stored

    def _claim(self, main: "WriteTransaction") -> None:
        """Say that this upload goes on. Raises StorageError when it was taken for dead."""
        key = layout.UPLOADS + self._id
        if self._batches and main.get(key) is None:
            self._batches = 0
            raise StorageError("the upload took so long that it was given up", hint="try again")
        if not self._batches or time.monotonic() - self._renewed > owner.RENEW_AFTER:
            layout.write(main, key, owner.describe(self._manager.clock()))
            self._renewed = time.monotonic()


def release_batch(transaction: "Transaction", key: bytes) -> None:
    """Give back what one batch of an upload has referenced."""
    hashes = layout.read(transaction.main, key)
    if hashes is not None:
        transaction.touch()
        content.release(transaction.main, content.split(hashes))
        transaction.main.delete(key)
