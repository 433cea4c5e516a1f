"""`Batch`: the commits of the state, many in one span: a span for each would cost more than the commit."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmspell.state.entry import Commit

MAX_COMMITS = 1000
MAX_MICROS = 1_000_000
OPERATIONS = ("", "saves", "deletes", "expiries")


class Batch:
    """Commits of one correlation, one after the other, within a second."""

    def __init__(self, commit: "Commit") -> None:
        self.correlation_id = commit.correlation_id
        self.begin = self.end = commit.at
        self.first_version = self.last_version = commit.version
        self.commits = 0
        self.operations = [0, 0, 0, 0]
        self.add(commit)

    def takes(self, commit: "Commit") -> bool:
        """Whether a commit belongs to it."""
        return (
            commit.correlation_id == self.correlation_id
            and self.commits < MAX_COMMITS
            and 0 <= commit.at - self.begin < MAX_MICROS
        )

    def add(self, commit: "Commit") -> None:
        self.commits += 1
        self.end = max(self.end, commit.at)
        self.last_version = commit.version
        for operation in commit.operations.values():
            self.operations[operation] += 1

    def attributes(self) -> dict[str, int]:
        """What the span tells: never scopes, keys or values."""
        counts = {f"llmspell.state.{OPERATIONS[code]}": count for code, count in enumerate(self.operations) if count}
        return {
            "llmspell.state.commits": self.commits,
            "llmspell.state.first_version": self.first_version,
            "llmspell.state.last_version": self.last_version,
            **counts,
        }
