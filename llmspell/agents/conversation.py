"""Conversations: messages in their order, of which only those are read that somebody looks at."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import overload

from llmspell.agents.document import describe
from llmspell.agents.message import Message
from llmspell.errors import SchemaError

PAGE = 128
Reader = Callable[[int, int], list[Message]]
"""Reads the stored messages from one number up to, but without, another."""


class Conversation(Sequence[Message]):
    """The messages of an agent, oldest first: a sequence that grows at its end and can be shortened at its beginning.

    One that was loaded knows its length and reads messages from the store when they are looked at: `history[-20:]`
    costs 20 of them, a loop goes page by page. A message that another writer has dropped meanwhile is NotFound.

    >>> talk = Conversation([Message("user", "Hi"), Message("assistant", "Hello")])
    >>> talk.append(Message("user", "Bye"))
    >>> talk.drop_oldest(1)
    >>> [message.content for message in talk], talk[-1].role
    (['Hello', 'Bye'], 'user')
    """

    def __init__(self, messages: Iterable[Message] = ()) -> None:
        self.first = self.after = 1
        """The numbers of the oldest stored message, and of the one after the newest."""
        self.added: list[Message] = []
        """What has not been saved yet."""
        self._read: Reader | None = None
        self.extend(messages)

    def append(self, message: Message) -> None:
        """Add a message at the end. Costs the same in a conversation of any length, also when it is saved."""
        if not isinstance(message, Message):
            raise SchemaError(f"a conversation holds messages, not {describe(message)}")
        self.added.append(message)

    def extend(self, messages: Iterable[Message]) -> None:
        """Add messages at the end."""
        for message in messages:
            self.append(message)

    def drop_oldest(self, count: int) -> None:
        """Forget the oldest messages, or all when there are fewer."""
        stored = min(max(count, 0), self.after - self.first)
        self.first += stored
        del self.added[: max(count - stored, 0)]

    def clear(self) -> None:
        """Forget all messages."""
        self.drop_oldest(len(self))

    def bind(self, first: int, after: int, read: Reader) -> None:
        """Be what is stored under the numbers from `first` up to `after`, with nothing added."""
        self.first, self.after, self._read = first, after, read
        self.added = []

    def __len__(self) -> int:
        return self.after - self.first + len(self.added)

    @overload
    def __getitem__(self, index: int) -> Message: ...
    @overload
    def __getitem__(self, index: slice) -> list[Message]: ...
    def __getitem__(self, index: int | slice) -> Message | list[Message]:
        if isinstance(index, slice):
            places = range(len(self))[index]
            if len(places) == 0:
                return []
            lowest, highest = min(places[0], places[-1]), max(places[0], places[-1])
            return self._load(lowest, highest + 1)[:: abs(places.step)][:: 1 if places.step > 0 else -1]
        return self._load(range(len(self))[index], range(len(self))[index] + 1)[0]

    def __iter__(self) -> Iterator[Message]:
        place = 0
        while place < len(self):
            page = self[place : place + PAGE]
            yield from page
            place += len(page)

    def __reversed__(self) -> Iterator[Message]:
        place = len(self)
        while place > 0:
            yield from reversed(self[max(place - PAGE, 0) : place])
            place -= PAGE

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Conversation):
            return NotImplemented
        return len(self) == len(other) and all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Conversation of {len(self)} messages>"

    def _load(self, start: int, stop: int) -> list[Message]:
        """The messages at the places from `start` up to `stop`."""
        stored = self.after - self.first
        found = self.added[max(start - stored, 0) : max(stop - stored, 0)]
        if start < stored and self._read is not None:
            found = self._read(self.first + start, self.first + min(stop, stored)) + found
        return found
