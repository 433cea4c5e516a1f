"""Every store against a dict: random operations, and after each the same answers."""

from contextlib import AbstractContextManager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from llmspell.storage.check import check
from llmspell.storage.format import FORMAT, FORMAT_KEY
from llmspell.storage.store import BACK_ENDS_OWN, MAX_KEY_BYTES, ReadTransaction, Store, WriteTransaction
from tests.storage.conftest import open_kind

KEYS = st.one_of(
    st.sampled_from([b"a", b"a\0", b"a\0b", b"ab", b"b", b"\0", b"\xfe", b"\xfe" * MAX_KEY_BYTES]),
    st.binary(min_size=1, max_size=3).filter(lambda key: key < BACK_ENDS_OWN),
    st.builds(lambda stem, size: stem * size, st.sampled_from([b"a", b"z"]), st.integers(1, MAX_KEY_BYTES)),
)
VALUES = st.one_of(st.binary(max_size=8), st.builds(bytes, st.sampled_from([100, 2000, 2100, 5000, 7000, 40_000])))
Model = dict[bytes, bytes]


class Undo(Exception):
    pass


class StoreMachine(RuleBasedStateMachine):
    """One writer, with savepoints, and readers beside it. `models[-1]` is what the innermost part has made of the store."""

    kind: str

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp())
        self.store: Store = open_kind(self.kind, self.folder / "store")
        self.committed: Model = {FORMAT_KEY: FORMAT}
        self.models: list[Model] = []
        self.blocks: list[AbstractContextManager[object]] = []
        self.txn: WriteTransaction | None = None
        self.snapshots: list[tuple[AbstractContextManager[ReadTransaction], ReadTransaction, Model]] = []

    @rule()
    @precondition(lambda self: self.txn is None)
    def begin(self) -> None:
        block = self.store.write(timeout=5)
        self.txn = block.__enter__()
        self.blocks.append(block)
        self.models.append(dict(self.committed))

    @rule()
    @precondition(lambda self: 0 < len(self.blocks) < 5)
    def begin_part(self) -> None:
        assert self.txn is not None
        block = self.txn.savepoint()
        block.__enter__()
        self.blocks.append(block)
        self.models.append(dict(self.models[-1]))

    @rule(keep=st.booleans())
    @precondition(lambda self: self.blocks)
    def end(self, keep: bool) -> None:
        model = self.models.pop()
        block = self.blocks.pop()
        if keep:
            block.__exit__(None, None, None)
        else:
            block.__exit__(Undo, Undo(), None)
        if not self.blocks:
            self.txn = None
            if keep:
                self.committed = model
        elif keep:
            self.models[-1] = model

    @rule(key=KEYS, value=VALUES)
    @precondition(lambda self: self.txn)
    def put(self, key: bytes, value: bytes) -> None:
        assert self.txn is not None
        self.txn.put(key, value)
        self.models[-1][key] = value

    @rule(key=KEYS)
    @precondition(lambda self: self.txn)
    def delete(self, key: bytes) -> None:
        assert self.txn is not None
        assert self.txn.delete(key) is (self.models[-1].pop(key, None) is not None)

    @rule(data=st.data())
    @precondition(lambda self: self.txn and self.models[-1])
    def delete_existing(self, data: st.DataObject) -> None:
        self.delete(data.draw(st.sampled_from(sorted(self.models[-1].keys() - {FORMAT_KEY} or {b"a"}))))

    @rule(prefix=st.sampled_from([b"a", b"k", b"z"]), count=st.integers(1, 700), size=st.sampled_from([0, 50]))
    @precondition(lambda self: self.txn)
    def put_many(self, prefix: bytes, count: int, size: int) -> None:
        for number in range(count):
            self.put(b"%s%03d" % (prefix, number * 7 % 1000), bytes(size))

    @rule(prefix=st.sampled_from([b"a", b"k", b"z"]), step=st.integers(1, 3))
    @precondition(lambda self: self.txn)
    def delete_many(self, prefix: bytes, step: int) -> None:
        for key in sorted(key for key in self.models[-1] if key.startswith(prefix))[::step]:
            self.delete(key)

    @rule(start=KEYS | st.just(b""), end=st.none() | KEYS, reverse=st.booleans(), key=KEYS)
    def read_writer(self, start: bytes, end: bytes | None, reverse: bool, key: bytes) -> None:
        if self.txn is not None:
            compare(self.txn, self.models[-1], start, end, reverse, key)

    @rule(start=KEYS | st.just(b""), end=st.none() | KEYS, reverse=st.booleans(), key=KEYS)
    def read_snapshots(self, start: bytes, end: bytes | None, reverse: bool, key: bytes) -> None:
        for _, txn, model in self.snapshots:
            compare(txn, model, start, end, reverse, key)
        assert self.store.get(key) == self.committed.get(key)

    @rule()
    @precondition(lambda self: len(self.snapshots) < 3)
    def begin_reading(self) -> None:
        block = self.store.read()
        self.snapshots.append((block, block.__enter__(), dict(self.committed)))

    @rule(index=st.integers(0, 2))
    @precondition(lambda self: self.snapshots)
    def end_reading(self, index: int) -> None:
        block, txn, model = self.snapshots.pop(index % len(self.snapshots))
        compare(txn, model, b"", None, False, b"a")
        block.__exit__(None, None, None)

    @rule()
    @precondition(lambda self: self.txn is None)
    def sync(self) -> None:
        self.store.sync()

    @rule()
    @precondition(lambda self: self.txn is None and not self.snapshots and self.kind.endswith("lmdb"))
    def reopen(self) -> None:
        self.store.close()
        self.store = open_kind(self.kind, self.folder / "store")

    def teardown(self) -> None:
        for block, _, _ in self.snapshots:
            block.__exit__(None, None, None)
        while self.blocks:
            self.end(keep=True)
        with self.store:
            with self.store.read() as txn:
                compare(txn, self.committed, b"", None, True, b"a")
            assert check(self.store).problems == []
        rmtree(self.folder)


def compare(txn: ReadTransaction, model: Model, start: bytes, end: bytes | None, reverse: bool, key: bytes) -> None:
    expected = sorted(
        (pair for pair in model.items() if start <= pair[0] and (end is None or pair[0] < end)), reverse=reverse
    )
    assert list(txn.scan(start, end, reverse=reverse)) == expected
    assert list(txn.scan_keys(start, end, reverse=reverse)) == [key for key, _ in expected]
    assert txn.get(key) == model.get(key)


def test_store_answers_as_a_dict_would(kind: str) -> None:
    machine = type("Machine", (StoreMachine,), {"kind": kind})
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
