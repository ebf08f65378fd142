"""After any sequence of changes to a folder, the index equals one that was built from what is there."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hash_embedder import HashEmbedder
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from whole import content, content_of

from indexer.index import Index
from indexer.report import IngestOptions
from rerank.models.running import Cancel

pytestmark = pytest.mark.disk

NAMES = st.sampled_from(["a.txt", "b.md", "sub/c.txt", "sub/deep/d.txt", "é ü.txt", "e.csv"])
TEXTS = st.sampled_from(
    [
        "",
        "alpha beta gamma",
        "alpha beta gamma\n\nwalrus",
        "# Title\n\nA walrus, number 7.\n",
        "changed " * 300,
        "item,price\nlamp,12\nwalrus,7\n",
        "the of and",
    ]
)


class History(RuleBasedStateMachine):
    """A person works in a folder and ingests now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.base = Path(tempfile.mkdtemp(prefix="history-"))
        self.folder = self.base / "folder"
        self.folder.mkdir()
        self.index = Index.open(self.base / "index", HashEmbedder())
        self.clock = 1_000_000_000
        self.checked = True
        self.builds = 0

    def teardown(self) -> None:
        """Close and remove everything."""
        self.index.close()
        shutil.rmtree(self.base)

    @property
    def files(self) -> list[Path]:
        """What is in the folder now."""
        return sorted(path for path in self.folder.rglob("*") if path.is_file())

    def settle(self, path: Path) -> None:
        """Give the file a time of its own, long past, so that it is trusted from now on."""
        self.clock += 1
        os.utime(path, (self.clock, self.clock))

    @rule(name=NAMES, text=TEXTS, old=st.booleans())
    def write(self, name: str, text: str, *, old: bool) -> None:
        """Add or change a file, just now or long ago."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if old:
            self.settle(path)

    @precondition(lambda self: self.files)
    @rule(which=st.integers(0, 20), name=NAMES)
    def rename(self, which: int, name: str) -> None:
        """Rename a file, possibly over another one."""
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        self.files[which % len(self.files)].rename(self.folder / name)

    @precondition(lambda self: self.files)
    @rule(which=st.integers(0, 20), name=NAMES)
    def copy(self, which: int, name: str) -> None:
        """Copy a file, possibly over another one."""
        source = self.files[which % len(self.files)]
        if source != self.folder / name:
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, self.folder / name)

    @precondition(lambda self: self.files)
    @rule(which=st.integers(0, 20))
    def delete(self, which: int) -> None:
        """Delete a file."""
        self.files[which % len(self.files)].unlink()

    @precondition(lambda self: self.files)
    @rule(which=st.integers(0, 20))
    def touch(self, which: int) -> None:
        """Give a file another time."""
        self.settle(self.files[which % len(self.files)])

    @precondition(lambda self: self.index.counts()[0])
    @rule(which=st.integers(0, 20))
    def forget(self, which: int) -> None:
        """Delete a document from the index while its file stays."""
        documents = self.index.documents()
        self.index.delete(documents[which % len(documents)].document)

    @rule(collection=st.sampled_from([None, "sea", ""]))
    def ingest(self, collection: str | None) -> None:
        """Plan, then ingest: every file once, and as it was planned."""
        planned = self.index.sync(self.folder, IngestOptions(dry_run=True, allow_empty=True))
        foreseen = {one.file: one.outcome for one in planned.outcomes}
        report = self.index.sync(self.folder, IngestOptions(allow_empty=True, collection=collection))
        assert len({one.file for one in report.outcomes}) == len(report.outcomes)
        for one in report.outcomes:
            assert one.outcome == foreseen[one.file] or one.outcome == "empty"
        self.checked = False

    @rule()
    def cancel(self) -> None:
        """Start a run that is cancelled at once: the index is whole."""
        stop = Cancel()
        stop.request()
        self.index.sync(self.folder, IngestOptions(allow_empty=True), cancel=stop)
        content_of(self.index)

    @rule()
    def reopen(self) -> None:
        """Close the index and open it again."""
        self.index.close()
        self.index = Index.open(self.base / "index", HashEmbedder())

    @invariant()
    def equals_a_clean_build(self) -> None:
        """Once after each ingest: the same chunks, vectors and documents as a new index."""
        if self.checked:
            return
        self.checked = True
        self.builds += 1
        now = content_of(self.index)
        with Index.open(self.base / f"clean-{self.builds}", HashEmbedder()) as clean:
            root = self.index.documents()
            clean.sync(self.folder, IngestOptions(allow_empty=True, collection=root[0].collection if root else ""))
        assert now == content(self.base / f"clean-{self.builds}")


History.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=14,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
test_history = pytest.mark.crash(History.TestCase)
