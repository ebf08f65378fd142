"""What a search cost and changed, in one sentence and one bar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from search.result import Result
from search.scorers import NO_SCORER

STAGE_NAMES = {
    "prepare": "prepare",
    "filter": "filter documents",
    "load": "load models",
    "embed": "embed query",
    "dense": "dense search",
    "sparse": "BM25 search",
    "fuse": "fuse",
    "fold": "fold",
    "rerank": "second look",
    "explain": "explain",
}
_SEEN = 0.00005
"""Seconds that are shown as 0.1 ms at least."""


@dataclass(frozen=True, slots=True)
class CostStage:
    """One stage's share of the time."""

    key: str
    name: str
    seconds: float
    share: float
    """Of all stages' seconds added up, 0 to 1; of a search they add up to its total."""


def format_seconds(seconds: float) -> str:
    """A time as people read it: "0.4 ms", "41 ms", "1.24 s", "3 min 5 s"."""
    if seconds < 0.01:  # noqa: PLR2004 - below ten milliseconds a decimal says something
        return f"{seconds * 1000:.1f} ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:  # noqa: PLR2004 - seconds in a minute
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"  # noqa: PLR2004 - three digits are enough
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"  # noqa: PLR2004


def format_wait(seconds: float) -> str:
    """An estimate without false precision: "under a second", "12 s", "3 min 5 s"."""
    if seconds < 1:
        return "under a second"
    return f"{seconds:.0f} s" if seconds < 60 else format_seconds(seconds)  # noqa: PLR2004 - seconds in a minute


def list_stages(seconds: Mapping[str, float]) -> tuple[CostStage, ...]:
    """The stages in the order they were timed, those left out that would show 0.0 ms; unknown names as they are."""
    stages = [(key, value) for key, value in seconds.items() if key != "total" and value >= _SEEN]
    whole = sum(value for _, value in stages)
    return tuple(CostStage(key, STAGE_NAMES.get(key, key), value, value / whole) for key, value in stages)


def total_seconds(seconds: Mapping[str, float]) -> float:
    """The wall time of the whole search; without a "total" the stages added up."""
    return seconds.get("total", sum(value for key, value in seconds.items() if key != "total"))


def summarise(result: Result) -> str:
    """What the second look did, as one sentence."""
    if not result.candidates:
        return "Nothing in the index matches this query."
    whole = format_seconds(total_seconds(result.seconds))
    top = result.top
    if result.settings.scorer == NO_SCORER:
        return f"No second look was taken: this is the first stage's order, found in {whole}."
    look = f"the second look took {format_seconds(result.seconds.get('rerank', 0.0))} of {whole}"
    if not top:
        return f"All {result.cut} passages are below the cut-off, so nothing is left to show; {look}."
    changed = sum(one.moved != 0 for one in top)
    new = sum(one.candidate.rank > result.settings.top_n for one in top)
    if changed == 0:
        order = f"The second look kept the order of the top {len(top)}"
    else:
        order = f"{changed if changed < len(top) else 'All'} of the top {len(top)} changed"
        if new:
            order += f", {new} of them new"
    lead = top[0].candidate.rank
    first = "number 1 stayed" if lead == 1 else f"the new number 1 came from place {lead}"
    return f"{order}; {first}; {look}."
