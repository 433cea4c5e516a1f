"""Figures about the state: counts of every operation, times of one in 64."""

from time import monotonic

SAMPLED = 63
"""An operation is timed when its running number has none of these bits."""
_BUCKETS = 512


class Metrics:
    """Counts and latencies since it was made.

    Threads may lose a count to each other; nothing else depends on these figures.
    """

    __slots__ = ("_buckets", "_samples", "_started", "_total_ns", "deletes", "misses", "reads", "writes")

    def __init__(self) -> None:
        self.reads = 0
        self.writes = 0
        self.deletes = 0
        self.misses = 0
        self._buckets = [0] * _BUCKETS
        self._samples = 0
        self._total_ns = 0
        self._started = monotonic()

    def record(self, nanoseconds: int) -> None:
        """Add one measured operation."""
        # Eight buckets per power of two: a percentile is off by an eighth at most.
        shift = max(0, nanoseconds.bit_length() - 4)
        self._buckets[shift * 8 + (nanoseconds >> shift)] += 1
        self._samples += 1
        self._total_ns += nanoseconds

    def snapshot(self) -> dict[str, int | float]:
        """Counts, operations per second, mean and 99th percentile in µs, and the share of reads that found a value."""
        operations = self.reads + self.writes + self.deletes
        elapsed = monotonic() - self._started
        return {
            "reads": self.reads,
            "writes": self.writes,
            "deletes": self.deletes,
            "ops_per_second": round(operations / elapsed, 1) if elapsed > 0 else 0.0,
            "avg_latency_us": round(self._total_ns / self._samples / 1000, 3) if self._samples else 0.0,
            "p99_latency_us": round(self._percentile(0.99) / 1000, 3),
            "cache_hit_rate": round((self.reads - self.misses) / self.reads, 4) if self.reads else 0.0,
        }

    def _percentile(self, share: float) -> int:
        """The upper edge, in ns, of the bucket that holds this share of the samples; 0 without samples."""
        left = self._samples * share
        for index, count in enumerate(self._buckets):
            left -= count
            if count and left <= 0:
                shift = max(0, index // 8 - 1)
                return (index - shift * 8 + 1) << shift
        return 0
