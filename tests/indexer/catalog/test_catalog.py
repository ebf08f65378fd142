"""Claims about the catalog's bookkeeping, over real chunks of real folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.catalog.catalog import Catalog
from indexer.errors import StoreError
from indexer.index import Index
from indexer.terms.analyzer import terms
from indexer.terms.bm25 import average_idf

WORDS = ["river", "bridge", "stone", "tower", "lamp", "chair", "coffee", "tea", "walrus", "otter"]
WORDS += ["mountain", "valley", "harbour", "market"]


def fill(folder: Path, start: int, stop: int, length: int) -> None:
    for number in range(start, stop):
        words = [WORDS[(number * 7 + place * (1 + number % 5)) % len(WORDS)] for place in range(length + number % 6)]
        (folder / f"{number:03}.txt").write_text(" ".join(words), encoding="utf-8")


def test_statistics_follow_every_change(index: Index, tmp_path: Path) -> None:
    folder = tmp_path / "words"
    folder.mkdir()
    fill(folder, 0, 30, 10)
    index.sync(folder)
    fill(folder, 0, 5, 25)
    for number in range(5, 9):
        (folder / f"{number:03}.txt").unlink()
    index.sync(folder)
    counted = [terms(chunk.text) for chunk in index.all_chunks()]
    frequencies = {term: sum(term in one for one in counted) for one in counted for term in one}
    with index._generations.reading() as now:
        found = now.catalog.statistics()
        assert found.chunks == len(counted) == 26
        assert found.average_length == pytest.approx(sum(map(len, counted)) / 26)
        assert found.average_idf == pytest.approx(average_idf(frequencies.values(), 26))
        assert {term: pair[1] for term, pair in now.catalog.frequencies(WORDS + terms(" ".join(WORDS))).items()} == {
            term: df for term, df in frequencies.items() if term in WORDS or term in terms(" ".join(WORDS))
        }


def test_bm25_in_the_store_agrees_with_rank_bm25_after_the_average_length_moved(index: Index, tmp_path: Path) -> None:
    folder = tmp_path / "words"
    folder.mkdir()
    for start, stop, length in ((0, 30, 8), (30, 60, 40)):
        fill(folder, start, stop, length)
        index.sync(folder)
        for query in ("river", "stone tower", "coffee tea walrus"):
            with index.snapshot() as now:
                stored, exact = now.sparse(query, 100), now.sparse(query, 100, "rank-bm25")
            assert [hit.chunk_id for hit in stored] == [hit.chunk_id for hit in exact]
            assert [hit.score for hit in stored] == pytest.approx([hit.score for hit in exact], abs=1e-4)


def test_contributions_of_the_terms_add_up_to_the_score(index: Index, tmp_path: Path) -> None:
    folder = tmp_path / "words"
    folder.mkdir()
    fill(folder, 0, 30, 10)
    index.sync(folder)
    with index.snapshot() as now:
        (hit,) = now.sparse("stone tower lamp", 1)
        (explained,) = now.explain_terms("stone tower lamp", list(now.chunks([hit.chunk_id]).values()))
    assert sum(value for _, value in explained) == pytest.approx(hit.score, abs=1e-4)


def test_verify_finds_what_was_tampered_with(index: Index, folder: Path) -> None:
    index.sync(folder)
    with index._generations.reading() as now:
        ids = sorted(now.catalog.ids())
        now.store.delete(ids[:1])
        assert any("1 chunks have no vectors" in one for one in index.verify())
        now.catalog.put(chunks=99, dirty=True)
        assert any("totals" in one for one in index.verify())
        now.catalog.put(chunks=len(ids))
    index.sync(folder)
    assert index.verify() == []


def test_values_survive_closing(tmp_path: Path) -> None:
    catalog = Catalog.in_folder(tmp_path)
    catalog.put(answer=[1, "zwei"], other=None)
    catalog.close()
    again = Catalog.in_folder(tmp_path)
    assert again.get("answer") == [1, "zwei"]
    assert again.get("nothing", "default") == "default"
    again.close()


def test_catalog_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite").write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError, match=r"catalog\.sqlite cannot be opened"):
        Catalog.in_folder(tmp_path)
