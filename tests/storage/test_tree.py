"""Copies of a tree: free, and independent of each other."""

from random import Random
from time import perf_counter

from llmspell.storage.tree import Tree


def items(tree: Tree) -> list[tuple[bytes, int]]:
    return list(tree.items(b"", None, False))


def test_copies_never_see_each_others_changes() -> None:
    random = Random(1)
    family: list[tuple[Tree, dict[bytes, int]]] = [(Tree(), {})]
    for step in range(3000):
        tree, model = random.choice(family)
        if random.random() < 0.02 and len(family) < 12:
            family.append((tree.copy(), dict(model)))
        elif random.random() < 0.01:
            # Long runs make leaves split, and empty them.
            for number in range(700):
                key = b"%04d" % (number * 3 % 2000)
                if step % 2:
                    tree.put(key, step)
                    model[key] = step
                else:
                    assert tree.delete(key) is (model.pop(key, None) is not None)
        else:
            key = b"%04d" % random.randrange(2000)
            if random.random() < 0.6:
                tree.put(key, step)
                model[key] = step
            else:
                assert tree.delete(key) is (model.pop(key, None) is not None)
    assert len(family) > 5
    for tree, model in family:
        assert items(tree) == sorted(model.items())
        assert tree.size == len(model)


def test_emptied_tree_takes_keys_again() -> None:
    tree = Tree()
    keys = [b"%05d" % number for number in range(5000)]
    for order in (keys, keys[::-1], Random(2).sample(keys, len(keys))):
        for key in keys:
            tree.put(key, 1)
        for key in order:
            assert tree.delete(key)
        assert items(tree) == []
        assert tree.get(keys[0]) is None
    tree.put(b"x", 2)
    assert items(tree) == [(b"x", 2)]


def test_copying_costs_the_same_at_any_size() -> None:
    def time_of(tree: Tree) -> float:
        best = 1.0
        for _ in range(200):
            began = perf_counter()
            tree.copy()
            best = min(best, perf_counter() - began)
        return best

    small, large = Tree(), Tree()
    small.put(b"x", 1)
    for number in range(200_000):
        large.put(b"%06d" % number, number)
    assert time_of(large) < max(10 * time_of(small), 50e-6)
