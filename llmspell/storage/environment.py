"""`Environment`: one LMDB environment of this process, shared by all stores on its folder.

LMDB allows a file to be opened once per process, and never to be used in a forked child. So stores share it, and it is
closed before a fork when no transaction is open: then parent and child each open it again when they need it.
"""

import os
from _thread import allocate_lock
from time import sleep

import lmdb

from llmspell.errors import Corrupt, LlmspellError, StorageBusy, StorageError, StorageFull
from llmspell.storage import fork
from llmspell.storage.datafile import DataFile
from llmspell.storage.fault import explain, explain_os
from llmspell.storage.format import FORMAT, FORMAT_KEY, check_format
from llmspell.storage.turn import ProcessTurn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

DATA = "data.mdb"
LOCK = "lock.mdb"
WRITER_LOCK = "writer.lock"
