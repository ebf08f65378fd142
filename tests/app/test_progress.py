"""Progress where no terminal is: plain lines, not too many."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app import progress
from indexer.report import IngestProgress

NOW = IngestProgress("index", 30, 120, 500, 25.0, 61.4, "notes/a.txt")


def test_a_line_is_said_every_ten_seconds_and_says_how_far_the_run_is() -> None:
    said: list[str] = []
    at = 0.0
    update = progress.lines(said.append, lambda: at)
    at = 9.9
    update(NOW)
    assert said == []
    at = 10.0
    update(NOW)
    at = 19.0
    update(NOW)
    assert said == ["index: 30 of 120 files, 500 chunks, 25/s, 61 s left"]
    at = 20.5
    update(replace(NOW, seconds_left=None, failures=2))
    assert said[1:] == ["index: 30 of 120 files, 500 chunks, 25/s, 2 failed"]


def test_without_a_terminal_a_run_tells_its_progress_in_plain_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.0)
    with progress.bar() as update:
        update(NOW)
        update(replace(NOW, phase="settle", files_done=120))
    assert [line.partition(" files")[0] for line in capsys.readouterr().err.splitlines()] == [
        "index: 30 of 120",
        "settle: 120 of 120",
    ]
