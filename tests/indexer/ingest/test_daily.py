"""Claims about running every day: repeats, changes under way, full disks, damage."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import qdrant_edge
from hash_embedder import HashEmbedder
from numpy.typing import NDArray

from indexer import generation
from indexer.chunk import Hit
from indexer.errors import FingerprintMismatch, ReadError, StoreError
from indexer.generation import Generation
from indexer.index import Index
from indexer.report import IngestOptions, IngestProgress
from indexer.vectors.contract import Point
from indexer.vectors.edge import EdgeStore
from rerank.models.running import Cancel

pytestmark = pytest.mark.disk


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Index]:
    """An empty index that needs no model."""
    with Index.open(tmp_path / "quick", HashEmbedder()) as opened:
        yield opened


def fill(folder: Path, count: int, text: str = "Walrus number {number} swims.") -> None:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        (folder / f"{number:04}.txt").write_text(text.format(number=number))


def words(index: Index) -> list[Hit]:
    """What is found by a word that every document holds."""
    with index.snapshot() as now:
        return now.sparse("walrus", 400)


def test_the_same_text_is_embedded_once_in_one_batch_in_the_next_and_under_another_name(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    with Index.open(tmp_path / "index", embedder) as index:
        fill(tmp_path / "folder", 250, "Everyone says the same.")
        index.sync(tmp_path / "folder")
        (tmp_path / "folder" / "0000.txt").rename(tmp_path / "folder" / "new name.txt")
        index.sync(tmp_path / "folder")
        assert embedder.embedded == ["Everyone says the same."]
        assert index.counts() == (250, 250)
        assert index.verify() == []


def test_stored_and_embedded_at_the_same_time_every_file_has_its_outcome(quick: Index, tmp_path: Path) -> None:
    fill(tmp_path / "folder", 250)
    report = quick.sync(tmp_path / "folder")
    assert [one.file for one in report.outcomes] == [f"{number:04}.txt" for number in range(250)]
    assert {(one.outcome, one.chunks) for one in report.outcomes} == {("added", 1)}
    assert all(one.seconds > 0 for one in report.outcomes)
    assert set(report.stages) == {"read", "split", "embed", "store"}
    assert quick.verify() == []


def test_a_run_cancelled_half_way_leaves_a_whole_index_that_the_next_run_completes(
    quick: Index, tmp_path: Path
) -> None:
    fill(tmp_path / "folder", 300)

    class HalfWay(Cancel):
        def __bool__(self) -> bool:
            return quick.counts()[0] >= 90

    quick.sync(tmp_path / "folder", cancel=HalfWay())
    documents, chunks = quick.counts()
    assert 90 <= documents == chunks < 300
    assert quick.verify() == []
    report = quick.sync(tmp_path / "folder")
    assert (report.counts["unchanged"], report.counts["added"]) == (documents, 300 - documents)
    assert quick.verify() == []


class Failing(HashEmbedder):
    """Fails at the first batch after 96 texts."""

    def passages(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        """Shape (n, 16)."""
        if len(self.embedded) >= 96:
            raise ReadError("The model is gone.")
        return super().passages(texts, progress)


def test_a_failure_while_a_batch_is_stored_keeps_what_was_finished(tmp_path: Path) -> None:
    fill(tmp_path / "folder", 300)
    embedder = Failing()
    with Index.open(tmp_path / "index", embedder) as index:
        with pytest.raises(ReadError, match="gone"):
            index.sync(tmp_path / "folder")
        finished = len(embedder.embedded)
        assert 96 <= finished < 300
        assert index.counts() == (finished, finished)
        assert index.verify() == []


def test_young_files_keep_their_date_and_are_looked_at_again(quick: Index, tmp_path: Path) -> None:
    fill(tmp_path / "folder", 1)
    quick.sync(tmp_path / "folder")
    file = tmp_path / "folder" / "0000.txt"
    stamp = file.stat()
    assert quick.documents()[0].mtime_ns == stamp.st_mtime_ns
    file.write_text("Walrus number 9 swims.")
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # the same size, the same time, other text
    assert quick.sync(tmp_path / "folder").counts == {"changed": 1}


def test_repair_makes_a_damaged_index_whole_without_its_folder(quick: Index, tmp_path: Path) -> None:
    fill(tmp_path / "folder", 10)
    quick.sync(tmp_path / "folder")
    assert quick.repair() == []
    with quick._generations.reading() as now:
        ids = sorted(now.catalog.ids())
        now.store.delete(ids[:3])
        now.catalog.put_counted(1, 1, {"walrus": 1})
        one = now.catalog.remove([now.catalog.find("0009.txt") or 0])
    stray = len(set(one) - set(ids[:3]))
    assert quick.verify()
    for file in (tmp_path / "folder").iterdir():
        file.unlink()
    done = quick.repair()
    assert any(sentence.startswith("Embedded") for sentence in done)
    assert any(sentence.startswith("Counted") for sentence in done)
    assert any(sentence.startswith(f"Deleted {stray} vectors") for sentence in done) == bool(stray)
    assert quick.verify() == []
    assert {hit.chunk_id for hit in words(quick)} == set(ids) - set(one)


def test_a_posting_of_another_text_is_found_and_repaired(quick: Index, tmp_path: Path) -> None:
    fill(tmp_path / "folder", 10)
    quick.sync(tmp_path / "folder")
    before = {hit.chunk_id: hit.score for hit in words(quick)}
    with quick._generations.reading() as now:
        number = now.catalog.known_terms(["walrus"])["walrus"]
        silent, loud = sorted(now.catalog.ids())[:2]
        now.store.reweight([(silent, {number + 1000: 1.0}), (loud, {number: 99.0})])
        dense = now.store.vectors([loud])[loud]
    assert words(quick)[0].chunk_id == loud
    assert silent not in {hit.chunk_id for hit in words(quick)}
    assert [one for one in quick.verify() if one.startswith("2 chunks have other BM25 weights")] == quick.verify()
    assert quick.repair() == ["Computed the BM25 weights of 2 chunks anew."]
    assert quick.verify() == []
    assert {hit.chunk_id: hit.score for hit in words(quick)} == pytest.approx(before)
    with quick._generations.reading() as now:
        np.testing.assert_array_equal(now.store.vectors([loud])[loud], dense)


def test_a_vector_of_another_text_or_document_is_found_and_embedded_anew(quick: Index, tmp_path: Path) -> None:
    fill(tmp_path / "folder", 10)
    quick.sync(tmp_path / "folder")
    with quick._generations.reading() as now:
        assert isinstance(now.store, EdgeStore)
        ids = sorted(now.catalog.ids())
        right = now.store.vectors(ids)
        swapped, moved, well = (now.catalog.chunks([one])[one] for one in ids[:3])
        held = now.store.contents(ids)
        now.store.upsert(
            [Point(swapped.id, swapped.document, right[well.id], held[swapped.id].sparse, held[well.id].text)]
        )
        wrong = qdrant_edge.UpdateOperation.set_payload([moved.id], {"document": well.document})
        now.store._shard.update(wrong)
        assert {hit.chunk_id for hit in now.store.dense(right[well.id], 20, [well.document])} == {moved.id, well.id}
    assert len(quick.verify()) == 1
    assert quick.verify()[0].startswith("2 chunks have the vector of another text or document")
    assert quick.repair() == ["Embedded 2 chunks anew that had another text's or document's vector."]
    assert quick.verify() == []
    with quick._generations.reading() as now:
        again = now.store.vectors(ids)
        near = now.store.dense(right[well.id], 20, [well.document])
    assert again.keys() == right.keys()
    for chunk, vector in right.items():
        np.testing.assert_allclose(again[chunk], vector, atol=1e-6)
    assert [hit.chunk_id for hit in near] == [well.id]


def test_an_almost_full_disk_is_refused_before_anything_is_written(quick: Index) -> None:
    with quick._generations.reading() as now:
        now.check_space()
        with pytest.raises(StoreError, match=r"has only .* MiB left: free some space"):
            now.check_space(reserve=2**63)


LIMITED = """
import resource, signal, sys
from pathlib import Path
from hash_embedder import HashEmbedder
from indexer.errors import StoreError
from indexer.index import Index

folder, place, limit = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
index = Index.open(place, HashEmbedder())
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    index.sync(folder)
except StoreError as reason:
    print(reason)
    sys.stdout.flush()
    import os
    os._exit(3)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the size of files")
def test_a_disk_that_takes_no_more_is_one_sentence_and_the_next_run_completes(tmp_path: Path) -> None:
    fill(tmp_path / "folder", 600, "Walrus number {number} swims " + "far and wide " * 40)
    done = subprocess.run(  # noqa: S603  our own script
        [sys.executable, "-c", LIMITED, str(tmp_path / "folder"), str(tmp_path / "index"), str(400_000)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert done.stdout.count("\n") == 1
    assert "catalog" in done.stdout or "index" in done.stdout
    with Index.open(tmp_path / "index", HashEmbedder()) as index:
        index.sync(tmp_path / "folder")
        assert index.counts() == (600, 600)
        assert index.verify() == []


def test_a_rebuild_answers_from_the_old_generation_until_the_new_one_is_whole(quick: Index, tmp_path: Path) -> None:
    fill(tmp_path / "folder", 300)
    quick.sync(tmp_path / "folder")
    seen: set[int] = set()
    stop = threading.Event()

    def search() -> None:
        while not stop.is_set():
            seen.add(len(words(quick)))

    def news(_: IngestProgress) -> None:
        with quick.snapshot() as now:
            seen.add(len(now.dense(now.embed_query("walrus"), 400)))

    thread = threading.Thread(target=search)
    thread.start()
    report = quick.sync(tmp_path / "folder", IngestOptions(rebuild=True), progress=news)
    stop.set()
    thread.join()
    assert report.counts == {"added": 300}
    assert seen == {300}


def test_a_dry_run_of_a_rebuild_foresees_every_file(quick: Index, tmp_path: Path) -> None:
    fill(tmp_path / "folder", 3)
    quick.sync(tmp_path / "folder")
    assert quick.sync(tmp_path / "folder", IngestOptions(rebuild=True, dry_run=True)).counts == {"added": 3}
    assert isinstance(quick._generations._current, Generation)
    assert quick._generations.next == 2


def test_an_index_of_the_format_before_collections_is_rebuilt_with_all_its_folders(tmp_path: Path) -> None:
    fill(tmp_path / "one", 2)
    fill(tmp_path / "two", 2, "Seal {number} sleeps.")
    with Index.open(tmp_path / "index", HashEmbedder()) as index:
        index.sync(tmp_path / "one")
        index.sync(tmp_path / "two")
        index._generations._current.catalog.put(fingerprint={"format": "1"})  # type: ignore[union-attr]
    with sqlite3.connect(tmp_path / "index" / "generation-1" / "catalog.sqlite") as database:
        database.execute("ALTER TABLE roots DROP COLUMN collection")
    with pytest.raises(FingerprintMismatch, match="format 1"):
        Index.open(tmp_path / "index", HashEmbedder())
    with Index.open(tmp_path / "index", HashEmbedder(), rebuild=True) as index:
        index.sync(tmp_path / "two", IngestOptions(rebuild=True, collection="sea"))
        assert [(one.document, one.collection) for one in index.documents()] == [
            ("0000.txt", ""),
            ("0001.txt", ""),
            ("two:0000.txt", "sea"),
            ("two:0001.txt", "sea"),
        ]
        assert index.verify() == []


def test_headings_are_found_and_embedded_and_a_rename_embeds_nothing(tmp_path: Path) -> None:
    place = tmp_path / "folder"
    place.mkdir()
    body = "".join(f"Words of sentence {number} go here, one after the other. " for number in range(60))
    (place / "manual.md").write_text(f"# Handbook\n\n## Brakes\n\n{body}\n\n## Doors\n\nThey open.\n")
    embedder = HashEmbedder()
    with Index.open(tmp_path / "index", embedder) as index:
        index.sync(place)
        under = {one.id for one in index.all_chunks() if "Brakes" in one.context}
        assert len(under) > 1
        assert not any("Brakes" in one.text for one in index.all_chunks() if one.id in under)
        with index.snapshot() as now:
            assert under < {hit.chunk_id for hit in now.sparse("brakes", 20)}
        assert sorted(embedder.embedded) == sorted({one.indexed for one in index.all_chunks()})
        (place / "manual.md").rename(place / "renamed.md")
        embedder.embedded.clear()
        assert index.sync(place).counts == {"renamed": 1}
        assert embedder.embedded == []
        (place / "renamed.md").write_text((place / "renamed.md").read_text().replace("# Brakes", "# Wheels"))
        index.sync(place)
        assert embedder.embedded
        assert all("Wheels" in text for text in embedder.embedded)
        with index.snapshot() as now:
            assert not now.sparse("brakes", 20)
        assert index.verify() == []


class Portions(HashEmbedder):
    """Remembers how many texts came at once."""

    def __init__(self) -> None:
        super().__init__()
        self.portions: list[int] = []

    def passages(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        """Shape (n, 16)."""
        self.portions.append(len(texts))
        return super().passages(texts, progress)


def long_document(folder: Path, chunks: int) -> None:
    """A text of so many chunks, one sentence each."""
    folder.mkdir()
    lines = (f"Walrus number {number} swims " + "and swims " * 90 + "home." for number in range(chunks))
    (folder / "long.txt").write_text("\n\n".join(lines))


def test_a_long_document_is_embedded_in_pieces_and_its_progress_goes_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "PIECE", 10)
    embedder = Portions()
    told: list[IngestProgress] = []
    long_document(tmp_path / "folder", 45)
    with Index.open(tmp_path / "index", embedder) as index:
        index.sync(tmp_path / "folder", progress=told.append)
        assert index.counts() == (1, 45)
        assert embedder.portions == [10, 10, 10, 10, 5]
        done = [one.chunks_done for one in told if one.phase == "index"]
        assert done == sorted(done)
        assert {10, 20, 45} <= set(done)
        assert index.verify() == []


def test_a_document_whose_vectors_are_half_written_is_not_there_and_is_made_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "PIECE", 10)
    long_document(tmp_path / "folder", 45)
    written: list[int] = []
    upsert = EdgeStore.upsert

    def full_after_two(self: EdgeStore, points: Sequence[Point]) -> None:
        if len(written) == 2:
            raise StoreError("The disk is full.")
        written.append(len(points))
        upsert(self, points)

    with Index.open(tmp_path / "index", HashEmbedder()) as index:
        with monkeypatch.context() as broken:
            broken.setattr(EdgeStore, "upsert", full_after_two)
            with pytest.raises(StoreError, match="disk is full"):
                index.sync(tmp_path / "folder")
        assert written == [10, 10]
        with index._generations.reading() as now:
            assert now.store.count() == 20
        assert index.counts() == (0, 0)
        with index.snapshot() as view:
            assert view.dense(view.embed_query("walrus"), 10) == []
        assert index.sync(tmp_path / "folder").counts == {"added": 1}
        assert index.counts() == (1, 45)
        assert index.verify() == []
