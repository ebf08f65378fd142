"""What a search can be asked for: each setting declared once, with its default, its range and the words for people.

Command line, API and page take their options, fields and controls from here, and all end in `SearchSettings.check`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args, get_type_hints

from indexer.catalog.filters import Filters
from indexer.terms.bm25 import SparseEngine
from search.errors import BadQuery
from search.fusion import SPARSE_WEIGHT

__all__ = [
    "DEFAULT_CANDIDATES",
    "DEFAULT_TOP_N",
    "MAX_CANDIDATES",
    "BlendBy",
    "Fusion",
    "Option",
    "SearchSettings",
    "SettingField",
    "SparseEngine",
    "setting_fields",
]

Fusion = Literal["zscore", "weighted", "rrf"]
"""Standardised scores, scores scaled to 0..1, or reciprocal ranks: `search.fusion`."""
BlendBy = Literal["scores", "ranks"]

DEFAULT_CANDIDATES, MAX_CANDIDATES = 100, 200
DEFAULT_TOP_N = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What every surface says about one setting besides its type and default."""

    label: str
    """A few words beside a control of the page."""
    help: str
    """One line for whoever types it, in a command or a body: what it does, and its range or choices in words."""
    low: float | None = None
    high: float | None = None
    """Smallest and largest value that is taken; None where there is no such limit."""
    slider: tuple[float, float, float] | None = None
    """The stretch that a slider offers, within the range: lowest, highest, step."""
    start: float | None = None
    """Where a control stands as soon as a person sets by hand what is None by default."""
    choices: Mapping[str, str] = field(default_factory=dict)
    """For a setting with choices: each of its type's values with the label that a control shows."""
    example: str = ""
    """What an empty text field shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSettings:
    """Everything a query's outcome depends on besides the index."""

    candidates: Annotated[
        int,
        Option(
            label="Candidates",
            help=f"Passages that get a second look, 1 to {MAX_CANDIDATES}.",
            low=1,
            high=MAX_CANDIDATES,
            slider=(50, MAX_CANDIDATES, 10),
        ),
    ] = DEFAULT_CANDIDATES
    top_n: Annotated[int, Option(label="Shown (top-n)", help="Passages shown.", low=1, slider=(1, 50, 1))] = (
        DEFAULT_TOP_N
    )
    scorer: Annotated[
        str | None, Option(label="Second stage", help="Second stage by name; left out, the default one.")
    ] = None
    """A scorer's name; None is the default one, "none" leaves the first stage's order."""
    fusion: Annotated[
        Fusion,
        Option(
            label="Fusion",
            help="How both retrievers' lists become one: zscore, weighted or rrf.",
            choices={"zscore": "Standardised scores", "weighted": "Scaled scores", "rrf": "Reciprocal ranks"},
        ),
    ] = "zscore"
    sparse_weight: Annotated[
        float | None,
        Option(
            label="Share of BM25",
            help="Share of BM25, 0 to 1; else as measured.",
            low=0,
            high=1,
            slider=(0, 1, 0.05),
            start=SPARSE_WEIGHT,
        ),
    ] = None
    """Share of BM25 in every fusion but reciprocal ranks, 0 to 1; None is `search.fusion.SPARSE_WEIGHT`, more for a
    query in a language that the embedding model was not made for, and 1 in a script that it does not read
    (`search.shares`)."""
    sparse: Annotated[
        SparseEngine,
        Option(
            label="BM25 by",
            help="What computes BM25: qdrant or rank-bm25.",
            choices={"qdrant": "Qdrant sparse vectors", "rank-bm25": "rank-bm25, exact"},
        ),
    ] = "qdrant"
    blend: Annotated[
        float | None,
        Option(
            label="Share of the first stage",
            help="Share of the first stage in the final order, 0 to 1.",
            low=0,
            high=1,
            slider=(0, 1, 0.05),
            start=0,
        ),
    ] = None
    """Share of the first stage in the final order, 0 to 1; None is the scorer's own measured default, or 1 for a query
    in a script that it does not read."""
    blend_by: Annotated[
        BlendBy,
        Option(
            label="Blend by",
            help="What is blended: scores (standardised) or ranks.",
            choices={"scores": "Standardised scores", "ranks": "Ranks"},
        ),
    ] = "scores"
    """What is blended: standardised scores of both stages, or their ranks."""
    cutoff: Annotated[
        float | None, Option(label="Lowest score to keep", help="Cut passages that score below this.", start=0.5)
    ] = None
    """Passages whose second-stage score is below this are cut last and counted; None keeps all."""
    filters: Annotated[
        Filters | None,
        Option(label="Filters", help="What a document must have to be searched; all that is stated has to hold."),
    ] = None
    """Which documents are searched; None searches all. Each filter's words are in `search.filters`."""
    collapse: Annotated[
        bool,
        Option(
            label="Fold passages that say the same",
            help="Fold passages that say the same, figures included, into the best one.",
        ),
    ] = True
    """Whether passages that say the same as a better one are folded into it (`search.result.Candidate.twins`).

    Never where a figure differs: two editions of a rule are told apart by the second stage, not here.
    """
    explain: Annotated[
        bool, Option(label="Explain", help="Score each sentence and BM25 term of the passages shown.")
    ] = True
    """Whether the shown passages get per-sentence scores and BM25 term contributions."""

    def check(self) -> None:
        """Check that every setting is within its range or among its choices, and that the filters can be understood.

        Raises:
            BadQuery: one is not; the message is a sentence that names it and what it may be.
        """
        for one in setting_fields().values():
            one.check(getattr(self, one.name))
        if self.filters is not None:
            try:
                self.filters.check()
            except ValueError as reason:
                raise BadQuery(str(reason)) from reason


@dataclass(frozen=True, slots=True)
class SettingField:
    """One setting as it was declared."""

    name: str
    kind: Any
    """Its type: `int`, `float | None`, a `Literal`."""
    default: Any
    option: Option

    @property
    def choices(self) -> tuple[str, ...]:
        """The values of a setting with choices, in the order in which they are offered; else empty."""
        return get_args(self.kind) if self.option.choices else ()

    def check(self, value: object) -> None:
        """Check that the value may be searched with; None may where it is the default.

        Raises:
            BadQuery: it may not.
        """
        if value is None and self.default is None:
            return
        if self.choices and value not in self.choices:
            raise BadQuery(f"{self.name} must be {_either(self.choices)}, not {value}.")
        low, high = self.option.low, self.option.high
        if low is None or (
            isinstance(value, (int, float)) and low <= value <= (float("inf") if high is None else high)
        ):
            return
        limits = f"at least {low:g}" if high is None else f"between {low:g} and {high:g}"
        raise BadQuery(f"{self.name} must be {limits}, not {value}.")


@cache
def setting_fields() -> Mapping[str, SettingField]:
    """Every setting by name, in the order in which surfaces show them."""
    stated = get_type_hints(SearchSettings, include_extras=True)
    parts = {one.name: (one.default, *get_args(stated[one.name])) for one in fields(SearchSettings)}
    return MappingProxyType(
        {name: SettingField(name, kind, default, option) for name, (default, kind, option) in parts.items()}
    )


def _either(names: tuple[str, ...]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
