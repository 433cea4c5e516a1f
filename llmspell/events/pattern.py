"""Patterns on event types."""


class Pattern:
    """`*` stands for one or more characters at any place; everything else for itself. Matched in linear time."""

    __slots__ = ("_head", "_middle", "_tail", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        head, *rest = text.split("*")
        self._head = head
        self._tail = rest.pop() if rest else None
        self._middle = rest

    def matches(self, type: str) -> bool:
        """Whether an event of this type is meant."""
        if self._tail is None:
            return type == self._head
        if not type.startswith(self._head):
            return False
        # The first place where each part fits leaves the most to the parts behind it.
        end = len(self._head)
        for part in self._middle:
            start = type.find(part, end + 1)
            if start < 0:
                return False
            end = start + len(part)
        return len(type) - len(self._tail) > end and type.endswith(self._tail)
