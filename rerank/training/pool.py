"""The pool of passages: read by the base model once, kept as the product keeps them, and searched for negatives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from rerank.models.batching import default_budget, run
from rerank.models.checkpoint import read
from rerank.models.crew import Crew
from rerank.models.device import choose
from rerank.models.encoder import Encoder, Tokens
from rerank.training.loss import own_interaction
from rerank.training.mining import Mined, Rules, blend, lexical, lexical_scores, select, top
from rerank.training.model import Asked, QueryEncoder
from rerank.vectors_cache import Packed, pack

Log = Callable[[str], None]

_GPU_QUERIES = 256
_CPU_QUERIES = 16
_STRETCH = 2_000
"""Passages read between two lines for people."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Passages as the base model sees them."""

    codes: Tensor
    """Unit vectors of all tokens in int8, one passage after another, (T, H)."""
    scales: Tensor
    """What a token's codes are multiplied with, (T,)."""
    starts: Tensor
    """First row of each passage in `codes`, and T at the end, (n + 1,)."""
    means: Tensor
    """Unit vectors of the passages, (n, H)."""

    def tokens(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """The token vectors of passages, (..., d, H), and True for what is no padding, (..., d).

        Args:
            places: of any shape.
        """
        first = self.starts[places]
        lengths = self.starts[places + 1] - first
        column = torch.arange(int(lengths.max()), device=places.device)
        inside = (first[..., None] + column).clamp(max=len(self.codes) - 1)
        return self.codes[inside].float() * self.scales[inside][..., None], column < lengths[..., None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A query to mine for."""

    pieces: Sequence[int]
    positive: int
    """Place of its positive in the pool."""
    forbidden: frozenset[int]
    """Places that answer it, its positive among them."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """What the first stages found for one query, the positive first; a passage that both found is there twice."""

    places: tuple[int, ...]
    blended: tuple[float, ...]
    interaction: tuple[float, ...]


def read_pool(base: Path, pieces: Sequence[Sequence[int]], device: torch.device, say: Log) -> Pool:
    """The pool as the untrained model sees it.

    Args:
        base: folder of the base model.
        pieces: passages as word pieces, specials included.
        device: where it is read, and kept.
        say: receives lines for people.
    """
    placement = choose(str(device), None, None)
    encoder = Encoder(read(base), placement)
    crew = Crew(placement.device)
    packed: list[Packed] = []
    means = torch.empty(len(pieces), encoder.shape.hidden)
    for first in range(0, len(pieces), _STRETCH):
        texts = [Tokens(one, len(one)) for one in pieces[first : first + _STRETCH]]

        def compute(batch: list[int], texts: list[Tokens] = texts) -> list[tuple[Packed, Tensor]]:
            states = encoder.states([texts[at] for at in batch])
            return [
                (pack(normalize(one.float(), dim=1).cpu().numpy()), normalize(one.float().mean(dim=0), dim=0).cpu())
                for one in states
            ]

        found = run([len(one) for one in texts], default_budget(placement), compute, crew=crew, padded=placement.padded)
        for at, (one, mean) in enumerate(found.results, start=first):
            packed.append(one)
            means[at] = mean
        say(f"pool: {len(packed)} of {len(pieces)} passages read")
    lengths = torch.tensor([len(one.codes) for one in packed])
    return Pool(
        torch.from_numpy(np.concatenate([one.codes for one in packed])).to(device),
        torch.from_numpy(np.concatenate([one.scales for one in packed])).to(device),
        torch.cat((torch.zeros(1, dtype=torch.long), lengths.cumsum(0))).to(device),
        means.to(device),
    )


@torch.inference_mode()
def candidates(
    model: QueryEncoder, pool: Pool, terms: Tensor, wanted: Sequence[Wanted], depth: int
) -> Iterator[Candidates]:
    """Yield, for each wanted query in order, its first-stage candidates with the teacher's scores.

    Args:
        model: still untrained.
        pool: what is searched.
        terms: its BM25 weights (`mining.lexical`).
        wanted: queries.
        depth: passages from each of the two first stages.
    """
    step = _CPU_QUERIES if model.device.type == "cpu" else _GPU_QUERIES
    for first in range(0, len(wanted), step):
        batch = wanted[first : first + step]
        asked = model.ask([one.pieces for one in batch])
        words = lexical_scores(terms, [one.pieces[1:-1] for one in batch])  # (q, n)
        cosines = asked.means @ pool.means.T  # (q, n)
        positives = torch.tensor([[one.positive] for one in batch], device=model.device)
        places = torch.cat((positives, top(words, depth), top(cosines, depth)), dim=1)  # (q, 1 + 2 depth)
        similar = interactions(pool, asked, places)
        lexical_part, cosine = words.gather(1, places), cosines.gather(1, places)
        blended = blend(lexical_part, cosine, similar)
        for row in range(len(batch)):
            yield Candidates(tuple(places[row].tolist()), tuple(blended[row].tolist()), tuple(similar[row].tolist()))


def mine(
    model: QueryEncoder,
    pool: Pool,
    terms: Tensor,
    wanted: Sequence[Wanted],
    apart: frozenset[int],
    rules: Rules,
    say: Log,
) -> list[Mined]:
    """Each query's hard negatives, none of them among the places `apart`."""
    found: list[Mined] = []
    for one, got in zip(wanted, candidates(model, pool, terms, wanted, rules.depth), strict=True):
        found.append(select(got.places, got.blended, got.interaction, one.forbidden | apart, one.positive, rules))
        if len(found) % 2000 == 0:
            say(f"negatives: {len(found)} of {len(wanted)} queries mined")
    return found


def interactions(pool: Pool, asked: Asked, places: Tensor) -> Tensor:
    """MaxSim of each query with its own passages, (B, k); one query at a time, for a long list's memory."""
    rows = []
    for row in range(len(places)):
        vectors, mask = pool.tokens(places[row : row + 1])
        rows.append(own_interaction(asked.tokens[row : row + 1], asked.weights[row : row + 1], vectors, mask))
    return torch.cat(rows)


def pool_terms(pieces: Sequence[Sequence[int]], vocabulary: int, device: torch.device) -> Tensor:
    """The BM25 weights of a pool of passages given with their specials."""
    return lexical([one[1:-1] for one in pieces], vocabulary, device)
