from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
import qdrant_http as http
from numpy.typing import NDArray

from indexer.chunk import Hit, chunk_id
from indexer.errors import StoreError
from indexer.vectors.common import payload_name
from indexer.vectors.contract import Point, VectorStore
from indexer.vectors.edge import EdgeStore
from indexer.vectors.server import ServerStore

D = 16
pytestmark = [
    pytest.mark.disk,
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant"),
]


def _unit(seed: int, d: int = D) -> NDArray[np.float32]:
    vector = np.random.default_rng(seed).normal(size=d)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def _point(seed: int, document: str = "a.txt", sparse: Mapping[int, float] | None = None) -> Point:
    weights = {seed % 5: 1.0, 1000 + seed: 0.5} if sparse is None else sparse
    return Point(chunk_id(document, seed, str(seed)), document, _unit(seed), weights)


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[VectorStore]:
    store = EdgeStore.open(tmp_path / "vectors", D)
    yield store
    store.close()


@pytest.fixture
def memory() -> Iterator[VectorStore]:
    store = ServerStore(http.memory_engine(), "chunks", D)
    yield store
    store.close()


@pytest.fixture
def over_http() -> Iterator[VectorStore]:
    with http.serving(http.application(http.memory_engine())) as url:
        store = ServerStore.connect(url, "chunks", D)
        yield store
        store.close()


@pytest.fixture
def server() -> Iterator[VectorStore]:
    url = os.environ.get("SECONDLOOK_TEST_QDRANT_URL")
    if not url:
        pytest.skip("SECONDLOOK_TEST_QDRANT_URL is not set")
    name = f"secondlook-test-{uuid4()}"
    store = ServerStore.connect(url, name, D)
    yield store
    store._client.delete_collection(name)
    store.close()


@pytest.fixture(params=["edge", "memory", "over_http", pytest.param("server", marks=pytest.mark.server)])
def store(request: pytest.FixtureRequest) -> VectorStore:
    made: VectorStore = request.getfixturevalue(request.param)
    return made


def _ids(hits: list[Hit]) -> list[str]:
    return [hit.chunk_id for hit in hits]


def test_it_is_a_vector_store_and_says_what_it_is(store: VectorStore) -> None:
    assert isinstance(store, VectorStore)
    assert "qdrant" in store.description.lower()
    assert "\n" not in store.description


def test_an_empty_store_finds_nothing(store: VectorStore) -> None:
    assert store.count() == 0
    assert list(store.ids()) == []
    assert store.dense(_unit(0), 10) == []
    assert store.sparse({1: 1.0}, 10) == []
    assert store.vectors([chunk_id("a", 0, "")]) == {}


def test_dense_search_ranks_by_cosine(store: VectorStore) -> None:
    points = [_point(seed) for seed in range(300)]
    store.upsert(points)
    query = _unit(1000)
    hits = store.dense(query * 3, 20)
    cosines = {point.id: float(point.dense @ query) for point in points}
    assert _ids(hits) == sorted(cosines, key=lambda chunk: -cosines[chunk])[:20]
    assert [hit.rank for hit in hits] == list(range(1, 21))
    assert [hit.score for hit in hits] == pytest.approx([cosines[hit.chunk_id] for hit in hits], abs=1e-5)


def test_sparse_search_ranks_by_dot_product_over_shared_terms(store: VectorStore) -> None:
    store.upsert(
        [
            _point(0, sparse={1: 1.0, 2: 2.0}),
            _point(1, sparse={2: 0.5, 4_294_967_295: 4.0}),
            _point(2, sparse={3: 9.0}),
        ]
    )
    hits = store.sparse({2: 2.0, 4_294_967_295: 1.0}, 10)
    assert _ids(hits) == [_point(1).id, _point(0).id]
    assert [hit.score for hit in hits] == pytest.approx([5.0, 4.0])


def test_negative_and_faint_weights_still_match(store: VectorStore) -> None:
    store.upsert([_point(0, sparse={1: 1.0}), _point(1, sparse={2: 1.0}), _point(2, sparse={3: 1.0})])
    assert _ids(store.sparse({1: -0.5, 2: 1e-9}, 10)) == [_point(1).id, _point(0).id]


def test_a_query_without_terms_finds_nothing(store: VectorStore) -> None:
    store.upsert([_point(0)])
    assert store.sparse({}, 10) == []


def test_a_point_without_terms_is_stored_and_found_by_vector_only(store: VectorStore) -> None:
    store.upsert([_point(0, sparse={}), _point(1, sparse={1: 1.0})])
    assert store.count() == 2
    assert _ids(store.sparse({1: 1.0}, 10)) == [_point(1).id]
    assert _ids(store.dense(_unit(0), 1)) == [_point(0).id]


def test_writing_a_point_again_replaces_all_of_it(store: VectorStore) -> None:
    old = _point(0, sparse={1: 1.0})
    store.upsert([old])
    store.upsert([Point(old.id, "b.txt", _unit(7), {})])
    assert store.count() == 1
    assert store.vectors([old.id])[old.id] == pytest.approx(_unit(7), abs=1e-6)
    assert store.sparse({1: 1.0}, 10) == []
    assert store.dense(_unit(7), 10, ["a.txt"]) == []
    assert _ids(store.dense(_unit(7), 10, ["b.txt"])) == [old.id]


def test_of_equal_ids_in_one_call_the_last_wins(store: VectorStore) -> None:
    first = _point(0)
    store.upsert([first, Point(first.id, "b.txt", _unit(9), {8: 1.0})])
    assert store.count() == 1
    assert store.vectors([first.id])[first.id] == pytest.approx(_unit(9), abs=1e-6)


def test_documents_narrow_both_searches(store: VectorStore) -> None:
    names = ["a.txt", "sub/ü b.md", "odd\udcff.txt"]
    points = [_point(seed, names[seed % 3], {1: 1.0 + seed}) for seed in range(30)]
    store.upsert(points)
    for name in names:
        wanted = {point.id for point in points if point.document == name}
        assert set(_ids(store.dense(_unit(3), 30, [name]))) == wanted
        assert set(_ids(store.sparse({1: 1.0}, 30, [name]))) == wanted
    assert len(store.dense(_unit(3), 30, names[:2])) == 20
    assert store.dense(_unit(3), 30, ["none.txt"]) == []
    assert store.dense(_unit(3), 30, []) == []
    assert store.sparse({1: 1.0}, 30, []) == []


def test_reweighting_changes_terms_and_leaves_vectors(store: VectorStore) -> None:
    points = [_point(seed, sparse={1: 1.0}) for seed in range(3)]
    store.upsert(points)
    before = store.vectors([point.id for point in points])
    store.reweight(iter([(points[0].id, {2: 3.0}), (points[1].id, {})]))
    assert _ids(store.sparse({1: 1.0}, 10)) == [points[2].id]
    assert store.sparse({2: 1.0}, 10) == [Hit(points[0].id, 1, 3.0)]
    after = store.vectors([point.id for point in points])
    assert all(np.array_equal(after[chunk], before[chunk]) for chunk in before)
    assert len(store.dense(_unit(0), 10, ["a.txt"])) == 3


def test_reweighting_an_unknown_point_is_refused_and_changes_nothing(store: VectorStore) -> None:
    known, unknown = _point(0, sparse={1: 1.0}), _point(1)
    store.upsert([known])
    with pytest.raises(StoreError, match=unknown.id):
        store.reweight([(known.id, {2: 1.0}), (unknown.id, {2: 1.0})])
    assert _ids(store.sparse({1: 1.0}, 10)) == [known.id]
    assert store.sparse({2: 1.0}, 10) == []


def test_deleting_removes_what_is_known_and_ignores_the_rest(store: VectorStore) -> None:
    points = [_point(seed) for seed in range(5)]
    store.upsert(points)
    store.delete([points[0].id, points[3].id, _point(77).id, "no uuid"])
    store.delete([])
    left = {point.id for point in points} - {points[0].id, points[3].id}
    assert set(store.ids()) == left
    assert store.count() == 3
    assert set(_ids(store.dense(_unit(0), 10))) == left
    assert points[0].id not in _ids(store.sparse({0: 1.0}, 10))


def test_vectors_come_back_for_the_points_that_exist(store: VectorStore) -> None:
    points = [_point(seed) for seed in range(600)]
    store.upsert(points)
    found = store.vectors([*(point.id for point in points), _point(999).id, "no uuid"])
    assert found.keys() == {point.id for point in points}
    for point in points:
        assert found[point.id].dtype == np.float32
        assert found[point.id] == pytest.approx(point.dense, abs=1e-6)


def test_all_that_is_held_comes_back(store: VectorStore) -> None:
    points = [
        Point(chunk_id("a.txt", 0, "a"), "a.txt", _unit(1), {7: 0.25, 3: 1.5}, "digest of a"),
        Point(chunk_id("caf\udce9", 0, "b"), "caf\udce9", _unit(2), {}, "digest of b"),
    ]
    store.upsert(points)
    held = store.contents([*(point.id for point in points), chunk_id("unknown", 0, ""), "no id"])
    assert held.keys() == {point.id for point in points}
    for point in points:
        stored = held[point.id]
        assert (stored.document, stored.text) == (payload_name(point.document), point.text)
        assert stored.sparse == dict(point.sparse)
        np.testing.assert_allclose(stored.dense, point.dense, atol=1e-6)


def test_every_id_is_listed_once_in_order(store: VectorStore) -> None:
    points = [_point(seed) for seed in range(1500)]
    store.upsert(points)
    listed = list(store.ids())
    assert listed == sorted(point.id for point in points)


def test_a_limit_beyond_the_count_gives_everything_and_a_limit_of_zero_nothing(store: VectorStore) -> None:
    store.upsert([_point(seed, sparse={1: float(seed + 1)}) for seed in range(7)])
    assert len(store.dense(_unit(0), 1000)) == 7
    assert len(store.sparse({1: 1.0}, 1000)) == 7
    assert store.dense(_unit(0), 0) == []


def test_ties_are_ordered_by_id_even_across_the_cut(store: VectorStore) -> None:
    same = [Point(_point(seed).id, "a.txt", _unit(0), {1: 1.0}) for seed in range(200)]
    store.upsert(same)
    ids = sorted(point.id for point in same)
    assert _ids(store.sparse({1: 2.0}, 10)) == ids[:10]
    assert _ids(store.dense(_unit(0), 10)) == ids[:10]


@pytest.mark.parametrize(
    ("vector", "reason"),
    [
        (np.full(D, np.nan, dtype=np.float32), "NaN"),
        (np.full(D, np.inf, dtype=np.float32), "infinity"),
        (np.zeros(D, dtype=np.float32), "zero"),
        (np.ones(D + 1, dtype=np.float32), "shape"),
        (np.ones((1, D), dtype=np.float32), "shape"),
    ],
)
def test_a_vector_without_meaning_is_refused_before_anything_is_written(
    store: VectorStore, vector: NDArray[np.float32], reason: str
) -> None:
    bad = Point(_point(1).id, "bad.txt", vector, {})
    with pytest.raises(StoreError, match=reason) as refusal:
        store.upsert([_point(0), bad])
    assert bad.id in str(refusal.value)
    assert store.count() == 0
    with pytest.raises(StoreError, match=reason):
        store.dense(vector, 10)


@pytest.mark.parametrize("sparse", [{-1: 1.0}, {2**32: 1.0}, {1: float("nan")}, {1: float("inf")}])
def test_a_weight_without_meaning_is_refused_before_anything_is_written(
    store: VectorStore, sparse: dict[int, float]
) -> None:
    with pytest.raises(StoreError, match=r"term (id )?[-0-9]+ "):
        store.upsert([_point(0), _point(1, sparse=sparse)])
    assert store.count() == 0
    store.upsert([_point(0)])
    with pytest.raises(StoreError, match=r"term (id )?[-0-9]+ "):
        store.reweight([(_point(0).id, sparse)])
    with pytest.raises(StoreError, match=r"term (id )?[-0-9]+ "):
        store.sparse(sparse, 10)


def test_an_id_that_is_no_canonical_uuid_is_refused(store: VectorStore) -> None:
    for name in ("no uuid", _point(0).id.upper()):
        with pytest.raises(StoreError, match="UUID"):
            store.upsert([Point(name, "a.txt", _unit(0), {})])


def test_search_is_the_same_after_optimising(store: VectorStore) -> None:
    store.upsert([_point(seed) for seed in range(500)])
    dense, sparse = store.dense(_unit(9), 50), store.sparse({1: 1.0, 1007: 2.0}, 50)
    store.flush()
    store.optimize()
    assert _ids(store.dense(_unit(9), 50)) == _ids(dense)
    assert store.sparse({1: 1.0, 1007: 2.0}, 50) == sparse


def test_a_closed_store_says_so_and_closes_twice(store: VectorStore) -> None:
    store.close()
    store.close()
    for use in (store.count, lambda: store.upsert([_point(0)]), lambda: list(store.ids())):
        with pytest.raises(StoreError, match="closed"):
            use()


@pytest.mark.parametrize("kind", ["edge", "over_http"])
def test_threads_may_write_and_search_at_once(kind: str, request: pytest.FixtureRequest) -> None:
    store: VectorStore = request.getfixturevalue(kind)
    store.upsert([_point(seed) for seed in range(100)])

    def write(part: int) -> None:
        store.upsert([_point(1000 * part + seed) for seed in range(1, 50)])

    def read(seed: int) -> None:
        hits = store.dense(_unit(seed), 20)
        assert len(hits) == 20
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)

    with ThreadPoolExecutor(4) as pool:
        for done in [*pool.map(write, range(1, 6)), *pool.map(read, range(40))]:
            assert done is None
    assert store.count() == 100 + 5 * 49
