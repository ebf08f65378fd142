"""The pool of passages that negatives are drawn from, read by the base model once, and the search through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from rerank.training.loss import interaction
from rerank.training.mining import Mined, Rules, blend, lexical, lexical_scores, select, top
from rerank.training.model import TokenEncoder

Say = Callable[[str], None]

_GPU_QUERIES = 256
_CPU_QUERIES = 16


@dataclass(frozen=True, slots=True)
class Pool:
    """Passages as word pieces, BM25 weights and the base model's vectors."""

    pieces: Sequence[Sequence[int]]
    """With the specials."""
    terms: Tensor
    """BM25 weights, sparse (n, vocabulary)."""
    tokens: Tensor
    """Unit vectors of all tokens, one passage after another, (T, H)."""
    starts: Tensor
    """First row of each passage in `tokens`, and T at the end, (n + 1,)."""
    means: Tensor
    """Unit vectors of the passages, (n, H)."""


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


@torch.inference_mode()
def read_pool(model: TokenEncoder, pieces: Sequence[Sequence[int]], say: Say) -> Pool:
    """Return the pool as the model, still untrained, sees it."""
    device = model.device
    lengths = torch.tensor([len(one) for one in pieces])
    starts = torch.cat((torch.zeros(1, dtype=torch.long), lengths.cumsum(0)))
    width = int(model.body.config.hidden_size)
    kind = torch.bfloat16 if device.type == "cpu" else torch.float16
    tokens = torch.empty(int(starts[-1]), width, dtype=kind, device=device)
    means = torch.empty(len(pieces), width, device=device)
    order = sorted(range(len(pieces)), key=lambda place: len(pieces[place]))
    step = 256 if device.type == "cpu" else 2048
    for first in range(0, len(order), step):
        chosen = order[first : first + step]
        with model.autocast():
            wide, mask = model.states([pieces[place] for place in chosen], wide=True)
        for row, place in enumerate(chosen):
            means[place] = wide[row][mask[row]].mean(dim=0)
            tokens[starts[place] : starts[place + 1]] = normalize(wide[row][mask[row]], dim=1).to(kind)
        if first % (step * 8) == 0:
            say(f"pool: {first} of {len(order)} passages read")
    inner = [one[1:-1] for one in pieces]
    return Pool(pieces, lexical(inner, model.vocabulary, device), tokens, starts.to(device), normalize(means, dim=1))


@torch.inference_mode()
def candidates(model: TokenEncoder, pool: Pool, wanted: Sequence[Wanted], depth: int) -> Iterator[Candidates]:
    """Yield, for each wanted query in order, its first-stage candidates with the teacher's scores."""
    step = _CPU_QUERIES if model.device.type == "cpu" else _GPU_QUERIES
    for first in range(0, len(wanted), step):
        batch = wanted[first : first + step]
        with model.autocast():
            wide, mask = model.states([one.pieces for one in batch], wide=True)
        mean = normalize((wide * mask[:, :, None]).sum(dim=1), dim=1)
        words = lexical_scores(pool.terms, [one.pieces[1:-1] for one in batch])  # (q, n)
        cosines = mean @ pool.means.T  # (q, n)
        positives = torch.tensor([[one.positive] for one in batch], device=model.device)
        places = torch.cat((positives, top(words, depth), top(cosines, depth)), dim=1)  # (q, 1 + 2 depth)
        similar = _interactions(model, pool, normalize(wide, dim=2), mask, places)
        lexical_part, cosine = words.gather(1, places), cosines.gather(1, places)
        blended = blend(lexical_part, cosine, similar)
        for row in range(len(batch)):
            yield Candidates(tuple(places[row].tolist()), tuple(blended[row].tolist()), tuple(similar[row].tolist()))


def mine(
    model: TokenEncoder, pool: Pool, wanted: Sequence[Wanted], apart: frozenset[int], rules: Rules, say: Say
) -> list[Mined]:
    """Return each query's hard negatives, none of them among the places `apart`."""
    found: list[Mined] = []
    for one, got in zip(wanted, candidates(model, pool, wanted, rules.depth), strict=True):
        found.append(select(got.places, got.blended, got.interaction, one.forbidden | apart, one.positive, rules))
        if len(found) % 1000 == 0:
            say(f"negatives: {len(found)} of {len(wanted)} queries mined")
    return found


def _interactions(model: TokenEncoder, pool: Pool, asked: Tensor, counts: Tensor, places: Tensor) -> Tensor:
    """MaxSim of each query with its own candidates, (q, m); queries one at a time, their passages gathered."""
    weights = model.weights(asked, counts)
    rows: list[Tensor] = []
    for row in range(len(places)):
        first, last = pool.starts[places[row]], pool.starts[places[row] + 1]
        longest = int((last - first).max())
        column = torch.arange(longest, device=places.device)
        mask = column < (last - first)[:, None]  # (m, d)
        inside = (first[:, None] + column).clamp(max=len(pool.tokens) - 1)
        vectors = pool.tokens[inside].float()  # (m, d, H)
        rows.append(interaction(asked[row : row + 1], weights[row : row + 1], vectors, mask)[0])
    return torch.stack(rows)
