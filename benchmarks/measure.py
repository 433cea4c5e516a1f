"""Times and their summary. Two sides are measured in turn, round by round, so that a drift of the machine hits both."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Times:
    """Seconds per operation, one figure a round (or one an operation, where that is what was timed)."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def percentile(self, share: float) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def alternate(sides: Sequence[Callable[[], float]], rounds: int) -> list[Times]:
    """Run every side once a round, after one round that does not count. A side returns its seconds per operation."""
    for side in sides:
        side()
    taken: list[list[float]] = [[] for _ in sides]
    for _ in range(rounds):
        for index, side in enumerate(sides):
            taken[index].append(side())
    return [Times(tuple(one)) for one in taken]


def timed(action: Callable[[], object], operations: float = 1) -> float:
    """Seconds per operation of an action that does so many."""
    started = time.perf_counter()
    action()
    return (time.perf_counter() - started) / operations


@dataclass(frozen=True)
class Row:
    """One line of the table: a figure, what it is measured against, and what was promised of it.

    `ratio` is the median of the baseline's time over this one's, pair by pair (above 1 is faster than the baseline), or
    the reverse where `is_cost` (how many times the baseline's time it takes). Without `times` the name says what there is
    to say: another figure, or why it could not be measured.
    """

    name: str
    times: Times | None
    baseline: Times | None = None
    target: str = ""
    is_met: bool | None = None
    unit: str = "µs"
    is_cost: bool = False

    @property
    def ratio(self) -> float | None:
        if self.baseline is None or self.times is None:
            return None
        pairs = zip(self.times.seconds, self.baseline.seconds, strict=True)
        return statistics.median(mine / bare if self.is_cost else bare / mine for mine, bare in pairs)


SCALES = {"ms": 1e3, "µs": 1e6, "ns": 1e9}


def render(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| what | median | P90 | P99 | per second | ratio | target | met |", "|---|---|---|---|---|---|---|---|"]
    for row in rows:
        met = {True: "yes", False: "**no**", None: ""}[row.is_met]
        if row.times is None:
            lines.append(f"| {row.name} | | | | | | {row.target} | {met} |")
            continue
        scale = SCALES[row.unit]
        figures = [row.times.median, row.times.percentile(0.9), row.times.percentile(0.99)]
        cells = [f"{figure * scale:.2f} {row.unit}" for figure in figures]
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        cells = [row.name, *cells, f"{1 / row.times.median:,.0f}", ratio, row.target, met]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
