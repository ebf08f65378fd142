"""Late interaction as a training objective: every query against every passage of the batch, and the listwise loss."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, kl_div, log_softmax, softmax

TEMPERATURE = 0.03
"""Mean token maxima of one query differ by a few hundredths; divided by this they spread over a few units."""


def interaction(queries: Tensor, weights: Tensor, passages: Tensor, mask: Tensor) -> Tensor:
    """Return the weighted mean of token maxima of every query with every passage, (B, P).

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


def listwise(
    scores: Tensor, lists: Tensor, barred: Tensor, teacher: Tensor, *, temperature: float, distil: float
) -> Tensor:
    """Return the mean loss of a batch: softmax over all passages, and over each own list the teacher's distribution.

    Args:
        scores: of every query with every passage (B, P).
        lists: columns of each query's own passages, the positive first, -1 where a list is short (B, 1 + k).
        barred: True where a passage may answer the query although it belongs to another one (B, P).
        teacher: the teacher's scores of the own passages (B, 1 + k).
        temperature: divides the scores.
        distil: share of the teacher's part, 0 to 1.
    """
    logits = (scores / temperature).masked_fill(barred, -torch.inf)
    hard = cross_entropy(logits, lists[:, 0])
    if distil == 0.0:
        return hard
    short = lists < 0
    own = torch.gather(scores / temperature, 1, lists.clamp(min=0)).masked_fill(short, -1e4)
    target = softmax(teacher.masked_fill(short, -1e4), dim=1)
    soft = kl_div(log_softmax(own, dim=1), target, reduction="batchmean")
    return (1 - distil) * hard + distil * soft
