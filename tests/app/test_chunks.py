"""`secondlook chunks FILE`: how a document would be cut."""

from __future__ import annotations

import json
from pathlib import Path

from commands import secondlook

HANDBOOK = "# Handbook\n\nWords first.\n\n## Brakes\n\n" + "The brakes are looked after by the depot. " * 60


def test_chunks_are_shown_with_place_size_and_headings(tmp_path: Path) -> None:
    (tmp_path / "handbook.md").write_text(HANDBOOK, encoding="utf-8")
    done = secondlook(tmp_path, "chunks", "handbook.md", "--size", "60")
    assert done.status == 0, done.err
    for word in ("handbook.md: markdown", "tokens", "line 1", "line 7", "Handbook > Brakes", "The brakes are looked"):
        assert word in done.out


def test_chunks_as_json_are_whole(tmp_path: Path) -> None:
    (tmp_path / "handbook.md").write_text(HANDBOOK, encoding="utf-8")
    done = secondlook(tmp_path, "chunks", "handbook.md", "--size", "60", "--json")
    found = [json.loads(line) for line in done.out.splitlines()]
    assert all(HANDBOOK[one["start"] : one["end"]] == one["text"] for one in found)
    assert max(one["tokens"] for one in found) <= 60
    assert found[-1]["context"] == "Handbook > Brakes"


def test_what_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 and no more")
    done = secondlook(tmp_path, "chunks", "broken.pdf")
    assert done.status != 0
    assert "The PDF is broken" in done.err
    assert "Traceback" not in done.err + done.out
