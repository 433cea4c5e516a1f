"""`llmspell check`: read the whole store and say what is wrong with it."""

import os
import time
from typing import Annotated

import typer

from llmspell.backup.examination import examine, examine_index
from llmspell.cli.app import command
from llmspell.cli.call import Call
from llmspell.cli.report import complain
from llmspell.config import Config
from llmspell.errors import Corrupt, NotEnabled
from llmspell.runtime import Runtime
from llmspell.state.check import mend_journal
from llmspell.storage import record
from llmspell.storage.check import Report, check
from llmspell.storage.keys import EPOCH, HEAD, JOURNAL, STATE
from llmspell.storage.lmdb import verify_files
from llmspell.storage.store import Store, WriteTransaction


def add_to(app: typer.Typer) -> None:
    """Add `check`."""
    command(app, "check")(check_store)


def check_store(
    call: Call,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", help="Remove damaged values and journal entries, so that the store can be used again."
        ),
    ] = False,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Remove what has expired, and what the journal need not keep.")
    ] = False,
) -> None:
    """Read every byte of the store and verify it; exit status 4 when something is damaged."""
    _refuse_broken_file(call.config())
    with call.runtime() as runtime:
        store = runtime.store
        if store is None:
            raise NotEnabled("the state is switched off", hint="set enabled = true in [state]")
        report, damaged = _examine(store)
        _examine_own_store_of_sessions(runtime, report)
        for problem in report.problems:
            complain(f"problem: {problem}")
        removed = 0
        if repair and damaged:
            removed = _remove(store, damaged, runtime.state.clock())
            report, _ = _examine(store)
            _examine_own_store_of_sessions(runtime, report)
        if not report.is_sound:
            raise Corrupt(f"the store has {report.problem_count} problem{'s' * (report.problem_count != 1)}")
        facts: dict[str, object] = {"sound": True, "entries": report.entries, "bytes": report.size, "removed": removed}
        if sweep:
            facts["swept"] = runtime.state.sweep()
            if runtime.config.state.journal.enabled:
                runtime.state.compact()
        call.report.result(facts)


def _refuse_broken_file(config: Config) -> None:
    """Look at the file's structure before the engine opens it, which a broken page could make end the process."""
    path = config.state.path
    if config.state.enabled and config.state.backend == "disk" and os.path.exists(path):
        # What is seen while another process writes may be an illusion: damage is what stays.
        for pause in (0.05, 0.2, 0):
            problems = verify_files(path)
            if not problems:
                return
            time.sleep(pause)
        for problem in problems:
            complain(f"problem: {problem}")
        raise Corrupt(f"the file of the store at {path} is broken", hint="restore a backup into a new folder")


def _examine(store: Store) -> tuple[Report, list[bytes]]:
    """The report on the whole store, and the keys of what is damaged and can be removed."""
    damaged: list[bytes] = []

    def look(key: bytes, value: bytes) -> str | None:
        problem = examine(key, value)
        if problem is not None and (key.startswith((STATE, JOURNAL)) or key == HEAD):
            damaged.append(key)
        return problem

    report = check(store, look)
    with store.read() as transaction:
        if report.is_sound:
            for problem in examine_index(transaction):
                report.add(problem)
    return report, damaged


def _examine_own_store_of_sessions(runtime: Runtime, report: Report) -> None:
    """Add to the report what is wrong with the store of the sessions, when it is another one than that of the state."""
    if runtime.config.runtime.sessions.enabled and not runtime.sessions.is_shared:
        found, _ = _examine(runtime.sessions.home.store)
        report.entries += found.entries
        report.size += found.size
        for problem in found.problems:
            report.add(f"in the store of the sessions, {problem}")


def _remove(store: Store, damaged: list[bytes], now: int) -> int:
    """Remove those that are still damaged, in one commit, and damaged entries of the journal."""
    removed = 0
    with store.write() as transaction:
        for key in damaged:
            if key.startswith(STATE) and _is_damaged(transaction, key):
                removed += transaction.delete(key)
        removed += mend_journal(transaction, now)
        transaction.put(EPOCH, os.urandom(16))  # no commit of the state tells of it
    return removed


def _is_damaged(transaction: WriteTransaction, key: bytes) -> bool:
    """Whether there is a record under a key that cannot be read."""
    try:
        value = transaction.get(key)
    except Corrupt:
        return True
    return value is not None and record.verify(key, value) is not None
