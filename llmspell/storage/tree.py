"""`Tree`: an ordered map from bytes whose copies cost nothing.

Two levels: a root with the lower bound of every leaf, and leaves of up to 128 keys, or 512 once there are many. Whatever
two trees share is copied by the one that changes it, a leaf at a time, so a copy is a snapshot: transactions, savepoints
and readers are each one copy, and going back means dropping it. Single operations cost a few µs at any size.
"""

from bisect import bisect_left, bisect_right

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_SMALL_LEAF = 128
_MAX_LEAF = 512
_MANY_LEAVES = 1024
"""From here on leaves may grow to the larger size: the root is copied as well, and must not outweigh the leaves."""
_MERGED_LEAF = 96
"""Two neighbours that fit into this are made one, so leaves do not stay thin after many deletions."""
_THIN_LEAF = 16


class _Leaf:
    """Sorted keys and their values. Changed only by the tree that holds `owner`."""

    __slots__ = ("keys", "owner", "values")

    def __init__(self, keys: list[bytes], values: "list[Any]", owner: object) -> None:
        self.keys = keys
        self.values = values
        self.owner = owner


class Tree:
    """Ordered bytes to anything. Threads may read one tree at once as long as nobody changes it."""

    __slots__ = ("_bounds", "_leaves", "_owner", "_owns_root", "size")

    def __init__(self) -> None:
        self._owner = object()
        self._owns_root = True
        self._bounds = [b""]
        self._leaves = [_Leaf([], [], self._owner)]
        self.size = 0

    def copy(self) -> "Tree":
        """Another tree with the same content; from now on neither sees the changes of the other."""
        twin = Tree.__new__(Tree)
        twin._owner = object()
        twin._owns_root = False
        twin._bounds = self._bounds
        twin._leaves = self._leaves
        twin.size = self.size
        self._owner = object()
        self._owns_root = False
        return twin

    def get(self, key: bytes, default: "Any" = None) -> "Any":
        leaf = self._leaves[bisect_right(self._bounds, key) - 1]
        keys = leaf.keys
        place = bisect_left(keys, key)
        if place < len(keys) and keys[place] == key:
            return leaf.values[place]
        return default

    def put(self, key: bytes, value: "Any") -> None:
        index = bisect_right(self._bounds, key) - 1
        leaf = self._leaves[index]
        if leaf.owner is not self._owner:
            leaf = self._own(index)
        keys = leaf.keys
        place = bisect_left(keys, key)
        if place < len(keys) and keys[place] == key:
            leaf.values[place] = value
            return
        keys.insert(place, key)
        leaf.values.insert(place, value)
        self.size += 1
        if len(keys) > _SMALL_LEAF and (len(keys) > _MAX_LEAF or len(self._leaves) < _MANY_LEAVES):
            self._split(index, leaf)

    def delete(self, key: bytes) -> bool:
        """Remove `key`; whether it was there."""
        index = bisect_right(self._bounds, key) - 1
        leaf = self._leaves[index]
        place = bisect_left(leaf.keys, key)
        if place == len(leaf.keys) or leaf.keys[place] != key:
            return False
        if leaf.owner is not self._owner:
            leaf = self._own(index)
        del leaf.keys[place]
        del leaf.values[place]
        self.size -= 1
        if index and len(leaf.keys) < _THIN_LEAF:
            self._merge(index)
        return True

    def items(self, start: bytes, end: bytes | None, reverse: bool) -> "Iterator[tuple[bytes, Any]]":
        """The pairs with `start <= key < end`. The tree must not be changed while it is read."""
        for leaf, low, high in self._slices(start, end, reverse):
            if reverse:
                yield from zip(leaf.keys[low:high][::-1], leaf.values[low:high][::-1], strict=True)
            else:
                yield from zip(leaf.keys[low:high], leaf.values[low:high], strict=True)

    def keys(self, start: bytes, end: bytes | None, reverse: bool) -> "Iterator[bytes]":
        """The keys of `items`."""
        for leaf, low, high in self._slices(start, end, reverse):
            yield from leaf.keys[low:high][::-1] if reverse else leaf.keys[low:high]

    def _slices(self, start: bytes, end: bytes | None, reverse: bool) -> "Iterator[tuple[_Leaf, int, int]]":
        leaves = self._leaves
        if end is not None and end <= start:
            return
        first = bisect_right(self._bounds, start) - 1
        last = len(leaves) - 1 if end is None else bisect_left(self._bounds, end, 1) - 1
        for index in range(last, first - 1, -1) if reverse else range(first, last + 1):
            leaf = leaves[index]
            low = bisect_left(leaf.keys, start) if index == first else 0
            high = len(leaf.keys) if end is None or index < last else bisect_left(leaf.keys, end)
            yield leaf, low, high

    def _own(self, index: int) -> _Leaf:
        """A leaf that this tree may change, in the place of one that it shares."""
        if not self._owns_root:
            self._bounds = self._bounds.copy()
            self._leaves = self._leaves.copy()
            self._owns_root = True
        shared = self._leaves[index]
        leaf = self._leaves[index] = _Leaf(shared.keys.copy(), shared.values.copy(), self._owner)
        return leaf

    def _split(self, index: int, leaf: _Leaf) -> None:
        # Keys that arrive in order fill the last leaf to its end, so it is not cut in half.
        size = len(leaf.keys)
        middle = size - 1 if index == len(self._leaves) - 1 else size // 2
        right = _Leaf(leaf.keys[middle:], leaf.values[middle:], self._owner)
        del leaf.keys[middle:]
        del leaf.values[middle:]
        self._bounds.insert(index + 1, right.keys[0])
        self._leaves.insert(index + 1, right)

    def _merge(self, index: int) -> None:
        """Put a thin leaf into its left neighbour, when that has room. An empty leaf always goes."""
        right = self._leaves[index]
        if right.keys and len(self._leaves[index - 1].keys) + len(right.keys) > _MERGED_LEAF:
            return
        left = self._own(index - 1)
        left.keys.extend(right.keys)
        left.values.extend(right.values)
        del self._leaves[index]
        del self._bounds[index]
