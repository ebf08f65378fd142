"""Claims about one query through both stages: what it reads, what it asks of the second stage, where its time goes."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from serving import CAPITALS, QUERY, Bm25Scorer, HashedWords, engine_of, write_folder

from indexer.catalog.catalog import Catalog
from indexer.catalog.filters import Filters
from indexer.chunk import Chunk
from indexer.index import Index
from indexer.report import IngestOptions
from rerank.scorer import Scoring, Span
from search.engine import SearchEngine
from search.settings import SearchSettings
from search.stopwatch import Stopwatch


class CountingScorer(Bm25Scorer):
    """Remembers the calls; can be made to wait in one."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.asked: list[int] = []
        self.explained: list[tuple[str, ...]] = []
        self.inside = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def score(self, query: str, passages: Sequence[str], **options: object) -> Scoring:
        """As the base does, counted."""
        self.asked.append(len(passages))
        self.inside.set()
        assert self.go_on.wait(60)
        return super().score(query, passages, **options)  # type: ignore[arg-type]

    def spans(self, query: str, passages: Sequence[str]) -> tuple[tuple[Span, ...], ...]:
        """The same."""
        self.explained.append(tuple(passages))
        return super().spans(query, passages)


@pytest.fixture
def scorer() -> CountingScorer:
    return CountingScorer("exact-bm25")


@pytest.fixture
def engine(tmp_path: Path, scorer: CountingScorer) -> Iterator[SearchEngine]:
    """An engine over nine small documents."""
    made = engine_of(scorer, Index.open(tmp_path / "index", HashedWords()))
    made.ingest(write_folder(tmp_path / "documents"))
    yield made
    made.close()


@pytest.mark.parametrize(
    "settings",
    [
        SearchSettings(),
        SearchSettings(scorer="none", explain=False),
        SearchSettings(collapse=False, sparse="rank-bm25"),
        SearchSettings(filters=Filters(path="0[0-3]*"), top_n=2),
        SearchSettings(filters=Filters(collection="nobody")),
    ],
)
def test_the_stages_add_up_to_the_total(
    engine: SearchEngine, settings: SearchSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks: list[float] = []

    def clock() -> float:  # real time has no say: each look is later than the last one by something odd
        ticks.append((ticks[-1] if ticks else 5.0) + 0.01 * (len(ticks) + 1))
        return ticks[-1]

    monkeypatch.setattr("search.engine.Stopwatch", lambda: Stopwatch(clock))
    seconds = dict(engine.search(QUERY, settings).seconds)
    total = seconds.pop("total")
    assert sum(seconds.values()) == pytest.approx(total)
    assert total == pytest.approx(ticks[-1] - ticks[0])
    assert next(iter(seconds)) == "prepare"
    assert {"load", "embed", "dense", "sparse", "fuse"} <= set(seconds)
    assert ("filter" in seconds) == (settings.filters is not None)
    assert ("fold" in seconds) == settings.collapse
    assert ("explain" in seconds) == settings.explain


def test_a_query_looks_each_candidate_up_once_and_has_its_sentences_scored_in_one_call(
    engine: SearchEngine, scorer: CountingScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = Catalog.look_up

    def look_up(self: Catalog, ids: list[str]) -> tuple[dict[str, Chunk], dict[str, bytes]]:
        asked.extend(ids)
        return real(self, ids)

    monkeypatch.setattr(Catalog, "look_up", look_up)
    result = engine.search(QUERY, SearchSettings(top_n=3))
    assert len(asked) == len(set(asked)) == 9
    assert scorer.explained == [tuple(one.candidate.chunk.text for one in result.top)]
    assert scorer.asked[0] == 9
    assert len(scorer.asked) == 2
    assert all(one.spans for one in result.top)
    assert not any(one.spans for one in result.ranked[3:])
    told = {one.candidate.chunk.id for one in result.ranked if one.candidate.terms}
    assert told <= {one.candidate.chunk.id for one in result.top} | {one.chunk.id for one in result.before}
    best = result.top[0]
    assert best.candidate.chunk.text.strip() == CAPITALS[2]
    assert best.candidate.sparse is not None
    assert sum(value for _, value in best.candidate.terms) == pytest.approx(best.candidate.sparse.score, abs=1e-4)


def test_without_passages_nothing_is_explained(engine: SearchEngine, scorer: CountingScorer) -> None:
    result = engine.search(QUERY, SearchSettings(cutoff=2.0))
    assert result.top == ()
    assert scorer.explained == [()]
    assert engine.search(QUERY, SearchSettings(explain=False)).top[0].spans == ()
    assert len(scorer.explained) == 1


def test_a_rebuild_during_the_second_look_neither_waits_nor_pulls_the_index_away(
    engine: SearchEngine, scorer: CountingScorer, tmp_path: Path
) -> None:
    scorer.go_on.clear()
    scorer.inside.clear()
    answers = []
    searching = threading.Thread(target=lambda: answers.append(engine.search(QUERY)))
    searching.start()
    assert scorer.inside.wait(60)
    (tmp_path / "documents" / "02.txt").write_text("Nothing about any town.")
    assert engine.ingest(tmp_path / "documents", IngestOptions(rebuild=True)).counts == {"added": 9}
    scorer.go_on.set()
    searching.join(60)
    (result,) = answers
    best = result.top[0].candidate
    assert best.chunk.text.strip() == CAPITALS[2]
    assert best.terms
    assert CAPITALS[2] not in {one.chunk.text.strip() for one in engine.search(QUERY).candidates}
    assert [one.name for one in (tmp_path / "index").glob("generation-*")] == ["generation-2"]
