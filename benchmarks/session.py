"""Sessions from Lua, in memory, and what a long one takes on disk."""

import random
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.measure import Row, alternate
from llmspell import Runtime, load_config
from llmspell.sessions.policies import Policies
from llmspell.sessions.sessions import Sessions
from llmspell.state.manager import StateManager
from llmspell.values import decode

MANY = 2000
TURNS, TURN_BYTES = 400, 2048
CREATE, CHECKPOINT = 50e-6, 200e-6
"""Seconds."""
SHARE = 1.5
"""Of the payload, on disk."""

CALLS = {
    "create": "local f, n = Session.create, args[1] for i = 1, n do f({{name = 'work'}}) end",
    "checkpoint": """
local id, save = Session.create{{name = 'work'}}, Session.save
for i = 1, 100 do State.save("session:" .. id, "k" .. i, i) end
for i = 1, args[1] do save(id) end""",
    "save": """
local id, save = Session.create{{}}, State.save
Session.set_current({current})
for i = 1, args[1] do save("global", "k", i) end""",
}
WORDS = (
    "the", "of", "and", "to", "in", "is", "you", "that", "it", "he", "was", "for", "on", "are", "as", "with", "his", "they", "be",
    "at", "one", "have", "this", "from", "or", "had", "by",
)  # fmt: skip


def per_call(script: str, **names: str) -> Callable[[], float]:
    """Seconds per call of a script that does `args[1]` of them: the difference between many and few."""
    source = ("local start = clock() " + script.format(**names)).replace("clock()", "os.clock()")
    overrides = {"runtime.sessions.enabled": True, "runtime.sessions.max_sessions": 10**9, "state.backend": "memory"}

    def run(count: int) -> float:
        with Runtime(load_config(environ={}, cwd="/", overrides=overrides)) as runtime:
            taken = runtime.run(f"{source} return os.clock() - start".encode(), name="bench.lua", args=[str(count)])
        return float(decode(taken))

    return lambda: (run(MANY) - run(10)) / (MANY - 10)


def share_on_disk(folder: Path, turn: Callable[[random.Random], str], *, is_current: bool) -> float:
    """How many times its payload a session of 400 turns of 2 KiB, with a checkpoint after each, takes on disk."""
    path = folder / f"session-{turn.__name__}-{is_current}"
    rng = random.Random(1)
    with StateManager.with_backend("disk", path=path) as state:
        sessions = Sessions(state, state, policies=Policies())
        work = sessions.create(name="chat")
        if is_current:
            sessions.set_current(work)
        for number in range(TURNS):
            state.set(f"session:{work}", f"turn:{number:04}", turn(rng))
            sessions.save(work)
        used = state.store.info()["bytes_used"]
        assert isinstance(used, int)
        return used / (TURNS * TURN_BYTES)


def text(rng: random.Random) -> str:
    """Words, which compress well."""
    return " ".join(rng.choice(WORDS) for _ in range(TURN_BYTES))[:TURN_BYTES]


def noise(rng: random.Random) -> str:
    """Letters that hardly compress."""
    return b64encode(rng.randbytes(TURN_BYTES * 3 // 4)).decode()


def rows(folder: Path, rounds: int) -> Iterator[Row]:
    """The lines of the table that are about sessions."""
    create, checkpoint, bare, current = alternate(
        [
            per_call(CALLS["create"]),
            per_call(CALLS["checkpoint"]),
            per_call(CALLS["save"], current="nil"),
            per_call(CALLS["save"], current="id"),
        ],
        rounds,
    )
    yield Row("Session.create from Lua, memory", create, target="≤ 50 µs", is_met=create.median <= CREATE)
    yield Row(
        "Session.save, a checkpoint, from Lua, memory",
        checkpoint,
        target="≤ 200 µs",
        is_met=checkpoint.median <= CHECKPOINT,
    )
    yield Row("State.save from Lua, memory, no session current", bare)
    yield Row("the same with a session current, its timeline written", current, bare, is_cost=True)
    for turn in (text, noise):
        for is_current in (False, True):
            share = share_on_disk(folder, turn, is_current=is_current)
            name = f"400 turns of 2 KiB ({turn.__name__}) with a checkpoint each{', session current' if is_current else ''}"
            yield Row(f"{name}: {share:.2f} times the payload on disk", None, target="≤ 1.5", is_met=share <= SHARE)
