"""The state for asyncio: the same state, a loop that never waits, and cancellation that leaves nothing half done."""

import asyncio
import gc
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from llmspell.errors import BadArgument, BadValue, Conflict, NotFound, StorageBusy, StorageError, Timeout
from llmspell.state.aio import AsyncStateManager
from llmspell.state.journal import JournalPolicy
from llmspell.state.manager import StateManager
from llmspell.storage.store import Store
from tests.state.conftest import START

HOLDER = """
import sys, time
from llmspell.storage.lmdb import LmdbStore
with LmdbStore(sys.argv[1]) as store, store.write():
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def run(state: StateManager) -> Iterator[Callable[[Callable[[AsyncStateManager], Awaitable[None]]], None]]:
    """Runs a test's body with the async front of `state`, and closes it."""

    def run(body: Callable[[AsyncStateManager], Awaitable[None]]) -> None:
        async def main() -> None:
            async with AsyncStateManager(state) as front:
                await body(front)

        asyncio.run(asyncio.wait_for(main(), 30))

    yield run
    wait_for_the_end_of_threads()


@pytest.fixture
def restless_threads() -> Iterator[None]:
    """A thread gets its chance between nearly any two steps of another."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def wait_for_the_end_of_threads() -> None:
    until = time.monotonic() + 5
    while any(thread.name.startswith("llmspell") for thread in threading.enumerate()):
        assert time.monotonic() < until
        time.sleep(0.001)


@contextmanager
def held_by_another_process(path: Path, seconds: float) -> "Iterator[subprocess.Popen[str]]":
    """Another process has the write lock, from the beginning of the block and for so long."""
    command = [sys.executable, "-c", HOLDER, str(path), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


async def longest_pause(stop: asyncio.Event) -> float:
    """Ticks until it is stopped; the longest time (s) between two ticks."""
    longest, last = 0.0, time.monotonic()
    while not stop.is_set():
        await asyncio.sleep(0.005)
        now = time.monotonic()
        longest, last = max(longest, now - last), now
    return longest


Run = Callable[[Callable[[AsyncStateManager], Awaitable[None]]], None]


def test_every_operation_does_what_the_manager_does(run: Run, state: StateManager) -> None:
    async def body(front: AsyncStateManager) -> None:
        assert await front.get("s", "k", "none") == "none"
        await front.set("s", "k", {"a": [1, 2.5, b"x"]}, ttl=60, class_="trusted")
        before = await front.version()
        entry = await front.entry("s", "k")
        assert entry is not None
        assert (entry.value, entry.class_name, entry.expires_at) == (
            {"a": [1, 2.5, b"x"]},
            "trusted",
            START + 60_000_000,
        )
        await front.set("s", "k", 1, if_version=entry.version)
        assert await front.get("s", "k", at=before) == {"a": [1, 2.5, b"x"]}
        assert await front.increment("s", "k", 4) == 5
        assert await front.modify("s", "k", lambda number: number * 2) == 10
        assert [revision.value for revision in await front.history("s", "k", limit=2)] == [10, 5]
        await front.set("s", "l", 1)
        assert await front.exists("s", "l")
        assert await front.list_keys("s", reverse=True) == ["l", "k"]
        assert await front.items("s", limit=1) == [("k", 10)]
        assert await front.list_scopes(prefix="s") == ["s"]
        assert await front.count("s") == 2
        assert await front.delete("s", "l")
        assert not await front.delete("s", "l")
        assert await front.clear("s") == 1
        assert await front.run(lambda manager: manager.version()) == await front.version()
        await front.flush()
        assert (await front.metrics())["reads"] > 0

    run(body)


def test_errors_come_through_with_their_class(run: Run) -> None:
    async def body(front: AsyncStateManager) -> None:
        with pytest.raises(BadValue):
            await front.set("s", "k", float("nan"))
        await front.set("s", "k", 1)
        with pytest.raises(Conflict):
            await front.set("s", "k", 2, if_version=0)
        with pytest.raises(ZeroDivisionError):
            await front.modify("s", "k", lambda number: number / 0)
        with pytest.raises(RuntimeError, match="StopIteration"):
            await front.modify("s", "k", lambda _: next(iter(())))
        with pytest.raises(RuntimeError, match="StopIteration"):
            async with front.transaction():
                await front.modify("s", "k", lambda _: next(iter(())))
        assert await front.get("s", "k") == 1

    run(body)


def test_a_closed_front_refuses_and_a_manager_that_it_was_given_stays_open(state: StateManager) -> None:
    async def main() -> None:
        front = AsyncStateManager(state)
        await front.set("s", "k", 1)
        await front.close()
        await front.close()
        for call in (front.get("s", "k"), front.set("s", "k", 2), front.transaction().__aenter__(), front.flush()):
            with pytest.raises(StorageError, match="the state is closed"):
                await call
        assert state.get("s", "k") == 1

    asyncio.run(main())


def test_a_backend_is_opened_at_the_first_use_and_its_errors_come_then(tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(BadArgument, match="unknown backend"):
            await AsyncStateManager.with_backend("paper").get("s", "k")
        async with AsyncStateManager.with_backend("lmdb", path=tmp_path / "state", schema_version="2.0.0") as front:
            await front.set("s", "k", 1)
            entry = await front.entry("s", "k")
            assert entry is not None
            assert entry.schema_version == "2.0.0"
            manager = front.opened()
        with pytest.raises(StorageError, match="is closed"):
            manager.get("s", "k")

    asyncio.run(main())
    with StateManager.with_backend("lmdb", path=tmp_path / "state") as state:
        assert state.get("s", "k") == 1


def test_one_front_serves_several_event_loops(state: StateManager) -> None:
    front = AsyncStateManager(state)

    async def count() -> None:
        for _ in range(20):
            await front.increment("s", "n")
        async with front.transaction():
            await front.increment("s", "n", 5)

    threads = [threading.Thread(target=lambda: asyncio.run(count())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert state.get("s", "n") == 100
    asyncio.run(front.close())


class TestLoop:
    """It never waits."""

    def test_a_busy_store_does_not_hold_up_the_loop(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with AsyncStateManager.with_backend("lmdb", path=tmp_path / "state") as front:
                await front.set("s", "k", 0)

                async def transact() -> None:
                    async with front.transaction():
                        await front.increment("s", "k")

                with held_by_another_process(tmp_path / "state", 0.3):
                    began, stop = time.monotonic(), asyncio.Event()
                    ticks = asyncio.create_task(longest_pause(stop))
                    writes = [asyncio.create_task(front.increment("s", "k")) for _ in range(3)]
                    writes.append(asyncio.create_task(transact()))
                    reads = 0
                    while not writes[0].done():
                        assert 0 <= await front.get("s", "k") <= 4
                        reads += 1
                    assert time.monotonic() - began > 0.2
                    await asyncio.gather(*writes)
                    stop.set()
                assert await ticks < 0.15
                assert reads > 20
                assert await front.get("s", "k") == 4

        asyncio.run(main())

    def test_a_slow_function_does_not_hold_it_up_either(self, run: Run) -> None:
        async def body(front: AsyncStateManager) -> None:
            stop = asyncio.Event()
            ticks = asyncio.create_task(longest_pause(stop))
            assert await front.modify("s", "k", lambda _: time.sleep(0.3)) is None
            stop.set()
            assert await ticks < 0.15

        run(body)

    def test_reads_go_on_while_a_transaction_is_open(self, run: Run) -> None:
        async def body(front: AsyncStateManager) -> None:
            await front.set("s", "k", "before")
            reader = asyncio.Event()

            async def read() -> Any:
                await reader.wait()
                return await front.get("s", "k")

            reading = asyncio.create_task(read())
            async with front.transaction():
                await front.set("s", "k", "after")
                reader.set()
                assert await reading == "before"
            assert await front.get("s", "k") == "after"

        run(body)


class TestTransaction:
    """One thread, one commit, whatever the tasks do."""

    def test_everything_in_it_commits_together_on_one_thread(self, run: Run, state: StateManager) -> None:
        async def body(front: AsyncStateManager) -> None:
            threads = set()
            async with front.transaction() as transaction:
                await transaction.set("s", "a", 1)
                await front.set("s", "b", 2)
                await asyncio.sleep(0.01)
                assert await transaction.increment("s", "a") == 2
                assert await front.list_keys("s") == ["a", "b"]
                for _ in range(5):
                    threads.add(await transaction.run(lambda _: threading.get_ident()))
                    threads.add(await front.run(lambda _: threading.get_ident()))
                assert state.list_keys("s") == []
            assert len(threads) == 1
            assert threads != {threading.get_ident()}
            assert await front.version() == 1

        run(body)

    def test_nothing_is_left_when_it_raises(self, run: Run, state: StateManager) -> None:
        async def body(front: AsyncStateManager) -> None:
            await front.set("s", "k", 1)
            with pytest.raises(ZeroDivisionError):
                async with front.transaction():
                    await front.set("s", "k", 2)
                    raise ZeroDivisionError
            assert await front.get("s", "k") == 1
            assert state.current is None

        run(body)

    def test_a_caught_failure_undoes_the_inner_part_alone(self, run: Run) -> None:
        async def body(front: AsyncStateManager) -> None:
            async with front.transaction() as outer:
                await front.set("s", "outer", 1)
                with pytest.raises(ZeroDivisionError):
                    async with front.transaction():
                        await outer.set("s", "inner", 1)
                        async with outer.transaction() as innermost:
                            await innermost.set("s", "innermost", 1)
                        raise ZeroDivisionError
                async with outer.transaction():
                    await front.set("s", "second", 1)
            assert await front.list_keys("s") == ["outer", "second"]
            assert await front.version() == 1

        run(body)

    def test_tasks_begun_in_it_belong_to_it(self, run: Run) -> None:
        async def body(front: AsyncStateManager) -> None:
            with pytest.raises(ZeroDivisionError):
                async with front.transaction():
                    await asyncio.gather(*(front.increment("s", "n") for _ in range(20)))
                    assert await front.get("s", "n") == 20
                    raise ZeroDivisionError
            assert await front.get("s", "n") is None

        run(body)

    def test_savepoints_of_several_tasks_take_turns(self, run: Run) -> None:
        async def part(front: AsyncStateManager, number: int) -> None:
            with suppress(ZeroDivisionError):
                async with front.transaction():
                    await front.increment("s", "n")
                    await asyncio.sleep(0.001)
                    await front.set("s", f"part {number}", number)
                    if number % 2:
                        raise ZeroDivisionError

        async def body(front: AsyncStateManager) -> None:
            async with front.transaction():
                await asyncio.gather(*(part(front, number) for number in range(8)), front.set("s", "beside", 1))
            assert await front.list_keys("s") == ["beside", "n", "part 0", "part 2", "part 4", "part 6"]
            assert await front.get("s", "n") == 4

        run(body)

    def test_other_tasks_wait_for_its_end(self, run: Run) -> None:
        async def body(front: AsyncStateManager) -> None:
            order = []
            begun = asyncio.Event()

            async def other() -> None:
                await begun.wait()
                await front.increment("s", "n")
                order.append("other")

            async def later() -> None:
                await begun.wait()
                async with front.transaction():
                    assert await front.get("s", "n") is not None
                    order.append("later")

            tasks = [asyncio.create_task(other()), asyncio.create_task(later())]
            async with front.transaction():
                begun.set()
                await front.increment("s", "n")
                await asyncio.sleep(0.05)
                order.append("first")
            await asyncio.gather(*tasks)
            assert order[0] == "first"
            assert await front.get("s", "n") == 2

        run(body)

    def test_a_task_that_outlives_it_goes_on_without_it(self, run: Run) -> None:
        async def body(front: AsyncStateManager) -> None:
            ended = asyncio.Event()

            async def outlive() -> None:
                await ended.wait()
                await front.set("s", "late", 1)

            with pytest.raises(ZeroDivisionError):
                async with front.transaction() as transaction:
                    task = asyncio.create_task(outlive())
                    raise ZeroDivisionError
            ended.set()
            await task
            assert await front.list_keys("s") == ["late"]
            with pytest.raises(StorageError, match="has ended"):
                await transaction.set("s", "later", 1)
            with pytest.raises(StorageError, match="use it in its `async with` block"):
                await front.transaction().set("s", "earlier", 1)

        run(body)

    def test_its_handle_serves_a_task_begun_before_it(self, run: Run) -> None:
        async def body(front: AsyncStateManager) -> None:
            handles: asyncio.Queue[Any] = asyncio.Queue()

            async def helper() -> None:
                await (await handles.get()).set("s", "helped", 1)

            task = asyncio.create_task(helper())
            await asyncio.sleep(0)
            with pytest.raises(ZeroDivisionError):
                async with front.transaction() as transaction:
                    handles.put_nowait(transaction)
                    await task
                    assert await front.exists("s", "helped")
                    raise ZeroDivisionError
            assert not await front.exists("s", "helped")

        run(body)

    def test_the_store_is_free_again_after_its_time_whatever_the_block_awaits(
        self, make: Callable[..., StateManager]
    ) -> None:
        state = make(transaction_timeout_ms=100)

        async def main() -> None:
            async with AsyncStateManager(state) as front:
                with pytest.raises(Timeout, match="none of it was saved"):
                    async with front.transaction():
                        await front.set("s", "k", 1)
                        await asyncio.sleep(0.2)
                        assert not state.store.is_wanted()
                        await asyncio.to_thread(state.set, "s", "other", 1)
                with pytest.raises(Timeout, match="none of it was saved"):
                    async with front.transaction() as transaction:
                        await asyncio.sleep(0.2)
                        with suppress(Timeout):
                            await transaction.set("s", "k", 1)
                with pytest.raises(ZeroDivisionError):
                    async with front.transaction():
                        await asyncio.sleep(0.2)
                        raise ZeroDivisionError
                assert await front.list_keys("s") == ["other"]

        asyncio.run(main())

    def test_waiting_for_a_task_that_waits_for_the_savepoint_ends_in_a_timeout(
        self, make: Callable[..., StateManager]
    ) -> None:
        async def main() -> None:
            async with AsyncStateManager(make(transaction_timeout_ms=100)) as front:
                with pytest.raises(Timeout):
                    async with front.transaction() as outer:
                        begun = asyncio.Event()

                        async def helper() -> None:
                            await begun.wait()
                            await outer.set("s", "k", 1)

                        task = asyncio.create_task(helper())
                        await asyncio.sleep(0)
                        async with front.transaction():
                            begun.set()
                            await task
                assert await front.list_scopes() == []

        asyncio.run(main())

    def test_a_locked_store_is_an_error_after_its_time(self, tmp_path: Path) -> None:
        async def main() -> None:
            state = StateManager.with_backend("lmdb", path=tmp_path / "state")
            state.busy_seconds = 0.05
            async with AsyncStateManager(lambda: state) as front:
                with pytest.raises(StorageBusy):
                    async with front.transaction():
                        pytest.fail("the lock was not there to be had")
                with pytest.raises(StorageBusy):
                    await front.set("s", "k", 1)
                assert await front.list_scopes() == []

        with held_by_another_process(tmp_path / "state", 20):
            asyncio.run(main())

    def test_transactions_of_two_managers_nest(self, run: Run) -> None:
        async def body(front: AsyncStateManager) -> None:
            async with AsyncStateManager.with_backend("memory") as second, front.transaction(), second.transaction():
                await front.set("s", "k", 1)
                await second.set("s", "k", 2)
                async with front.transaction():
                    await front.increment("s", "k", 10)
            assert await front.get("s", "k") == 11

        run(body)


class TestCancellation:
    """A cancelled await leaves the transaction undone and the store usable."""

    @pytest.mark.usefixtures("restless_threads")
    def test_at_every_await_of_a_transaction(self, run: Run, state: StateManager) -> None:
        async def body(front: AsyncStateManager) -> None:
            reached = 0

            async def work() -> None:
                nonlocal reached
                async with front.transaction():
                    reached = 1
                    await front.increment("s", "n")
                    reached = 2
                    async with front.transaction():
                        reached = 3
                        await front.set("s", "k", 1)
                        reached = 4
                        await asyncio.sleep(0)
                    reached = 5
                    await front.delete("s", "k")
                    reached = 6
                reached = 7

            seen = set()
            for steps in range(60):
                task = asyncio.create_task(work())
                for _ in range(steps):
                    await asyncio.sleep(0)
                    if task.done():
                        break
                    if steps % 2:
                        time.sleep(0.0003)  # so that the thread is further on than the loop knows
                before = state.version()
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
                seen.add(reached)
                # Done in whole or not at all, and nobody holds the lock any more.
                assert state.version() - before in (0, 1)
                assert (await front.get("s", "n", 0), await front.list_keys("s")) in (
                    (state.version(), ["n"]),
                    (0, []),
                )
                await asyncio.to_thread(state.delete, "other", "k")
            assert len(seen) >= 4
            await asyncio.wait_for(work(), 5)

        run(body)

    @pytest.mark.usefixtures("restless_threads")
    def test_at_any_moment_of_a_transaction_that_would_never_end(self, run: Run, state: StateManager) -> None:
        async def body(front: AsyncStateManager) -> None:
            async def work() -> None:
                async with front.transaction():
                    await front.set("s", "k", 1)
                    async with front.transaction():
                        await front.set("s", "l", 1)
                    await asyncio.sleep(60)

            for turn in range(1500):
                task = asyncio.create_task(work())
                for _ in range(turn % 11):
                    await asyncio.sleep(0)
                if turn % 2:
                    await asyncio.sleep(0.0001 * (turn % 7))
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert state.list_scopes() == []

        run(body)

    def test_of_a_transaction_that_waits_for_another_process(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with AsyncStateManager.with_backend("lmdb", path=tmp_path / "state") as front:
                await front.set("s", "k", 0)

                async def transact() -> None:
                    async with front.transaction():
                        await front.set("s", "k", "transaction")

                with held_by_another_process(tmp_path / "state", 20):
                    for work in (transact(), front.set("s", "k", "set"), front.modify("s", "k", lambda _: "modify")):
                        began = time.monotonic()
                        with pytest.raises(TimeoutError):
                            await asyncio.wait_for(work, 0.05)
                        assert time.monotonic() - began < 1
                await front.set("s", "k", 1)
                assert [revision.value for revision in await front.history("s", "k")] == [1, 0]
                assert await front.version() == 2

        asyncio.run(main())

    def test_that_is_caught_in_the_block_undoes_it_all_the_same(self, run: Run) -> None:
        async def body(front: AsyncStateManager) -> None:
            with pytest.raises(StorageError, match="an operation in it did not end"):
                async with front.transaction():
                    await front.set("s", "k", 1)
                    with pytest.raises(TimeoutError):
                        await asyncio.wait_for(front.modify("s", "k", lambda _: time.sleep(0.1)), 0.01)
            assert await front.list_scopes() == []
            async with front.transaction():
                await front.set("s", "outer", 1)
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.01), front.transaction():
                        await front.modify("s", "k", lambda _: time.sleep(0.1))
            assert await front.list_keys("s") == ["outer"]

        run(body)

    def test_of_a_call_that_waits_behind_another_means_it_never_happens(self, run: Run) -> None:
        async def body(front: AsyncStateManager) -> None:
            slow = asyncio.create_task(front.modify("s", "slow", lambda _: time.sleep(0.1) or 1))
            await asyncio.sleep(0.01)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(front.set("s", "k", 1), 0.01)
            await slow
            assert await front.list_keys("s") == ["slow"]

        run(body)

    def test_of_a_call_in_the_middle_of_its_work_undoes_it(self, run: Run, state: StateManager) -> None:
        async def body(front: AsyncStateManager) -> None:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(front.modify("s", "k", lambda _: time.sleep(0.1) or 1), 0.01)
            await front.set("s", "after", 1)
            assert await front.list_keys("s") == ["after"]

        run(body)

    def test_a_loop_that_ends_in_the_middle_leaves_the_store_usable(self, state: StateManager) -> None:
        front = AsyncStateManager(state)

        async def abandon() -> None:
            async def transact() -> None:
                async with front.transaction():
                    await front.set("s", "k", 1)
                    await asyncio.sleep(60)

            task = asyncio.create_task(transact())
            await asyncio.sleep(0.05)
            assert not task.done()

        asyncio.run(abandon())
        state.set("s", "after", 1)
        assert state.list_keys("s") == ["after"]
        asyncio.run(front.close())


class TestChanges:
    """The feed."""

    def test_it_gives_what_is_there_and_ends_when_asked_to(self, run: Run) -> None:
        async def body(front: AsyncStateManager) -> None:
            async with front.transaction():
                await front.set("s", "a", 1)
                await front.set("t", "x", 1)
            await front.set("s", "b", 1)
            await front.delete("s", "a")
            found = [(change.operation, change.key) async for change in front.changes(scope="s", timeout=0)]
            assert found == [("save", "a"), ("save", "b"), ("delete", "a")]
            assert [change.key async for change in front.changes(prefix="x", timeout=0)] == ["x"]
            assert [change.key async for change in front.changes(since=await front.version(), timeout=0)] == []

        run(body)

    def test_what_is_committed_while_it_is_read_belongs_to_what_is_there(self, run: Run) -> None:
        async def body(front: AsyncStateManager) -> None:
            await front.set("s", "0", 1)
            found = []
            async for change in front.changes(timeout=0):
                found.append(change.key)
                if len(found) < 50:
                    await front.set("s", str(len(found)), 1)
            assert found == [str(number) for number in range(50)]

        run(body)

    def test_it_follows(self, run: Run) -> None:
        async def body(front: AsyncStateManager) -> None:
            async def write() -> None:
                for number in range(30):
                    await front.set("s", f"k{number}", number)
                    await asyncio.sleep(0.002 * (number % 4))

            writing = asyncio.create_task(write())
            found = []
            async for change in front.changes(scope="s"):
                found.append(change.key)
                if len(found) == 30:
                    break
            await writing
            assert found == [f"k{number}" for number in range(30)]

        run(body)

    def test_it_follows_another_process(self, tmp_path: Path) -> None:
        path = tmp_path / "state"
        program = (
            "import sys; from llmspell import StateManager\n"
            "with StateManager.with_backend('lmdb', path=sys.argv[1]) as state: state.set('s', 'k', 1)"
        )

        async def main() -> None:
            async with AsyncStateManager.with_backend("lmdb", path=path) as front:
                feed = front.changes()
                waiting = asyncio.create_task(anext(feed))
                process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(path))
                assert (await asyncio.wait_for(waiting, 20)).key == "k"
                assert await process.wait() == 0

        asyncio.run(main())

    def test_a_cancelled_wait_loses_nothing(self, run: Run) -> None:
        async def body(front: AsyncStateManager) -> None:
            feed = front.changes(since=0)
            found: list[str] = []
            written = 0
            while len(found) < 20:
                if written < 20:
                    await front.set("s", f"k{written}", 1)
                    written += 1
                with suppress(TimeoutError):
                    found.append((await asyncio.wait_for(anext(feed), 0.0005)).key)
            assert found == [f"k{number}" for number in range(20)]

        run(body)

    def test_a_later_feed_goes_on_where_one_stopped(self, run: Run) -> None:
        async def body(front: AsyncStateManager) -> None:
            for commit in range(4):
                async with front.transaction():
                    for number in range(3):
                        await front.set("s", f"{commit}.{number}", 1)
            everything = [change.key async for change in front.changes(timeout=0)]
            for stop in range(1, len(everything) + 1):
                feed = front.changes(timeout=0)
                given = [(await anext(feed)).key for _ in range(stop)]
                rest = [change.key async for change in front.changes(since=feed.position, timeout=0)]
                assert given == everything[:stop]
                # Nothing is left out, and no more than the commit it stopped in comes again.
                assert rest == everything[stop - stop % 3 :]

        run(body)

    def test_long_commits_come_in_pages_and_in_whole(self, run: Run) -> None:
        async def body(front: AsyncStateManager) -> None:
            async with front.transaction():
                for number in range(1000):
                    await front.set("s", f"{number:04}", 1)
            await front.set("s", "last", 1)
            found = [change.key async for change in front.changes(timeout=0)]
            assert found == [f"{number:04}" for number in range(1000)] + ["last"]

        run(body)

    def test_what_has_left_the_journal_is_an_error(self, make: Callable[..., StateManager], clock: Any) -> None:
        state = make(journal=JournalPolicy(keep_days=1))
        state.set("s", "k", 1)
        state.set("s", "k", 2)
        clock.advance(3 * 86_400)
        state.compact()

        async def main() -> None:
            async with AsyncStateManager(state) as front:
                with pytest.raises(NotFound, match="no longer in the journal"):
                    await anext(front.changes(since=1))

        asyncio.run(main())

    def test_an_impossible_wish_is_refused_at_once(self, run: Run) -> None:
        async def body(front: AsyncStateManager) -> None:
            with pytest.raises(BadArgument, match="timeout"):
                front.changes(timeout=-1)

        run(body)


def test_a_correlation_belongs_to_the_task_and_those_it_begins(run: Run) -> None:
    async def body(front: AsyncStateManager) -> None:
        async def work(name: str) -> None:
            async with front.with_correlation(name):
                await front.set("s", name, 1)
                await asyncio.sleep(0.001)
                async with front.transaction():
                    await asyncio.gather(front.set("s", name, 2), front.set("s", f"{name}'", 2))
                await front.modify("s", name, lambda number: number + 1)

        await asyncio.gather(*(work(f"job {number}") for number in range(5)), front.set("s", "none", 1))
        for number in range(5):
            name = f"job {number}"
            found = [revision.correlation_id for revision in await front.history("s", name)]
            assert found == [name] * 3
        assert [revision.correlation_id for revision in await front.history("s", "none")] == ["run-1"]

    run(body)


def test_a_front_that_nobody_closes_goes_with_its_threads(store: Store) -> None:
    async def main() -> None:
        front = AsyncStateManager(StateManager(store))
        await front.set("s", "k", 1)
        assert await front.get("s", "k") == 1

    asyncio.run(main())
    gc.collect()
    wait_for_the_end_of_threads()
