"""Claims about filters: which documents they leave in, and that a search keeps to them."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import pytest
from hash_embedder import HashEmbedder

from indexer.catalog.filters import Filters
from indexer.errors import BadName
from indexer.index import Index
from indexer.report import IngestOptions


def at(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 10**9)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Index:
    """Two folders in one index, the second one in a collection; files of several types and dates."""
    base = tmp_path_factory.mktemp("library")
    files = {
        "plain/readme.md": "2024-05-01T12:00:00",
        "plain/notes/walrus.txt": "2024-05-02T00:00:00",
        "plain/notes/deep/seal.rst": "2024-05-02T23:59:59",
        "papers/walrus.txt": "2025-01-01T00:00:00",
        "papers/table.csv": "2025-01-02T00:00:00",
    }
    for name, moment in files.items():
        path = base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"item,price\nThe walrus of {name} swims,1\n")
        os.utime(path, ns=(at(moment), at(moment)))
    index = Index.open(base / "index", HashEmbedder())
    index.sync(base / "plain")
    index.sync(base / "papers", IngestOptions(collection="science"))
    return index


ALL = ["notes/deep/seal.rst", "notes/walrus.txt", "papers:table.csv", "papers:walrus.txt", "readme.md"]


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        (Filters(), ALL),
        (Filters(collection="science"), ["papers:table.csv", "papers:walrus.txt"]),
        (Filters(collection=""), ["notes/deep/seal.rst", "notes/walrus.txt", "readme.md"]),
        (Filters(collection="unknown"), []),
        (Filters(path="*.txt"), ["notes/walrus.txt", "papers:walrus.txt"]),
        (Filters(path="/walrus.txt"), ["papers:walrus.txt"]),
        (Filters(path="notes/"), ["notes/deep/seal.rst", "notes/walrus.txt"]),
        (Filters(path="notes/**/*.rst"), ["notes/deep/seal.rst"]),
        (Filters(kind="markdown"), ["readme.md"]),
        (Filters(kind=".MD"), ["readme.md"]),
        (Filters(kind="csv"), ["papers:table.csv"]),
        (Filters(kind="%"), []),
        (Filters(since="2024-05-02", until="2024-05-02"), ["notes/deep/seal.rst", "notes/walrus.txt"]),
        (Filters(until="2024-05-02T00:00:00"), ["notes/walrus.txt", "readme.md"]),
        (Filters(since="2024-05-02T00:00:01"), ["notes/deep/seal.rst", "papers:table.csv", "papers:walrus.txt"]),
        (Filters(collection="science", path="*.txt", kind="txt", since="2025-01-01"), ["papers:walrus.txt"]),
    ],
)
def test_filters_leave_in_what_has_everything_that_is_asked_for(
    library: Index, filters: Filters, left: list[str]
) -> None:
    with library.snapshot() as now:
        names, count = now.matching(filters)
        found = now.retrieve([now.by_terms("walrus", filters=filters)], 50)
    assert (ALL if names is None else names) == left
    assert count == len(left)
    assert sorted(chunk.document for chunk in found.chunks.values()) == left


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        (Filters(since="yesterday"), "since is an ISO 8601 date"),
        (Filters(until="2024-13-01"), "until is an ISO 8601 date"),
        (Filters(path="!a"), "names no file"),
        (Filters(path=" "), "names no file"),
    ],
)
def test_a_filter_that_cannot_be_understood_is_named(filters: Filters, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        filters.check()


def test_a_date_with_a_zone_means_that_moment() -> None:
    Filters(since="2024-05-02T10:00:00+05:00", until="2024-05-02T10:00Z").check()


def counted(index: Index, collection: str) -> int:
    with index.snapshot() as now:
        return now.matching(Filters(collection=collection))[1]


def test_a_folder_keeps_its_collection_until_it_is_given_another_one(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.txt").write_text("A walrus.")
    with Index.open(tmp_path / "index", HashEmbedder()) as index:
        index.sync(folder, IngestOptions(collection="sea", dry_run=True))
        assert counted(index, "sea") == 0
        index.sync(folder, IngestOptions(collection="sea"))
        index.sync(folder)
        assert index.documents()[0].collection == "sea"
        index.sync(folder, IngestOptions(rebuild=True))
        assert index.documents()[0].collection == "sea"
        index.sync(folder, IngestOptions(collection="ocean"))
        assert counted(index, "ocean") == 1
        index.sync(folder, IngestOptions(collection=""))
        assert index.documents()[0].collection == ""


@pytest.mark.parametrize("name", [" padded ", "two\nlines", "x" * 101])
def test_a_collection_that_cannot_be_typed_is_refused(tmp_path: Path, name: str) -> None:
    with Index.open(tmp_path / "index", HashEmbedder()) as index, pytest.raises(BadName, match="cannot be called"):
        index.sync(tmp_path, IngestOptions(collection=name))
