"""What an ingest run came to, by format: how much of a folder could be read, and why not the rest."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from indexer.report import WITH_TEXT, FileOutcome, IngestReport


@dataclass(frozen=True, slots=True)
class FormatSummary:
    """The files of one ending."""

    files: int
    with_text: int
    chunks: int
    without_text: Mapping[str, int]
    """Files by outcome and reason, the commonest first."""


@dataclass(frozen=True, slots=True)
class IngestSummary:
    """An ingest report summed up. A removed file is no file of the folder: only `outcomes` counts it."""

    files: int
    with_text: int
    outcomes: Mapping[str, int]
    chunks: int
    tokens: int
    seconds: float
    stage_seconds: Mapping[str, float]
    formats: Mapping[str, FormatSummary]
    """By ending in lower case ("none" without one), most files first."""


def summary(report: IngestReport) -> IngestSummary:
    """What the run came to: outcomes, time, and by the files' endings what was read and what not."""
    files = [one for one in report.outcomes if one.outcome != "removed"]
    by_ending: dict[str, list[FileOutcome]] = defaultdict(list)
    for one in files:
        by_ending[PurePosixPath(one.file).suffix.lower() or "none"].append(one)
    formats = {
        ending: _format(some) for ending, some in sorted(by_ending.items(), key=lambda item: (-len(item[1]), item[0]))
    }
    return IngestSummary(
        files=len(files),
        with_text=sum(one.with_text for one in formats.values()),
        outcomes=dict(sorted(report.counts.items())),
        chunks=sum(one.chunks for one in files),
        tokens=sum(one.tokens for one in files),
        seconds=round(report.seconds, 1),
        stage_seconds={name: round(spent, 1) for name, spent in report.stages.items()},
        formats=formats,
    )


def _format(files: list[FileOutcome]) -> FormatSummary:
    read = [one for one in files if one.outcome in WITH_TEXT]
    rest = Counter(f"{one.outcome}: {one.reason}" for one in files if one.outcome not in WITH_TEXT)
    return FormatSummary(len(files), len(read), sum(one.chunks for one in read), dict(rest.most_common()))
