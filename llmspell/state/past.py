"""The past: what the journal tells about earlier values, and the feed of changes."""

from time import monotonic

from llmspell.errors import BadArgument, NotEnabled, NotFound
from llmspell.state import journal, moment
from llmspell.state.entry import Change, Revision
from llmspell.state.journal import JournalPolicy
from llmspell.state.limits import check_limit, encode_text, timeout_seconds
from llmspell.state.transaction import Head
from llmspell.state.view import View
from llmspell.storage import keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from llmspell.state.manager import StateManager
    from llmspell.state.scope import Scope
    from llmspell.storage.record import Record
    from llmspell.storage.store import ReadTransaction

_FIRST_UNIX_TIME = 1_000_000_000
MAX_ENTRIES_READ = 200_000
_FIRST_WAIT, _LONGEST_WAIT = 0.002, 0.02


def require_journal(manager: "StateManager") -> JournalPolicy:
    """The policy of the journal; raises NotEnabled when there is none."""
    if manager.journal_policy is None:
        raise NotEnabled("the journal is switched off", hint="set enabled = true in [state.journal]")
    return manager.journal_policy


def record_at(manager: "StateManager", record_key: bytes, at: int | float | str) -> "Record | None":
    """The record that was current, and had not expired, at a version or time; of the future, the present one."""
    require_journal(manager)
    with View(manager) as view:
        head = Head.read(view.main)
        version, when = _resolve(view.main, at, head)
        if version > head.version or (when is not None and when >= view.now):
            return view.find(record_key)
        found = journal.record_at(view.main, record_key, version, head)
        if when is None:
            when = view.now if version == head.version else journal.time_of(view.main, version)
        elif 0 < head.floor >= version < head.version and (found is None or found.updated_at > when):
            _, name = keys.split(record_key)
            raise NotFound(f"the journal of '{name}' does not go back to {moment.text(when)}")
    return None if found is None or (when is not None and found.is_expired(when)) else found


def history(
    manager: "StateManager", record_key: bytes, limit: int | None, since: int | float | str | None
) -> list[Revision]:
    """The changes of one key after `since`, newest first."""
    policy = require_journal(manager)
    check_limit(limit)
    found: list[Revision] = []
    with View(manager) as view:
        after, after_time = 0, None
        if since is not None:
            after, after_time = _resolve(view.main, since, Head.read(view.main))
        for revision in journal.history(view.main, record_key, policy.keep_versions):
            if len(found) == limit:
                break
            if revision.version <= after if after_time is None else revision.at <= after_time:
                break
            found.append(revision)
    return found


def changes(
    manager: "StateManager",
    since: int | float | str,
    scope: "Scope | None",
    prefix: str,
    limit: int | None,
    timeout: float | None,
    wait: "Callable[[float], object]",
    correlation_id: str | None = None,
) -> tuple[list[Change], int | str]:
    """The changes after `since`, oldest first, and the `since` of the next call; waits for the first one."""
    require_journal(manager)
    check_limit(limit)
    begins = keys.STATE if scope is None else scope.prefix
    key_prefix = encode_text(prefix, "prefix")
    until = monotonic() + timeout_seconds(timeout)
    pause = _FIRST_WAIT
    while True:
        generation = manager.store.generation()
        with View(manager) as view:
            head = Head.read(view.main)
            found, following = _read_changes(view.main, since, head, begins, key_prefix, limit, correlation_id)
        if found or monotonic() >= until or manager.own_transaction() is not None:
            return found, following
        since = following
        while manager.store.generation() == generation:
            if monotonic() >= until or wait(min(pause, max(0.0, until - monotonic()))):
                return found, following
            pause = min(pause * 1.5, _LONGEST_WAIT)


def caused(manager: "StateManager", correlation_id: str, since: int) -> list[Change]:
    """The changes with a correlation that were committed after the time `since` (µs), oldest first.

    There is no index: it would make every save slower. The journal is read backwards, as far as `since`, the time in the id
    when it is a UUID v7, as those of scripts and sessions are, or MAX_ENTRIES_READ entries. Without a journal there are none.
    """
    if manager.journal_policy is None:
        return []
    with View(manager) as view:
        return journal.caused(view.main, correlation_id, max(since, begin_of(correlation_id)), MAX_ENTRIES_READ)


def begin_of(correlation_id: str) -> int:
    """A time (µs) before which nothing can carry the id: of a UUID v7 a minute before it was made, else 0."""
    digits = correlation_id[:8] + correlation_id[9:13]
    if len(correlation_id) != 36 or correlation_id[14] != "7" or not digits.isalnum():
        return 0
    try:
        return int(digits, 16) * 1000 - 60 * moment.SECOND
    except ValueError:
        return 0


def _read_changes(
    txn: "ReadTransaction",
    since: int | float | str,
    head: Head,
    begins: bytes,
    prefix: bytes,
    limit: int | None,
    correlation_id: str | None,
) -> tuple[list[Change], int | str]:
    version, skip = _resolve_position(txn, since, head)
    if 0 < version < head.floor:
        raise NotFound(
            f"the changes after version {version} are no longer in the journal, which begins after {head.floor}",
            hint="start again from the present state, or keep more: [state.journal] keep_days",
        )
    found: list[Change] = []
    for place, change in journal.changes(txn, version, skip, begins, prefix):
        if correlation_id is not None and change.correlation_id != correlation_id:
            continue
        if len(found) == limit:
            return found, f"{change.version}+{place - 1}" if place > 1 else change.version - 1
        found.append(change)
    return found, max(version, head.version)


def _resolve(txn: "ReadTransaction", at: int | float | str, head: Head) -> tuple[int, int | None]:
    """The version that `at` means, and the time (µs) when it is one."""
    if type(at) is int and (at < _FIRST_UNIX_TIME or at <= head.version):
        if at < 0:
            raise BadArgument(f"a version is a whole number from 0, got {at}")
        return at, None
    when = moment.parse(at)
    return journal.version_at(txn, when, head), when


def _resolve_position(txn: "ReadTransaction", since: int | float | str, head: Head) -> tuple[int, int]:
    """The version that `since` means, and how many changes of the commit after it were seen already."""
    if isinstance(since, str):
        version, plus, seen = since.partition("+")
        if plus and version.isascii() and version.isdigit() and seen.isascii() and seen.isdigit():
            return max(int(version) - 1, 0), int(seen)
    return _resolve(txn, since, head)[0], 0
