"""Turns among threads. Those among processes are in `test_processes.py`."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from llmspell.errors import StorageBusy, StorageError
from llmspell.storage.turn import ProcessTurn, Turn


@pytest.fixture(params=["threads", "processes"])
def turn(request: pytest.FixtureRequest, tmp_path: Path) -> Turn:
    return Turn("the store") if request.param == "threads" else ProcessTurn("the store", str(tmp_path / "writer.lock"))


def test_turn_goes_to_whoever_has_waited_longest(turn: Turn) -> None:
    order: list[int] = []

    def wait(number: int) -> None:
        turn.acquire()
        order.append(number)
        turn.release()

    turn.acquire()
    threads = []
    for number in range(5):
        thread = threading.Thread(target=wait, args=(number,))
        thread.start()
        threads.append(thread)
        time.sleep(0.02)
    assert turn.is_wanted()
    turn.release()
    # It was promised to the first thread already, so this one comes last.
    turn.acquire()
    order.append(5)
    turn.release()
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4, 5]
    assert not turn.is_taken()


def test_who_gave_up_is_passed_over(turn: Turn) -> None:
    def give_up() -> None:
        with pytest.raises(StorageBusy):
            turn.acquire(0.05)

    turn.acquire()
    with ThreadPoolExecutor(2) as pool:
        gone = pool.submit(give_up)
        patient = pool.submit(turn.acquire, 30)
        gone.result()
        turn.release()
        patient.result()
    turn.release()
    turn.acquire(0)
    turn.release()


def test_turn_is_never_lost_nor_given_twice(turn: Turn) -> None:
    held = 0
    done = 0

    def work(number: int) -> None:
        nonlocal held, done
        for step in range(300):
            try:
                turn.acquire(None if (step + number) % 3 else 0.0005)
            except StorageBusy:
                continue
            held += 1
            assert held == 1
            if step % 10 == 0:
                time.sleep(0)
            held -= 1
            done += 1
            turn.release()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert done >= 6 * 200
    assert not turn.is_taken()


def test_same_thread_cannot_have_it_twice(turn: Turn) -> None:
    turn.acquire()
    assert turn.is_mine()
    with pytest.raises(StorageError, match="inside another"):
        turn.acquire()
    turn.release()
    assert not turn.is_mine()


def test_lock_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    turn = ProcessTurn("the store", str(tmp_path / "none" / "writer.lock"))
    for _ in range(2):
        with pytest.raises(StorageError, match=r"none/writer\.lock"):
            turn.acquire(1)
