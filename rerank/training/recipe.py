"""What a training run is made of: two sizes, every number named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from rerank.training.mining import Rules

Size = Literal["small", "full"]

CAPS: Mapping[str, int] = MappingProxyType({"squad-train": 40_000, "jaquad-train": 1_000, "metatool:train": 4_000})
"""Most queries of a source: the largest would drown the rest, the base model hardly knows Japanese, and the tool
queries share 200 tools."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what comes out, besides the pairs and the base model."""

    pairs: int
    """Training queries at most, shared evenly between sources."""
    epochs: int
    batch: int
    """Queries per step; each brings its positive and `negatives` hard ones, and meets the others' positives too."""
    negatives: int
    layers: int
    """Uppermost layers that are trained."""
    rate: float
    held_out: int
    """Queries kept for choosing the best step."""
    held_out_list: int
    """Passages that each of them is ranked against."""
    every: int
    """Steps between two looks at the held-out queries."""
    query_tokens: int = 48
    passage_tokens: int = 160
    warm_up: float = 0.1
    """Part of the run in which the rate rises; after it, it falls to zero in a straight line."""
    decay: float = 0.01
    clip: float = 1.0
    """Longest gradient."""
    head_rate: float = 1e-3
    """Rate of the query weights, which start from nothing."""
    temperature: float = 0.02
    """Of MaxSim, a mean of cosines."""
    cosine: float = 0.3
    """Weight of the loss of the one-vector cosine, by which the same encoder serves dense retrieval."""
    cosine_temperature: float = 0.05
    distil: float = 0.3
    """Share of the ensemble teacher in the loss."""
    rules: Rules = field(default_factory=Rules)
    caps: Mapping[str, int] = field(default_factory=lambda: CAPS)
    seed: int = 0


_SMALL = Recipe(
    pairs=40_000,
    epochs=1,
    batch=64,
    negatives=15,
    layers=6,
    rate=5e-5,
    held_out=300,
    held_out_list=30,
    every=100,
    passage_tokens=128,
)
_FULL = Recipe(
    pairs=1_000_000,
    epochs=3,
    batch=256,
    negatives=15,
    layers=6,
    rate=1e-4,
    held_out=1_000,
    held_out_list=40,
    every=250,
    passage_tokens=192,
)


def recipe(size: Size, seed: int = 0) -> Recipe:
    """The recipe of a size: "small" for two CPU cores, "full" for a GPU."""
    return replace(_SMALL if size == "small" else _FULL, seed=seed)
