"""What an ingest run came to, by format: how much of a folder could be read, and why not the rest."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

WITH_TEXT = frozenset({"added", "changed", "unchanged", "renamed"})


def summary(report: Mapping[str, Any]) -> dict[str, Any]:
    """An ingest report, as plain values, summed up: outcomes, time, and by ending what was read and what not.

    Formats are told by the files' endings, in lower case, most files first. A removed file is no file of the folder.
    """
    files = [one for one in report["outcomes"] if one["outcome"] != "removed"]
    formats: dict[str, dict[str, Any]] = {}
    for one in files:
        ending = PurePosixPath(one["file"]).suffix.lower() or "none"
        row = formats.setdefault(ending, {"files": 0, "with_text": 0, "chunks": 0, "without_text": Counter()})
        row["files"] += 1
        if one["outcome"] in WITH_TEXT:
            row["with_text"] += 1
            row["chunks"] += one["chunks"]
        else:
            row["without_text"][f"{one['outcome']}: {one['reason']}"] += 1
    return {
        "files": len(files),
        "with_text": sum(row["with_text"] for row in formats.values()),
        "outcomes": dict(sorted(Counter(one["outcome"] for one in report["outcomes"]).items())),
        "chunks": sum(one["chunks"] for one in files),
        "tokens": sum(one["tokens"] for one in files),
        "seconds": round(report["seconds"], 1),
        "stage_seconds": {name: round(spent, 1) for name, spent in report["stages"].items()},
        "formats": {
            ending: row | {"without_text": dict(row["without_text"].most_common())}
            for ending, row in sorted(formats.items(), key=lambda item: (-item[1]["files"], item[0]))
        },
    }
