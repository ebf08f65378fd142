"""Claims about what one query reads: a document whole or not at all, whatever is written or rebuilt meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hash_embedder import HashEmbedder

from indexer.catalog.catalog import Catalog
from indexer.catalog.filters import Filters
from indexer.chunk import Chunk, Hit
from indexer.index import Index
from indexer.report import IngestOptions

PARAGRAPHS = 6


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """An empty index."""
    with Index.open(tmp_path / "index", HashEmbedder()) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A document of several chunks, and another one."""
    made = tmp_path / "documents"
    made.mkdir()
    write_walrus(made, "walruses")
    (made / "other.txt").write_text("Nothing of interest.", encoding="utf-8")
    return made


def write_walrus(folder: Path, animals: str) -> None:
    """Write the long document."""
    text = "\n\n".join(
        f"Paragraph {n} speaks of {animals}. " + "It goes on about the sea. " * 40 for n in range(PARAGRAPHS)
    )
    (folder / "walrus.txt").write_text(text, encoding="utf-8")


def words(index: Index, query: str) -> list[Hit]:
    with index.snapshot() as now:
        return now.sparse(query, 50)


def test_a_document_is_seen_whole_or_not_at_all_while_it_is_ingested(index: Index, folder: Path) -> None:
    seen: set[int] = set()
    stop = threading.Event()

    def search() -> None:
        while not stop.is_set():
            seen.add(len(words(index, "walruses")))

    thread = threading.Thread(target=search)
    thread.start()
    index.sync(folder)
    stop.set()
    thread.join()
    whole = len(words(index, "walruses"))
    assert whole > 1
    assert seen <= {0, whole}


def test_a_commit_in_the_middle_of_a_search_makes_every_list_be_read_again(index: Index, folder: Path) -> None:
    looks: list[str] = []
    with index.snapshot() as now:
        real = now.by_terms("walruses")

        def first(limit: int) -> list[Hit]:
            looks.append("first")
            return real(limit)

        def second(limit: int) -> list[Hit]:
            looks.append("second")
            if len(looks) == 2:  # as a search that began while the document's vectors were being written
                index.sync(folder)
                return real(limit)[:1]
            return real(limit)

        got = now.retrieve([first, second], 50)
        assert looks == ["first", "second"] * 2
        assert len(got.lists[0]) > 1
        assert got.lists[0] == got.lists[1] == now.sparse("walruses", 50)


def test_what_a_replaced_document_said_is_not_mixed_with_what_it_says(index: Index, folder: Path) -> None:
    index.sync(folder)
    with index.snapshot() as now:
        vector = now.embed_query("walruses in the sea")
        nearest = now.by_vector(vector)

        def while_written(limit: int) -> list[Hit]:
            hits = nearest(limit)
            if "otters" not in (folder / "walrus.txt").read_text(encoding="utf-8"):
                write_walrus(folder, "otters")
                index.sync(folder)
            return hits

        got = now.retrieve([while_written, now.by_terms("sea")], 50)
        texts = [chunk.text for chunk in got.chunks.values()]
        assert any("otters" in text for text in texts)
        assert not any("walruses" in text for text in texts)
        assert not now.has_terms("walruses")


def test_vectors_without_a_row_do_not_cost_a_place(index: Index, folder: Path) -> None:
    index.sync(folder)
    known = words(index, "walruses")[:2]
    rowless = [Hit(f"unknown-{place}", place, 99.0) for place in range(1, 9)]  # of a document that is being written
    with index.snapshot() as now:
        real = now.by_terms("walruses")
        got = now.retrieve([lambda limit: [*rowless, *real(50)][:limit]], 2)
    assert got.lists == (known,)


def test_every_chunk_is_looked_up_once(index: Index, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index.sync(folder)
    asked: list[str] = []
    real = Catalog.look_up

    def look_up(self: Catalog, ids: list[str]) -> tuple[dict[str, Chunk], dict[str, bytes]]:
        asked.extend(ids)
        return real(self, ids)

    monkeypatch.setattr(Catalog, "look_up", look_up)
    with index.snapshot() as now:
        got = now.retrieve([now.by_vector(now.embed_query("walruses")), now.by_terms("walruses")], 50)
        now.explain_terms("walruses", list(got.chunks.values()))
    assert sorted(asked) == sorted({hit.chunk_id for hits in got.lists for hit in hits})
    assert got.signatures.keys() == got.chunks.keys() == set(asked)


def test_the_terms_of_many_chunks_are_explained_with_one_look_at_the_statistics(
    index: Index, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.sync(folder)
    asked: list[str] = []
    real = Catalog.frequencies

    def frequencies(self: Catalog, terms: list[str]) -> dict[str, tuple[int, int]]:
        asked.extend(terms)
        return real(self, terms)

    monkeypatch.setattr(Catalog, "frequencies", frequencies)
    with index.snapshot() as now:
        hits = now.sparse("walruses of the sea", 50)
        chunks = now.chunks([hit.chunk_id for hit in hits])
        explained = now.explain_terms("walruses of the sea", [chunks[hit.chunk_id] for hit in hits])
        assert now.explain_terms("zyzzyva", list(chunks.values())) == ((),) * len(chunks)
        assert now.explain_terms("walruses", []) == ()
    assert asked.count("walrus") == 2  # once for each of the two queries that hold it
    for hit, terms in zip(hits, explained, strict=True):
        assert sum(value for _, value in terms) == pytest.approx(hit.score, abs=1e-4)


def test_a_rebuild_leaves_a_snapshot_what_it_reads(index: Index, folder: Path) -> None:
    index.sync(folder)
    with index.snapshot() as now:
        before = now.sparse("walruses", 50)
        write_walrus(folder, "otters")
        index.sync(folder, IngestOptions(rebuild=True))
        assert now.sparse("walruses", 50) == before
        assert len(now.chunks([hit.chunk_id for hit in before])) == len(before) > 1
        assert words(index, "walruses") == []
        assert len(words(index, "otters")) == len(before)
        assert {place.name for place in index.path.glob("generation-*")} == {"generation-1", "generation-2"}
    assert [place.name for place in index.path.glob("generation-*")] == ["generation-2"]


def test_filters_are_read_with_the_rest_again_after_a_commit(index: Index, folder: Path) -> None:
    (folder / "note.md").write_text("Walruses, in short.", encoding="utf-8")
    index.sync(folder)
    filters = Filters(kind="md")
    with index.snapshot() as now:
        assert now.matching(filters) == (["note.md"], 1)
        (folder / "more.md").write_text("More walruses.", encoding="utf-8")
        index.sync(folder)
        got = now.retrieve([now.by_terms("walruses", filters=filters)], 50)
        assert {chunk.document for chunk in got.chunks.values()} == {"note.md", "more.md"}
        assert now.matching(filters) == (["more.md", "note.md"], 2)


def test_an_ingestion_is_not_held_up_by_an_open_snapshot(index: Index, folder: Path) -> None:
    with index.snapshot() as now:
        assert now.empty
        assert index.sync(folder).counts == {"added": 2}
        assert not now.empty
