"""Events: published and received in one script, beside a bare queue of encoded messages in Python."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path

import msgpack

from benchmarks.measure import Row, alternate, timed
from benchmarks.state import Bench

COUNT = 20_000
TARGET = 90_000
ROUND_LUA = """
local waiting = Event.subscribe("bench.*")
for i = 1, tonumber(args[1]) do
  Event.publish("bench.tick", {i = i, name = "x"})
  if Event.receive(waiting, 0).data.i ~= i then error("lost") end
end
"""
ROUND_JS = """
{ const waiting = Event.subscribe('bench.*')
for (let i = 1; i <= Number(args[0]); i++) {
  Event.publish('bench.tick', {i, name: 'x'})
  if (Event.receive(waiting, 0).data.i !== i) throw new Error('lost')
} }
"""
HANDLER_LUA = """
local seen = 0
Event.subscribe("bench.*", function(event) seen = seen + event.data.i end)
for i = 1, tonumber(args[1]) do Event.publish("bench.tick", {i = i, name = "x"}) end
"""
NOBODY_LUA = 'for i = 1, tonumber(args[1]) do Event.publish("bench.tick", {i = i, name = "x"}) end'
SAVES_LUA = """
local n, prefix = tonumber(args[1]), args[2]
State.transaction(function() for i = 1, n do State.save("bench", prefix .. i, i) end end)
"""


def rows(folder: Path, rounds: int) -> Iterator[Row]:
    """Every figure of the event bus."""
    bench = Bench(folder, "events")
    quiet = Bench(folder, "events-off", runtime__events__enabled=False)
    bare, lua, javascript, handler, nobody = alternate(
        [
            _bare,
            lambda: bench.run(ROUND_LUA, COUNT),
            lambda: bench.run(ROUND_JS, COUNT, language="javascript"),
            lambda: bench.run(HANDLER_LUA, COUNT),
            lambda: bench.run(NOBODY_LUA, COUNT),
        ],
        rounds,
    )
    target = f"≥ {TARGET:,}/s"
    yield Row("message packed, queued, taken and unpacked, in Python", bare)
    yield Row("event published and received, Lua", lua, bare, target, lua.median <= 1 / TARGET)
    yield Row("event published and received, JavaScript", javascript, bare, target, javascript.median <= 1 / TARGET)
    yield Row("event published and handled, Lua", handler, bare)
    yield Row("event published that nobody listens to, Lua", nobody, bare)
    off, on = alternate([lambda: quiet.run(SAVES_LUA, COUNT), lambda: bench.run(SAVES_LUA, COUNT)], rounds)
    yield Row("saves in one State.transaction, Lua, events off", off)
    row = Row("the same with events on, and nobody listening", on, off, "the same (≥ 0.99)")
    yield Row(row.name, row.times, row.baseline, row.target, (row.ratio or 0) >= 0.99)


def _bare() -> float:
    waiting: deque[bytes] = deque()

    def work() -> None:
        for i in range(COUNT):
            waiting.append(msgpack.packb({"i": i, "name": "x"}))
            if msgpack.unpackb(waiting.popleft())["i"] != i:
                raise AssertionError("lost")

    return timed(work, COUNT)
