"""Claims about a whole index: real model, real embedded store, real folders."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest

from indexer.embed.contract import Embedder
from indexer.errors import FingerprintMismatch, FolderError, IndexerError, StoreError, StoreLocked
from indexer.index import Index
from indexer.ingest.scan import shown
from indexer.report import IngestOptions, IngestProgress, IngestReport
from rerank.models.running import Cancel

pytestmark = pytest.mark.disk


def outcomes(report: IngestReport) -> dict[str, str]:
    return {one.file: one.outcome for one in report.outcomes}


def found(index: Index, query: str) -> list[str]:
    with index.snapshot() as now:
        got = now.retrieve([now.by_terms(query)], 10)
    return [got.chunks[hit.chunk_id].document for hit in got.lists[0]]


def test_every_file_is_added_and_found_by_meaning_and_by_word(index: Index, folder: Path) -> None:
    report = index.sync(folder)
    assert set(outcomes(report).values()) == {"added"}
    assert index.counts() == (5, 5)
    with index.snapshot() as now:
        near = now.dense(now.embed_query("feline animals"), 1)[0]
        assert now.chunks([near.chunk_id])[near.chunk_id].document == "cats.txt"
    assert found(index, "eighty degrees") == ["notes/tea.txt"]
    assert index.verify() == []


def test_chinese_and_japanese_words_are_found_by_bm25(index: Index, folder: Path) -> None:
    index.sync(folder)
    assert found(index, "港区の電波塔") == ["notes/tower.txt"]
    with index.snapshot() as now:
        assert now.has_terms("電波塔")
        assert not now.has_terms("zyzzyva")
        assert now.sparse("zyzzyva", 10) == []


def test_second_run_finds_everything_unchanged(index: Index, folder: Path) -> None:
    index.sync(folder)
    report = index.sync(folder)
    assert set(outcomes(report).values()) == {"unchanged"}
    assert report.chunks == 0


def test_touched_file_with_the_same_content_is_unchanged(index: Index, folder: Path) -> None:
    index.sync(folder)
    os.utime(folder / "cats.txt", (1, 1))
    assert outcomes(index.sync(folder))["cats.txt"] == "unchanged"


def test_changed_file_is_replaced_everywhere(index: Index, folder: Path) -> None:
    index.sync(folder)
    (folder / "cats.txt").write_text("Otters hold hands while they sleep.", encoding="utf-8")
    assert outcomes(index.sync(folder))["cats.txt"] == "changed"
    assert found(index, "purrs") == []
    assert found(index, "otters") == ["cats.txt"]
    assert index.counts() == (5, 5)
    assert index.verify() == []


def test_removed_file_is_deleted_everywhere(index: Index, folder: Path) -> None:
    index.sync(folder)
    (folder / "cats.txt").unlink()
    assert outcomes(index.sync(folder))["cats.txt"] == "removed"
    assert found(index, "purrs") == []
    assert index.counts() == (4, 4)
    assert index.verify() == []


def test_renamed_file_keeps_its_vectors_under_the_new_name(index: Index, folder: Path) -> None:
    index.sync(folder)
    (folder / "cats.txt").rename(folder / "pets.txt")
    report = index.sync(folder)
    assert outcomes(report) == outcomes(report) | {"pets.txt": "renamed"}
    assert "cats.txt" not in outcomes(report)
    assert found(index, "purrs") == ["pets.txt"]
    assert index.verify() == []


def test_dry_run_says_what_a_run_does_and_writes_nothing(index: Index, folder: Path) -> None:
    index.sync(folder)
    (folder / "cats.txt").rename(folder / "pets.txt")
    (folder / "prices.csv").unlink()
    (folder / "bridge.md").write_text("# A new bridge\n", encoding="utf-8")
    (folder / "new.txt").write_text("Something new.", encoding="utf-8")
    foreseen = outcomes(index.sync(folder, IngestOptions(dry_run=True)))
    assert found(index, "purrs") == ["cats.txt"]
    assert outcomes(index.sync(folder)) == foreseen


def test_bad_files_are_named_and_cost_only_themselves(index: Index, folder: Path) -> None:
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4\nnot really")
    (folder / "broken.docx").write_bytes(b"PK\x03\x04nonsense")
    (folder / "program.bin").write_bytes(bytes(range(256)) * 20)
    (folder / "nothing.txt").write_bytes(b"")
    report = index.sync(folder)
    said = outcomes(report)
    assert (said["broken.pdf"], said["broken.docx"]) == ("failed", "failed")
    assert (said["program.bin"], said["nothing.txt"]) == ("skipped", "empty")
    assert all(one.reason for one in report.outcomes if one.outcome in {"failed", "skipped", "empty"})
    assert said["cats.txt"] == "added"
    assert outcomes(index.sync(folder))["nothing.txt"] == "empty"


def test_file_that_breaks_later_leaves_no_stale_text(index: Index, folder: Path) -> None:
    index.sync(folder)
    (folder / "cats.txt").write_bytes(bytes(range(256)) * 20)
    assert outcomes(index.sync(folder))["cats.txt"] == "skipped"
    assert found(index, "purrs") == []
    assert index.verify() == []


@pytest.mark.skipif(os.name == "nt", reason="Windows names are Unicode")
def test_names_that_are_not_utf8_or_hold_newlines_are_indexed(index: Index, folder: Path) -> None:
    odd = Path(os.fsdecode(b"caf\xe9.txt"))
    (folder / odd).write_text("A giraffe drinks coffee.", encoding="utf-8")
    (folder / "two\nlines.txt").write_text("A zebra drinks milk.", encoding="utf-8")
    said = outcomes(index.sync(folder))
    assert said["caf\\xe9.txt"] == said["two\nlines.txt"] == "added"
    assert shown(odd) == "caf\\xe9.txt"
    assert found(index, "giraffe") == ["caf\\xe9.txt"]
    assert set(outcomes(index.sync(folder)).values()) == {"unchanged"}


def test_hidden_ignored_and_outside_files_are_left_out(index: Index, folder: Path, tmp_path: Path) -> None:
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("hidden", encoding="utf-8")
    (folder / ".secondlookignore").write_text("notes/\n*.csv\n", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "loop").symlink_to(folder)
    assert outcomes(index.sync(folder)) == {
        "bridge.md": "added",
        "cats.txt": "added",
        "link.txt": "skipped",
        "loop": "skipped",
    }


def test_index_inside_its_own_folder_is_not_indexed(folder: Path, minilm: Embedder) -> None:
    with Index.open(folder / "index", minilm) as index:
        index.sync(folder)
        assert index.counts()[0] == 5
        assert set(outcomes(index.sync(folder)).values()) == {"unchanged"}


def test_missing_empty_or_unreadable_folder_changes_nothing(index: Index, folder: Path, tmp_path: Path) -> None:
    index.sync(folder)
    with pytest.raises(FolderError, match="does not exist"):
        index.sync(tmp_path / "nowhere")
    with pytest.raises(FolderError, match="is a file"):
        index.sync(folder / "cats.txt")
    for path in [*folder.rglob("*.*")]:
        path.unlink()
    with pytest.raises(FolderError, match="holds no files"):
        index.sync(folder)
    (folder / "program.bin").write_bytes(bytes(range(256)) * 20)
    with pytest.raises(FolderError, match="could be read as text"):
        index.sync(folder)
    assert index.counts() == (5, 5)
    assert index.verify() == []
    (folder / "program.bin").unlink()
    index.sync(folder, IngestOptions(allow_empty=True))
    assert index.counts() == (0, 0)


def test_two_folders_live_in_one_index(index: Index, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "cats.txt").write_text("Lions are big cats.", encoding="utf-8")
    index.sync(folder)
    index.sync(other)
    assert found(index, "lions") == ["other:cats.txt"]
    (folder / "cats.txt").unlink()
    index.sync(folder)
    assert found(index, "lions") == ["other:cats.txt"]
    assert index.verify() == []


def test_repeated_text_is_stored_for_each_document(index: Index, folder: Path) -> None:
    shutil.copy(folder / "cats.txt", folder / "copy.txt")
    index.sync(folder)
    assert found(index, "purrs") == ["cats.txt", "copy.txt"] or found(index, "purrs") == ["copy.txt", "cats.txt"]
    (folder / "cats.txt").unlink()
    index.sync(folder)
    assert found(index, "purrs") == ["copy.txt"]


def test_other_settings_are_refused_until_rebuilt_and_the_old_index_survives_a_failure(
    folder: Path, tmp_path: Path, minilm: Embedder
) -> None:
    with Index.open(tmp_path / "index", minilm) as index:
        index.sync(folder)
    with pytest.raises(FingerprintMismatch, match=r"200 tokens.*100 tokens.*--rebuild"):
        Index.open(tmp_path / "index", minilm, size=100)
    with Index.open(tmp_path / "index", minilm, size=100, rebuild=True) as index:
        with pytest.raises(FingerprintMismatch):
            index.counts()
        with pytest.raises(FolderError):
            index.sync(tmp_path / "nowhere", IngestOptions(rebuild=True))
    with Index.open(tmp_path / "index", minilm) as index:
        assert index.counts() == (5, 5)
    with Index.open(tmp_path / "index", minilm, size=100, rebuild=True) as index:
        index.sync(folder, IngestOptions(rebuild=True))
        assert index.counts() == (5, 5)
        assert index.verify() == []
    with Index.open(tmp_path / "index", minilm, size=100) as index:
        assert index.counts() == (5, 5)


def test_rebuild_keeps_answering_and_keeps_every_folder(index: Index, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "lions.txt").write_text("Lions are big cats.", encoding="utf-8")
    index.sync(folder)
    index.sync(other)
    answers: list[list[str]] = []
    index.sync(folder, IngestOptions(rebuild=True), progress=lambda _: answers.append(found(index, "lions")))
    assert answers
    assert all(answer == ["other:lions.txt"] for answer in answers)
    assert index.counts() == (6, 6)
    assert index.verify() == []
    assert [place.name for place in index.path.glob("generation-*")] == ["generation-2"]


def test_cancelled_run_leaves_a_whole_index_and_the_next_one_finishes(index: Index, folder: Path) -> None:
    stop = Cancel()
    stop.request()
    report = index.sync(folder, cancel=stop)
    assert report.cancelled
    assert index.counts() == (0, 0)
    assert index.verify() == []
    assert set(outcomes(index.sync(folder)).values()) == {"added"}
    assert index.verify() == []


def test_progress_ends_with_every_file_done(index: Index, folder: Path) -> None:
    seen: list[IngestProgress] = []
    index.sync(folder, progress=seen.append)
    assert [seen[0].phase, seen[-1].phase] == ["scan", "done"]
    assert (seen[-1].files_done, seen[-1].files_total, seen[-1].chunks_done) == (5, 5, 5)


def test_second_ingestion_at_the_same_time_is_refused(index: Index, folder: Path) -> None:
    refused: list[str] = []

    def again(_: IngestProgress) -> None:
        def attempt() -> None:
            try:
                index.sync(folder)
            except IndexerError as reason:
                refused.append(str(reason))

        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()

    index.sync(folder, progress=again)
    assert refused
    assert all("running already" in reason for reason in refused)


def test_held_index_names_its_holder(index: Index, minilm: Embedder) -> None:
    with pytest.raises(StoreLocked, match=rf"process {os.getpid()}"):
        Index.open(index.path, minilm)


def test_missing_index_is_not_created_unasked(tmp_path: Path, minilm: Embedder) -> None:
    with pytest.raises(StoreError, match="no index"):
        Index.open(tmp_path / "index", minilm, create=False)
    assert not (tmp_path / "index").exists()


def test_deleted_document_is_gone_and_comes_back_with_its_file(index: Index, folder: Path) -> None:
    index.sync(folder)
    assert index.delete("cats.txt")
    assert not index.delete("cats.txt")
    assert index.verify() == []
    assert outcomes(index.sync(folder))["cats.txt"] == "added"


def test_closed_index_says_so(tmp_path: Path, minilm: Embedder) -> None:
    index = Index.open(tmp_path / "index", minilm)
    index.close()
    index.close()
    with pytest.raises(StoreError, match="closed"):
        index.counts()
