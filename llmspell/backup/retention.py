"""Retention: which backups stay. Decides, and removes nothing."""

from collections.abc import Callable, Iterable
from time import gmtime

from llmspell.backup.manifest import Manifest

DAY = 86_400_000_000
_SECOND = 1_000_000

Bucket = Callable[[int], tuple[int, ...]]


class Policy:
    """When backups may go and what keeps them. 0 switches a rule off; days are days of 24 hours."""

    __slots__ = (
        "keep_daily", "keep_hourly", "keep_monthly", "keep_weekly", "max_backups", "min_backups", "retention_days",
    )  # fmt: skip

    def __init__(
        self, *, max_backups: int = 0, retention_days: float = 30, min_backups: int = 1, keep_hourly: int = 0,
        keep_daily: int = 0, keep_weekly: int = 0, keep_monthly: int = 0,
    ) -> None:  # fmt: skip
        self.max_backups = max_backups
        self.retention_days = retention_days
        self.min_backups = min_backups
        self.keep_hourly = keep_hourly
        self.keep_daily = keep_daily
        self.keep_weekly = keep_weekly
        self.keep_monthly = keep_monthly

    def rules(self) -> list[tuple[str, int, Bucket]]:
        """Each keep rule: of how many of its times the newest backup stays."""
        return [
            ("hourly", self.keep_hourly, lambda at: gmtime(at // _SECOND)[:4]),
            ("daily", self.keep_daily, lambda at: gmtime(at // _SECOND)[:3]),
            ("weekly", self.keep_weekly, lambda at: ((at // DAY + 3) // 7,)),
            ("monthly", self.keep_monthly, lambda at: gmtime(at // _SECOND)[:2]),
        ]


class Decision:
    """Whether one backup stays, and why, as a phrase."""

    __slots__ = ("keep", "manifest", "reason")

    def __init__(self, manifest: Manifest, *, keep: bool, reason: str) -> None:
        self.manifest = manifest
        self.keep = keep
        self.reason = reason


def decide(
    backups: list[Manifest], policy: Policy, now: int, is_valid: Callable[[Manifest], bool], hidden: list[Manifest]
) -> list[Decision]:
    """What happens to each backup; `backups` and the result are newest first.

    `max_backups` and age mark backups; keep rules, `min_backups`, and being built on by one that stays protect them, and so
    does being the newest valid one: `is_valid` is asked only while no valid one stays. `hidden` are backups that are none of
    these, and stay: only their copies can be read.
    """
    why_gone = _marked(backups, policy, now)
    kept = {each.id: "within the limits" for each in backups if each.id not in why_gone}
    for index, each in enumerate(backups[: policy.min_backups]):
        kept.setdefault(each.id, f"number {index + 1} of the newest {policy.min_backups} (min_backups)")
    for name, count, bucket in policy.rules():
        for each in _newest_of_each(backups, count, bucket):
            kept.setdefault(each.id, f"{name} backup (keep_{name})")
    for each in hidden:
        for needed in (each.parent, *each.sources):
            if needed in why_gone:
                kept.setdefault(needed, f"{each.id} builds on it")
    _keep_chains(backups, kept)
    # Before anything goes, one that stays must be known to be sound; else the newest sound one stays too.
    if len(kept) < len(backups) and not any(is_valid(each) for each in backups if each.id in kept):
        last = next((each for each in backups if each.id not in kept and is_valid(each)), None)
        if last is not None:
            kept[last.id] = "the last valid backup"
            _keep_chains(backups, kept)
    return [Decision(each, keep=each.id in kept, reason=kept.get(each.id) or why_gone[each.id]) for each in backups]


def _marked(backups: list[Manifest], policy: Policy, now: int) -> dict[str, str]:
    """Why a backup may go, by its id."""
    marked = {}
    for index, each in enumerate(backups):
        if policy.retention_days and now - each.created_at > policy.retention_days * DAY:
            marked[each.id] = f"older than {policy.retention_days:g} days (retention_days)"
        elif policy.max_backups and index >= policy.max_backups:
            marked[each.id] = f"beyond the newest {policy.max_backups} (max_backups)"
    return marked


def _newest_of_each(backups: list[Manifest], count: int, bucket: Bucket) -> Iterable[Manifest]:
    seen: set[tuple[int, ...]] = set()
    for each in backups:
        if len(seen) == count:
            return
        time = bucket(each.created_at)
        if time not in seen:
            seen.add(time)
            yield each


def _keep_chains(backups: list[Manifest], kept: dict[str, str]) -> None:
    by_id = {each.id: each for each in backups}
    waiting = list(kept)
    while waiting:
        each = by_id[waiting.pop()]
        for needed in (each.parent, *each.sources):
            if needed in by_id and needed not in kept:
                kept[needed] = f"{each.id} builds on it"
                waiting.append(needed)
