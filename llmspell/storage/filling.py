"""Filling: putting everything into an empty LMDB store, in commits that bound the memory and yet as one change.

LMDB holds up to 512 MiB of changed pages of one transaction in memory. So who fills a large store commits now and then, and
keeps everybody else out meanwhile. The key `FILLING` is there until the end: whoever opens a store that has it finds that
its filler has died, and empties it.
"""

from itertools import chain

import lmdb

from llmspell.errors import StorageError
from llmspell.storage.fault import explain
from llmspell.storage.format import FILLING, FORMAT, FORMAT_KEY
from llmspell.storage.lmdb import LmdbWrite
from llmspell.storage.pieces import MARK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from llmspell.storage.lmdb import LmdbSavepoint

_COMMIT_BYTES = 24 << 20
_PAIR_BYTES = 16
"""What a pair takes in the file besides key and value, so that many small ones are committed in time too."""


class LmdbFill(LmdbWrite):
    """A write transaction of an empty store. It commits in parts where nobody else has the store open, and else once."""

    __slots__ = ("_is_alone", "_marker", "_size")

    def __enter__(self) -> "LmdbFill":
        super().__enter__()
        self._size = 0
        self._marker = FORMAT
        self._is_alone = False
        try:
            if any(key != FORMAT_KEY for key in self.scan_keys(b"")):
                raise StorageError(
                    f"the store at {self._environment.path} is not empty any more", hint="somebody writes into it"
                )
            self._is_alone = self._environment.seclude(self)
            if self._is_alone:
                self._txn.put(FILLING, b"")
                self._txn.delete(FORMAT_KEY)
                self._commit_part()
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        shared = self._environment
        if not self._is_alone or shared.is_lost:
            super().__exit__(kind, error, trace)
            return
        is_whole = False
        try:
            if kind is not None:
                self._txn.abort()
            elif self._failure is not None:
                self._txn.abort()
                raise self._failure
            else:
                self._txn.delete(FILLING)
                self._txn.put(FORMAT_KEY, self._marker)
                self._txn.commit()
                is_whole = True
        except lmdb.Error as problem:
            raise explain(problem, shared.path) from problem
        finally:
            shared.transactions.discard(self)
            shared.admit(is_whole=is_whole)
            shared.turn.release()

    def savepoint(self) -> "LmdbSavepoint":
        """There are none: a part of it may be committed."""
        raise StorageError("filling a store has no savepoints")

    def get(self, key: bytes) -> bytes | None:
        return self._marker if key == FORMAT_KEY and self._is_alone else super().get(key)

    def put(self, key: bytes, value: bytes) -> None:
        if key == FORMAT_KEY and self._is_alone:
            self._marker = value  # it is written by the last commit
            return
        super().put(key, value)
        self._grow(len(key) + len(value) + _PAIR_BYTES)

    def load(self, pairs: "Sequence[tuple[bytes, bytes]]") -> None:
        if self._is_alone and pairs and pairs[0][0] <= FORMAT_KEY <= pairs[-1][0]:
            super().load(pairs)
            return
        # Values are not cut here: what is added at the end must stay in order.
        if any(value.startswith(MARK) for _, value in pairs):
            super().load(pairs)
            return
        try:
            cursor = self._txn.cursor()
            done = cursor.putmulti(pairs, append=True)
            cursor.close()
        except lmdb.BadValsizeError:
            raise ValueError("a key is empty or too long") from None
        except lmdb.Error as error:
            raise self._fail(error) from error
        self.changes += 1
        if done != (len(pairs), len(pairs)):
            # Not above all that is there: then each must find its place.
            super().load(pairs)
        self._grow(sum(map(len, chain.from_iterable(pairs))) + len(pairs) * _PAIR_BYTES)

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > _COMMIT_BYTES and self._is_alone:
            self._commit_part()

    def _commit_part(self) -> None:
        shared = self._environment
        try:
            self._txn.commit()
            self._txn = shared.begin_alone()
        except lmdb.Error as error:
            raise self._fail(error) from error
        self.changes += 1
        self._size = 0
