"""How a scorer is found, loaded and run: one value for every family."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rerank.remote.http import Patience
    from rerank.scores_cache import ScoreCache
    from rerank.vectors_cache import VectorCache

IDLE_SECONDS = 15 * 60.0
_VECTOR_BYTES = 512 << 20


@dataclass(frozen=True, slots=True)
class Loading:
    """What may be asked of a model; a family leaves out what has no meaning for it."""

    device: str | None = None
    """"cpu", "cuda", "cuda:0", "mps"; None is the fastest."""
    dtype: str | None = None
    """"fp32", "bf16", "fp16", "int8"; None is the fastest that keeps the ranking."""
    kernel: str | None = None
    """"flash-attn", "torch varlen", "sdpa"; None is the fastest."""
    max_window: int | None = None
    """Most tokens per window, if fewer than the model could read."""
    token_budget: int | None = None
    """Tokens per batch; None for what the device takes well."""
    passages_per_pass: int | None = None
    """How many passages a listwise model reads at once; None is 64."""
    idle_seconds: float | None = IDLE_SECONDS
    """Weights are dropped after this long without a call; None never."""
    allow_download: bool = False
    """Fetch a model from the hub if it is not in the local cache."""
    allow_pickle: bool = False
    """Read pickled weights where there are no safetensors."""
    trust_remote_code: bool = False
    """Run Python files that come with a checkpoint, where it cannot be read without; warns."""
    api_key: str | None = field(default=None, repr=False)
    """Sent to a server as a bearer token."""
    patience: Patience | None = None
    """How long a server is waited for; None is `rerank.remote.http.Patience()`."""
    scores: ScoreCache | None = None
    """Where scores are kept between calls; None keeps none."""
    vectors: VectorCache | None = None
    """Where token vectors are kept; None keeps some in memory."""


DEFAULT = Loading()


def _scores() -> ScoreCache:
    from rerank.scores_cache import ScoreCache

    return ScoreCache()


def _vectors() -> VectorCache:
    from rerank.vectors_cache import VectorCache

    return VectorCache(_VECTOR_BYTES)


@dataclass(frozen=True, slots=True)
class Caches:
    """What scorers keep between calls; pass one to several scorers to share the room."""

    scores: ScoreCache = field(default_factory=_scores)
    vectors: VectorCache = field(default_factory=_vectors)
