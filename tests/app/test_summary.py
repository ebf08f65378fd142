"""An ingest run summed up by format."""

from __future__ import annotations

from dataclasses import asdict

from app.summary import summary
from indexer.report import FileOutcome, IngestReport


def test_formats_are_counted_with_the_reasons_of_what_gave_no_text() -> None:
    report = IngestReport(
        "papers",
        (
            FileOutcome("a.PDF", "added", "", 3, 90),
            FileOutcome("b/c.pdf", "empty", "No text layer."),
            FileOutcome("b/d.pdf", "empty", "No text layer."),
            FileOutcome("e.pdf", "unchanged", "", 2),
            FileOutcome("gone.pdf", "removed"),
            FileOutcome("LICENSE", "renamed", "It was COPYING.", 1, 20),
            FileOutcome("x.bin", "skipped", "It is a program."),
        ),
        12.34,
        stages={"read": 1.26, "embed": 9.0},
    )

    assert asdict(summary(report)) == {
        "files": 6,
        "with_text": 3,
        "outcomes": {"added": 1, "empty": 2, "removed": 1, "renamed": 1, "skipped": 1, "unchanged": 1},
        "chunks": 6,
        "tokens": 110,
        "seconds": 12.3,
        "stage_seconds": {"read": 1.3, "embed": 9.0},
        "formats": {
            ".pdf": {"files": 4, "with_text": 2, "chunks": 5, "without_text": {"empty: No text layer.": 2}},
            ".bin": {"files": 1, "with_text": 0, "chunks": 0, "without_text": {"skipped: It is a program.": 1}},
            "none": {"files": 1, "with_text": 1, "chunks": 1, "without_text": {}},
        },
    }
