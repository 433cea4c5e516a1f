"""Globals made up to use every kind of type, for the tests of what is generated from declarations."""

from llmspell.surface.model import (
    Anything,
    Callback,
    Choice,
    Global,
    Handle,
    LastingCallback,
    Moment,
    Native,
    Payload,
    Record,
)


class Priority(Choice):
    """How soon."""

    values = ("high", "low")


LOW = Priority("low")


class Author(Record):
    """Who wrote it."""

    name: str
    email: str | None = None


class Note(Record):
    """A note with what it holds."""

    id: int
    body: Payload
    priority: Priority
    authors: list[Author]
    from_: str
    weight: float = 1.0
    digest: bytes
    labels: dict[str, str]
    remark: Anything


class Sheet(Record):
    """A note for itself. `T` is what the note holds."""

    text: Payload
    at: str


class Page(Record):
    """Some sheets."""

    sheets: list[Sheet]
    next: str | None


class Nib(Handle):
    """What a pen writes with."""

    def width(self) -> float:
        """In millimetres."""


class Pen(Handle):
    """Something to sign with."""

    def owner(self) -> str | None:
        """Whose it is."""

    def set_ink(self, colour: str, shades: dict[str, Anything] | None = None, *, as_default: bool = False) -> None:
        """Fill it."""

    def nibs(self) -> list[Nib]:
        """What it writes with."""


class Notes(Global):
    """Durable notes.

    A second paragraph, with a glob that must not end a comment: `notes/**/*`.
    """

    name = "Notes"
    natives = (
        Native("empty", "The note that holds nothing.", luacats="llmspell.Note", typescript="Note"),
        Native("mark", "Only Lua has it.", luacats="fun(t: table): table"),
    )

    def save(
        self,
        scope: str,
        key: str,
        value: Payload,
        *,
        ttl: float | None = None,
        if_version: int | None = None,
        priority: Priority = LOW,
    ) -> None:
        """Keep `value` until it is replaced.

        Durable when the call has returned.
        """

    def load(self, scope: str, key: str, *, default: Payload | None = None, at: Moment | None = None) -> Payload:
        """The value, or `default`."""

    def get_note(self, id: int) -> Note | None:
        """A note by its number."""

    def sheet(self, id: int) -> Sheet:
        """One sheet."""

    def pages(self, after: str | None = None, limit: int = 100) -> list[Page]:
        """Pages in order, from after `after`."""

    def list_keys(self, scope: str, *, prefix: str = "", after_key: str = "", limit: int = 1000) -> list[str]:
        """Keys in byte order."""

    def update(self, key: str, fn: Callback) -> Payload:
        """Replace the value by what `fn` makes of it."""

    def watch(self, pattern: str, handler: LastingCallback | None = None, *, tags: list[str] = ["all"]) -> str:  # noqa: B006
        """Hear of changes."""

    def create(
        self, name: str, metadata: dict[str, Anything], *, owner: str, due_at: Moment, extra: Anything = None
    ) -> int:
        """A new note; `owner` and `due_at` must be given."""

    def import_(self, function: str | None, data: bytes, parts: list[Payload]) -> bool:
        """Names that are reserved in a language are fine: `import`, `function`."""

    def delete(self, key: str) -> list[str | None]:
        """Remove it."""

    def sign(self, key: str, pen: Pen | None = None, how: Priority | Pen = LOW) -> Pen:
        """Sign with a pen."""

    def find_pen(self, name: str | Pen) -> Pen | None:
        """A pen by its name."""


class Shredder(Global):
    """A part of Notes that a configuration switches on."""

    name = "Notes"
    requires_setting = "[notes] shredder"

    def shred(self, *, dry_run: bool = False, weights: dict[str, float] | None = None) -> dict[str, int]:
        """Destroy everything."""


class Kinds(Global):
    """The kinds of notes there are."""

    name = "Notes.kinds"

    @property
    def most_common(self) -> str:
        """The one that most notes have."""
        return "plain"

    @property
    def pen(self) -> Pen:
        """The pen of the house."""
        return Pen()

    def list_all(self, *, limit: int = 10) -> list[str]:
        """All of them."""


class LuaOnly(Global):
    """A global that JavaScript has by itself."""

    name = "JSON"
    languages = ("lua",)

    def stringify(self, value: Payload, *, indent: int = 0) -> str:
        """JSON text."""


class Bare(Global):
    """Functions beside the globals."""

    name = "Functions"
    is_bare = True
    natives = (
        Native(
            "print",
            "Write to standard output.",
            luacats="fun(...: any)",
            typescript="(...values: unknown[]) => void",
        ),
        Native("args", "The script's arguments.", luacats="string[]", typescript="readonly string[]"),
    )

    def sleep_for(self, seconds: float, options: dict[str, Anything] | None = None) -> None:
        """Wait."""


ALL = (Notes, Kinds, LuaOnly, Shredder, Bare)
