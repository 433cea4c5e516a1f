"""What must happen around `os.fork`: neither an open environment nor a lock that some thread holds survives it."""

from os import register_at_fork

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Watched(Protocol):
        """Something that has to be put into order before the process forks, and again in the child."""

        def before_fork(self) -> None:
            """Become safe to inherit, where that is possible now. Must not raise."""

        def after_fork(self) -> None:
            """Called in the child, which has one thread. Must not raise."""


count = 0
"""How many forks lie between the first process and this one. A lock made under another count is void."""

_watched: "list[Watched]" = []


def watch(thing: "Watched") -> None:
    """From now on tell `thing` about forks; what is watched later is told first."""
    _watched.append(thing)


def unwatch(thing: "Watched") -> None:
    """The opposite of `watch`; harmless when it is not watched."""
    if thing in _watched:
        _watched.remove(thing)


def _before() -> None:
    for thing in reversed(list(_watched)):
        thing.before_fork()


def _after_in_child() -> None:
    global count
    count += 1
    for thing in _watched:
        thing.after_fork()


register_at_fork(before=_before, after_in_child=_after_in_child)
