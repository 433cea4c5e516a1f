"""`Background`: hooks that are told later what has happened, in batches."""

from _thread import allocate_lock, get_ident, start_new_thread
from collections import deque
from contextlib import suppress
from time import monotonic, sleep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from llmspell.hooks.context import Context
    from llmspell.hooks.hook import Hook
    from llmspell.hooks.hooks import Hooks

    Item = tuple[Hook, Context, tuple[Hook, ...]]
    """A hook, what it is to be told, and the hooks in whose run it happened."""

_POLL_SECONDS = 0.001


class Background:
    """Two bounded queues: of scripts' hooks, which only their own thread can run, and of all others, which threads here run.

    Whoever adds the first item of a batch wakes a thread; when `interval` seconds are over, or `batch_size` items wait, it
    runs the hooks of Python, and summons the script's thread (`summon`) to `run_script_hooks`. Up to `max_concurrent` functions
    run at the same time, each for one item after the other, in order. When a queue of `max_queue` items is full, whoever adds
    makes room: by running the script's hooks himself, or by waiting; after `patience` seconds the oldest item is dropped,
    counted, and warned of once.
    """

    def __init__(
        self,
        hooks: "Hooks",
        *,
        correlate: "Callable[[str], AbstractContextManager[object]]",
        summon: "Callable[[], None]",
        batch_size: int = 100,
        interval: float = 0.05,
        max_queue: int = 10_000,
        max_concurrent: int = 10,
        patience: float = 5.0,
    ) -> None:
        self._hooks = hooks
        self._correlate = correlate
        self._summon = summon
        self._batch_size = batch_size
        self._interval = interval
        self._max_queue = max_queue
        self._max_concurrent = max_concurrent
        self._patience = patience
        self._script: deque[Item] = deque()
        self._others: deque[Item] = deque()
        self._wake = allocate_lock()
        self._hurry = allocate_lock()
        self._wake.acquire()
        self._hurry.acquire()
        self._is_awake = False
        self._has_thread = False
        self._is_closed = False
        self._is_running_script_hooks = False
        self._busy = 0
        """The threads that are running hooks."""
        self._workers: set[int] = set()
        self.dropped = 0

    def __len__(self) -> int:
        """How many items wait."""
        return len(self._script) + len(self._others)

    def add(self, hook: "Hook", context: "Context", running: "tuple[Hook, ...]") -> None:
        """Have a hook told of something later."""
        queue = self._script if hook.thread else self._others
        if len(queue) >= self._max_queue:
            self._make_room(queue)
        queue.append((hook, context, running))
        if not self._is_awake:
            self._is_awake = True
            if not self._has_thread:
                self._has_thread = True
                start_new_thread(self._run, ())
            _release(self._wake)
        if len(queue) >= self._batch_size:
            if hook.thread:
                self._summon()
            else:
                _release(self._hurry)

    def run_script_hooks(self) -> None:
        """Tell the hooks of the script all that waits for them now. On the script's thread."""
        if self._is_running_script_hooks:
            return
        self._is_running_script_hooks = True
        try:
            for _ in range(len(self._script)):
                if self._hooks.is_stopping():
                    return
                self._notify(*self._script.popleft())
        finally:
            self._is_running_script_hooks = False

    def end_script(self) -> None:
        """Tell the script's hooks what waits for them, and what that leads to, until nothing does."""
        while self._script and not self._is_running_script_hooks and not self._hooks.is_stopping():
            self.run_script_hooks()

    def drop_script_hooks(self) -> None:
        """The script can run no more: what waits for its hooks is dropped, counted and warned of."""
        left = len(self._script)
        self._script.clear()
        if left:
            self.dropped += left
            self._hooks.warn(
                "hooks in the background were not told everything, since the script was ended", {"dropped": left}
            )

    def flush(self) -> bool:
        """Wait until the hooks of Python have been told everything; false when that took longer than the patience."""
        deadline = monotonic() + self._patience
        while self._others or self._busy:
            if get_ident() in self._workers or monotonic() > deadline:
                return False
            _release(self._hurry)
            sleep(_POLL_SECONDS)
        return True

    def close(self) -> None:
        """Flush, and let the thread end."""
        self.flush()
        self._is_closed = True
        _release(self._wake)

    def _make_room(self, queue: "deque[Item]") -> None:
        if queue is self._script and queue[0][0].thread == get_ident():
            self.run_script_hooks()
        elif queue is self._others and get_ident() not in self._workers:
            deadline = monotonic() + self._patience
            while len(queue) >= self._max_queue and monotonic() < deadline:
                _release(self._hurry)
                sleep(_POLL_SECONDS)
        while len(queue) >= self._max_queue:
            queue.popleft()
            self.dropped += 1
            if self.dropped == 1:
                self._hooks.warn(
                    "the queue of hooks in the background is full: the oldest is dropped",
                    {"max_queue_size": self._max_queue},
                )

    def _run(self) -> None:
        """The thread that keeps the time, and runs the hooks of Python."""
        self._workers.add(get_ident())
        while True:
            self._wake.acquire()
            if not self._is_closed:
                self._hurry.acquire(timeout=self._interval)
            self._is_awake = False
            if self._script:
                self._summon()
            self._busy += 1
            try:
                while self._others:
                    self._run_batch([self._others.popleft() for _ in range(min(len(self._others), self._batch_size))])
            finally:
                self._busy -= 1
            if self._is_closed:
                return

    def _run_batch(self, batch: "list[Item]") -> None:
        groups: dict[str, list[Item]] = {}
        for item in batch:
            groups.setdefault(item[0].id, []).append(item)
        waiting = deque(groups.values())
        helpers = min(len(waiting), self._max_concurrent) - 1
        finished = [allocate_lock() for _ in range(helpers)]
        for done in finished:
            done.acquire()
            start_new_thread(self._help, (waiting, done))
        self._take_groups(waiting)
        for done in finished:
            done.acquire()

    def _help(self, waiting: "deque[list[Item]]", done: "object") -> None:
        self._workers.add(get_ident())
        try:
            self._take_groups(waiting)
        finally:
            self._workers.discard(get_ident())
            done.release()  # type: ignore[attr-defined]

    def _take_groups(self, waiting: "deque[list[Item]]") -> None:
        while True:
            try:
                group = waiting.popleft()
            except IndexError:
                return
            for item in group:
                self._notify(*item)

    def _notify(self, hook: "Hook", context: "Context", running: "tuple[Hook, ...]") -> None:
        """Tell a hook something under the correlation under which it has happened."""
        if context.correlation_id in ("", self._hooks.correlation()):
            self._hooks.notify(hook, context, running)
        else:
            with self._correlate(context.correlation_id):
                self._hooks.notify(hook, context, running)


def _release(lock: "object") -> None:
    """Open a lock that may be open already."""
    with suppress(RuntimeError):
        lock.release()  # type: ignore[attr-defined]
