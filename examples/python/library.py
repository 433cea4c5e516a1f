"""The state as a Python library: values, versions, transactions, the journal, two threads, and asyncio.

The same state that scripts see: what this program leaves, a script finds under `State`, and the other way round.

Run: python examples/python/library.py [folder]      (the folder of the state; without one, llmspell_state)

Prints:

    plan: ['read', 'ask', 'answer']
    there is a plan already: conflict
    after the transaction: 1 open, 2 done
    after the one that failed: 1 open, 2 done
    keys: ['done', 'open', 'plan', 'visits']
    visits by two threads: 200
    history of visits: 200 saves, the last one by counter-1 or counter-2
    plan before it was changed: ['read', 'ask', 'answer']
    now: ['read', 'answer']
    kept for a moment, then gone: yes, no
    asyncio: 3 jobs done, the feed saw mail/0 mail/1 mail/2
"""

import asyncio
import sys
import threading
import time

from llmspell import AsyncStateManager, Conflict, StateManager, StateScope

TOUR = StateScope.custom("project:tour")


def values_and_versions(state: StateManager) -> None:
    state.set(TOUR, "plan", ["read", "ask", "answer"])
    print("plan:", state.get(TOUR, "plan"))
    try:
        state.set(TOUR, "plan", [], if_version=0)  # only if there is none yet
    except Conflict as error:
        print("there is a plan already:", error.code)  # error.message says at which version


def transactions(state: StateManager) -> None:
    with state.transaction():
        state.set(TOUR, "open", 1)
        state.set(TOUR, "done", 2)
    print(f"after the transaction: {state.get(TOUR, 'open')} open, {state.get(TOUR, 'done')} done")
    try:
        with state.transaction():
            state.increment(TOUR, "open", -1)
            state.increment(TOUR, "done")
            raise RuntimeError("the answer was wrong")
    except RuntimeError:
        print(f"after the one that failed: {state.get(TOUR, 'open')} open, {state.get(TOUR, 'done')} done")


def threads(state: StateManager) -> None:
    def count(name: str) -> None:
        with state.with_correlation(name):  # stands beside every change in the journal
            for _ in range(100):
                state.increment(TOUR, "visits")

    counters = [threading.Thread(target=count, args=(f"counter-{number}",)) for number in (1, 2)]
    state.delete(TOUR, "visits")
    before = state.version()
    for counter in counters:
        counter.start()
    for counter in counters:
        counter.join()
    print("keys:", state.list_keys(TOUR))
    print("visits by two threads:", state.get(TOUR, "visits"))
    saves = state.history(TOUR, "visits", since=before)
    assert {save.correlation_id for save in saves} == {"counter-1", "counter-2"}
    print(f"history of visits: {len(saves)} saves, the last one by counter-1 or counter-2")


def journal_and_expiry(state: StateManager) -> None:
    before = state.version()
    state.modify(TOUR, "plan", lambda plan: [step for step in plan if step != "ask"])
    print("plan before it was changed:", state.get(TOUR, "plan", at=before))
    print("now:", state.get(TOUR, "plan"))
    state.set(TOUR, "token", "secret", ttl=0.2, class_="ephemeral")  # in memory only, and not for long
    first = "yes" if state.exists(TOUR, "token") else "no"
    time.sleep(0.25)
    print(f"kept for a moment, then gone: {first}, {'yes' if state.exists(TOUR, 'token') else 'no'}")


async def jobs(state: StateManager) -> None:
    async with AsyncStateManager(state) as jobs:
        begin = await jobs.version()

        async def work(number: int) -> None:
            async with jobs.transaction():
                await jobs.set("jobs", f"mail/{number}", "sent")
                await jobs.increment("jobs", "total")

        async def watch() -> list[str]:
            seen: list[str] = []
            async for change in jobs.changes(since=begin, scope="jobs", prefix="mail/"):
                seen.append(change.key)
                if len(seen) == 3:
                    break
            return sorted(seen)

        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(watch())
            for number in range(3):
                tasks.create_task(work(number))
        seen = " ".join(watching.result())
        print(f"asyncio: {await jobs.get('jobs', 'total')} jobs done, the feed saw {seen}")


def main() -> None:
    folder = sys.argv[1] if len(sys.argv) > 1 else "llmspell_state"
    with StateManager.with_backend("lmdb", path=folder) as state:
        state.clear(TOUR)  # so that every run tells the same
        state.clear("jobs")
        values_and_versions(state)
        transactions(state)
        threads(state)
        journal_and_expiry(state)
        asyncio.run(jobs(state))


if __name__ == "__main__":
    main()
