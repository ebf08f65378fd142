"""Scores of late interaction as the training sees them, and the listwise loss over them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, kl_div, log_softmax, softmax

BARRED = -1e4
"""Score of a passage that takes no part: its share of a softmax is nothing."""


def interaction(queries: Tensor, weights: Tensor, passages: Tensor, mask: Tensor) -> Tensor:
    """MaxSim of every query with every passage, (B, P): a weighted mean of cosines.

    Args:
        queries: unit vectors (B, q, H).
        weights: of the query tokens (B, q), 0 for padding, each row adding up to 1.
        passages: unit vectors (P, d, H).
        mask: True for the passage tokens that count, (P, d).
    """
    count, length, width = queries.shape
    similar = queries.reshape(-1, width) @ passages.reshape(-1, width).T  # (B q, P d)
    similar = similar.view(count, length, *mask.shape).masked_fill(~mask, -1.0)
    return (similar.amax(dim=3) * weights[:, :, None]).sum(dim=1)


def own_interaction(queries: Tensor, weights: Tensor, passages: Tensor, mask: Tensor) -> Tensor:
    """MaxSim of every query with its own passages, (B, k).

    Args:
        queries: unit vectors (B, q, H).
        weights: of the query tokens (B, q), 0 for padding, each row adding up to 1.
        passages: unit vectors (B, k, d, H).
        mask: True for the passage tokens that count, (B, k, d).
    """
    similar = torch.einsum("bqh,bkdh->bkqd", queries, passages).masked_fill(~mask[:, :, None], -1.0)
    return (similar.amax(dim=3) * weights[:, None]).sum(dim=2)


def contrast(own: Tensor, others: Tensor, temperature: float) -> Tensor:
    """The mean cross-entropy of the first own passage against all the others.

    Args:
        own: scores of each query's own passages, its positive first, `BARRED` where a list is short, (B, k).
        others: scores of the other queries' positives, `BARRED` where one may answer, (B, m).
        temperature: divides the scores.
    """
    logits = torch.cat((own, others), dim=1) / temperature
    return cross_entropy(logits, torch.zeros(len(own), dtype=torch.long, device=own.device))


def listwise(own: Tensor, others: Tensor, teacher: Tensor, *, temperature: float, distil: float) -> Tensor:
    """The mean loss of a batch: `contrast`, and over each own list the teacher's distribution.

    Args:
        own: as in `contrast`.
        others: as in `contrast`.
        teacher: the teacher's scores of the own passages, `BARRED` where a list is short, (B, k).
        temperature: divides the scores.
        distil: share of the teacher's part, 0 to 1.
    """
    hard = contrast(own, others, temperature)
    if distil == 0.0:
        return hard
    soft = kl_div(log_softmax(own / temperature, dim=1), softmax(teacher, dim=1), reduction="batchmean")
    return (1 - distil) * hard + distil * soft
