"""How a service tells what has happened, without knowing who listens: events, hooks, or nobody."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    class Announce(Protocol):
        """Tells what has happened, after its commit; never raises.

        `event` is the type of the event (`session.created`), `data` what it carries: plain values, nothing sensitive.
        `point` is the hook point that it is as well (`SessionStart`), or "".
        """

        def __call__(self, event: str, data: dict[str, Any], *, point: str = "") -> None: ...


def silent(event: str, data: "dict[str, Any]", *, point: str = "") -> None:
    """Tells nobody."""
