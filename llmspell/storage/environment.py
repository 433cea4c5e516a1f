"""`Environment`: one LMDB environment of this process, shared by all stores on its folder.

LMDB lets a process open a file once, and never use it in a forked child. So stores share it, and it is closed before a
fork when no transaction is open: parent and child each open it again when they next need it.
"""

import errno
import fcntl
import os
from _thread import allocate_lock, get_ident
from time import sleep

import lmdb

from llmspell.errors import Corrupt, LlmspellError, StorageBusy, StorageError
from llmspell.storage import fork
from llmspell.storage.datafile import DataFile
from llmspell.storage.fault import explain, explain_os
from llmspell.storage.folder import sync_folder
from llmspell.storage.format import FILLING, FORMAT, FORMAT_KEY, check_format
from llmspell.storage.turn import ProcessTurn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Begin = Callable[..., lmdb.Transaction[bytes]]

DATA, LOCK, WRITER_LOCK = "data.mdb", "lock.mdb", "writer.lock"
MAX_READERS = 1024
_LOCK_BYTES = 64 * MAX_READERS + 128
_SPARE_READERS = 8
"""Ended read transactions kept for the next one: beginning one anew costs 60 ns more."""
_SMALLER_MAPS = (1 << 36, 1 << 33, 1 << 31, 1 << 29, 1 << 27)
_FIRST_MAP = 1 << 20
_ATTEMPTS = 3
_CREATION_SECONDS = 10.0
CLOSING_SECONDS = 5.0
"""How long closing waits for a write transaction of another thread."""


class Environment:
    """An open environment. `begin` begins a transaction of LMDB's, `transactions` are those that are open.

    A process that forks while one is open keeps the environment; in the child it `is_lost`, and no transaction of it
    may be ended there, for that would end the parent's.
    """

    __slots__ = (
        "_env", "_filler", "_lock_file", "_map_size", "_opening", "begin", "is_lost", "is_read_only", "is_synced", "path",
        "transactions", "turn", "users",
    )  # fmt: skip
    _env: "lmdb.Environment | None"
    begin: "Begin"

    def __init__(self, path: str, turn: ProcessTurn, *, map_size: int, read_only: bool, sync: bool) -> None:
        self.path = path
        self.turn = turn
        self.is_read_only = read_only
        self.is_synced = sync
        self.is_lost = False
        self.transactions: set[object] = set()
        self.users = 0
        self._map_size = map_size
        self._opening = allocate_lock()
        self._filler = 0
        self._lock_file = -1
        self._open()

    def recover(self, error: lmdb.Error) -> None:
        """Put right what made `begin` fail, so that it can be tried again; raises when that is not possible."""
        with self._opening:
            env = self._env
            if env is None:
                return
            if isinstance(error, lmdb.MapResizedError):
                env.set_mapsize(0)
            elif isinstance(error, lmdb.PanicError) and not self.transactions:
                # A header could not be written; LMDB wants the file to be opened again.
                env.close()
                self._open()
            elif not isinstance(error, lmdb.ReadersFullError) or not env.reader_check():
                raise explain(error, self.path) from error

    def strengthen(self, *, read_only: bool, sync: bool) -> None:
        """Open it again when another store needs what it cannot do: writing, or syncing."""
        if (self.is_read_only and not read_only) or (sync and not self.is_synced):
            self.suspend()
            if self._env is not None:
                raise StorageBusy(f"the store at {self.path} is in use in this process with other options")
            self.is_read_only = self.is_read_only and read_only
            self.is_synced = self.is_synced or sync
            self.begin().abort()

    def suspend(self) -> None:
        """Close it until it is needed again, unless a transaction is open."""
        if self._env is not None and not self.transactions and not self.turn.is_taken():
            self.begin = self._resume
            self._env.close()
            self._env = None

    def seclude(self, filler: object) -> bool:
        """Keep everybody else out until `admit`; False when others have it open, or `filler` is not the only transaction.

        Other processes wait when they open it, and other threads when they begin. `begin_alone` is for this thread.
        """
        if self._env is None or self.transactions != {filler} or not self._opening.acquire(False):
            return False
        if not self._lock_processes_out():
            self._opening.release()
            return False
        self._filler = get_ident()
        self.begin = self._resume
        return True

    def begin_alone(self) -> "lmdb.Transaction[bytes]":
        """A write transaction of the thread that keeps all others out."""
        if self._env is None:
            raise StorageError(f"the store at {self.path} is closed")
        return self._env.begin(write=True)

    def admit(self, *, is_whole: bool) -> None:
        """Let the others in again; what is not whole is taken out first, by whoever opens it next if it cannot be now."""
        env = self._env
        if env is None:
            return
        try:
            if not is_whole:
                _empty(env)
            self.begin = env.begin
        except BaseException as error:
            env.close()
            self._env = None
            if not isinstance(error, lmdb.Error):
                raise
        finally:
            if self._env is not None:
                fcntl.lockf(self._lock_file, fcntl.LOCK_SH, 1)
            self._filler = 0
            self._opening.release()

    def close(self) -> None:
        """Let go of the files."""
        if self._env is not None and not self.is_lost:
            self._env.close()
        if self._lock_file >= 0:
            os.close(self._lock_file)
            self._lock_file = -1
        self.begin = self._refuse
        self.turn.close()

    def mark_inherited(self) -> None:
        """Called in a forked child."""
        self._opening = allocate_lock()
        if self._env is not None:
            self.is_lost = True
            self.begin = self._refuse

    def sync(self) -> None:
        """Put on disk what a store without syncing has committed."""
        if self._env is not None and not self.is_synced and not self.is_lost:
            try:
                self._env.sync(True)
            except lmdb.Error as error:
                raise explain(error, self.path) from error

    def measure(self) -> dict[str, int]:
        """Size of the map, pages used, bytes of a page, entries, and the number of reader slots in use."""
        self.begin().abort()
        env = self._env
        if env is None:
            raise StorageError(f"the store at {self.path} is closed")
        info, stat = env.info(), env.stat()
        return {
            "map_size": info["map_size"],
            "pages": info["last_pgno"] + 1,
            "page_size": stat["psize"],
            "entries": stat["entries"],
            "readers": info["num_readers"],
        }

    def _open(self) -> None:
        self._env = None
        self.begin = self._resume
        _examine(self.path, None if self.is_read_only else self.turn)
        _reserve_lock_file(os.path.join(self.path, LOCK))
        env = self._map()
        try:
            env.reader_check()
            with env.begin() as transaction:
                is_unfinished = transaction.get(FILLING) is not None
            if is_unfinished:
                self._clear(env)
            with env.begin() as transaction:
                check_format(transaction.get(FORMAT_KEY), self.path)
        except lmdb.Error as error:
            env.close()
            raise explain(error, self.path) from error
        except LlmspellError:
            env.close()
            raise
        self._env = env
        self.begin = env.begin

    def _lock_processes_out(self) -> bool:
        """Turn the shared lock with which LMDB marks that a process has the file open into an exclusive one."""
        try:
            if self._lock_file < 0:
                # Kept open: closing any descriptor of the file gives up all locks that the process has on it.
                self._lock_file = os.open(os.path.join(self.path, LOCK), os.O_RDWR | os.O_CLOEXEC)
            fcntl.lockf(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
        except OSError:
            return False
        return True

    def _clear(self, env: lmdb.Environment) -> None:
        """Empty a store whose filler has died. While he lives, nobody gets here."""
        if self.is_read_only:
            raise StorageError(
                f"filling the store at {self.path} was broken off",
                hint="open it for writing, which empties it; then restore again",
            )
        has_turn = not self.turn.is_mine()
        if has_turn:
            self.turn.acquire(_CREATION_SECONDS)
        try:
            with env.begin() as transaction:
                is_unfinished = transaction.get(FILLING) is not None
            if is_unfinished:
                _empty(env)
        finally:
            if has_turn:
                self.turn.release()

    def _map(self) -> lmdb.Environment:
        """Open it with the largest map that the system grants."""
        for size in (self._map_size, *(size for size in _SMALLER_MAPS if size < self._map_size)):
            try:
                return lmdb.open(
                    self.path,
                    map_size=size,
                    readonly=self.is_read_only,
                    sync=self.is_synced,
                    metasync=self.is_synced,
                    mode=0o600,
                    create=False,
                    max_readers=MAX_READERS,
                    max_spare_txns=_SPARE_READERS,
                    lib_version=0,
                )
            except lmdb.MemoryError as error:
                refused = error
            except lmdb.Error as error:
                raise explain(error, self.path) from error
        raise explain(refused, self.path) from refused

    def _resume(self, *, write: bool = False) -> "lmdb.Transaction[bytes]":
        """What `begin` is while the environment is closed for a fork, or has only one user."""
        if self._filler == get_ident():
            raise StorageError("the store cannot be used in another way by who fills it")
        with self._opening:
            if self._env is None:
                self._open()
        return self.begin(write=write)

    def _refuse(self, **_: object) -> "lmdb.Transaction[bytes]":
        """What `begin` is when the environment cannot be used any more."""
        if self.is_lost:
            raise _is_inherited(self.path)
        raise StorageError(f"the store at {self.path} is closed")


class _Registry:
    """The environments of this process, by the identity of their data files."""

    def __init__(self) -> None:
        self._environments: dict[tuple[int, int], Environment] = {}
        self._inherited: set[tuple[int, int]] = set()
        self._lock = allocate_lock()

    def share(self, path: str, *, map_size: int, read_only: bool, sync: bool) -> Environment:
        with self._lock:
            path = os.path.abspath(path)
            turn = ProcessTurn(f"the store at {path}", os.path.join(path, WRITER_LOCK))
            if not read_only:
                _create(path, turn)
            key = _identify(path)
            if key in self._inherited:
                raise _is_inherited(path)
            environment = self._environments.get(key)
            if environment is None:
                environment = Environment(path, turn, map_size=map_size, read_only=read_only, sync=sync)
                self._environments[key] = environment
            else:
                environment.strengthen(read_only=read_only, sync=sync)
            environment.users += 1
            return environment

    def leave(self, environment: Environment) -> None:
        with self._lock:
            if environment.users == 1 and not environment.is_lost:
                # Closing would wait for a write transaction of another thread, without a limit.
                environment.turn.wait_idle(CLOSING_SECONDS)
            environment.users -= 1
            if environment.users == 0:
                for key in [key for key, known in self._environments.items() if known is environment]:
                    del self._environments[key]
                environment.close()

    def before_fork(self) -> None:
        for environment in list(self._environments.values()):
            environment.suspend()

    def after_fork(self) -> None:
        self._lock = allocate_lock()
        for key, environment in list(self._environments.items()):
            environment.mark_inherited()
            if environment.is_lost:
                del self._environments[key]
                self._inherited.add(key)


def closed(environment: Environment) -> Environment:
    """What a store that was closed has in place of its environment: every use of it says so."""
    ghost = Environment.__new__(Environment)
    ghost.path = environment.path
    ghost.turn = environment.turn
    ghost.is_lost = False
    ghost.is_synced = True
    ghost.begin = ghost._refuse
    return ghost


_registry = _Registry()
fork.watch(_registry)
share = _registry.share
"""The environment of a folder, which is created unless it is only read. Every sharing is ended by `leave`."""
leave = _registry.leave
"""End one sharing, and close the environment after the last. Raises StorageBusy when another thread goes on writing."""


def _empty(env: lmdb.Environment) -> None:
    """Make a store as empty as a new one. The memory that it takes follows the number of pages, 8 bytes for each."""
    with env.begin(write=True) as transaction:
        transaction.drop(env.open_db(txn=transaction), delete=False)
        transaction.put(FORMAT_KEY, FORMAT)


def _create(path: str, turn: ProcessTurn) -> None:
    """Make sure that the folder and the data file exist. The file appears complete, whatever is killed meanwhile."""
    data = os.path.join(path, DATA)
    if os.path.lexists(data):
        return
    try:
        _make_folder(path)
        turn.acquire(_CREATION_SECONDS)
        try:
            if not os.path.lexists(data):
                _create_data_file(path, data)
        finally:
            turn.release()
            turn.close()
    except OSError as error:
        raise explain_os(error.errno or 0, path) from error


def _make_folder(path: str) -> None:
    """Create a folder and those above it, and put their names on disk."""
    if os.path.isdir(path):
        return
    parent = os.path.dirname(path)
    _make_folder(parent)
    try:
        os.mkdir(path)
    except FileExistsError:
        if not os.path.isdir(path):
            raise StorageError(f"{path} is a file; a store needs a folder") from None
    sync_folder(parent)


def _create_data_file(path: str, data: str) -> None:
    fresh = data + ".new"
    if os.path.lexists(fresh):
        os.unlink(fresh)
    try:
        env = lmdb.open(fresh, map_size=_FIRST_MAP, subdir=False, lock=False, mode=0o600, lib_version=0)
        with env, env.begin(write=True) as transaction:
            transaction.put(FORMAT_KEY, FORMAT)
    except lmdb.Error as error:
        raise explain(error, path) from error
    # Renaming, because a process that is killed while LMDB makes the file leaves an empty one.
    os.rename(fresh, data)
    sync_folder(path)


def _identify(path: str) -> tuple[int, int]:
    try:
        status = os.stat(os.path.join(path, DATA))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StorageError(
            f"there is no store at {path}", hint="check the path, or open it for writing, which creates it"
        ) from error
    except OSError as error:
        raise explain_os(error.errno or 0, path) from error
    return status.st_dev, status.st_ino


def _examine(path: str, turn: ProcessTurn | None) -> None:
    """Raise StorageError or Corrupt when the data file is not whole.

    A file that is being written to may look damaged for a moment, so damage counts when it is still there a little
    later and, with `turn`, while nobody writes.
    """
    for attempt in range(_ATTEMPTS):
        has_turn = False
        if attempt:
            sleep(0.01)
            if turn is not None and not turn.is_mine():
                try:
                    turn.acquire(1.0)
                    has_turn = True
                except StorageBusy:
                    pass
        try:
            with DataFile(os.path.join(path, DATA)) as data:
                if data.is_short():
                    from llmspell.storage.structure import check_missing_pages

                    check_missing_pages(data)
            return
        except Corrupt:
            if attempt == _ATTEMPTS - 1:
                raise
        finally:
            if has_turn and turn is not None:
                turn.release()


def _reserve_lock_file(path: str) -> None:
    """Give LMDB's lock file its blocks. It is written through a map, where a full disk would kill the process."""
    if not hasattr(os, "posix_fallocate"):  # macOS
        return
    try:
        status = os.stat(path)
        if status.st_blocks * 512 >= status.st_size >= _LOCK_BYTES:
            return
    except OSError:
        pass
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, _LOCK_BYTES)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise explain_os(error.errno, os.path.dirname(path)) from error


def _is_inherited(path: str) -> StorageError:
    return StorageError(
        f"the store at {path} was in use when the process forked, so the child cannot use it",
        hint="fork while no transaction is open, or start the child as a new program",
    )
