"""The network that is trained: the query's side of late interaction, an encoder and a weight for every query token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, softplus

from rerank.models.device import native_bf16
from rerank.models.trained_folder import QUERY_WEIGHT


@dataclass(frozen=True, slots=True)
class Asked:
    """Queries as vectors. B queries of at most q tokens, H wide."""

    tokens: Tensor
    """Unit vectors, (B, q, H)."""
    weights: Tensor
    """What each token counts, (B, q): 0 for padding, each row adding up to 1."""
    means: Tensor
    """Unit vectors of the mean of the tokens, (B, H)."""


class QueryEncoder(nn.Module):
    """Queries as token vectors and as one vector; starts as the base model with equal weights."""

    def __init__(self, base: Path, layers: int) -> None:
        """Load the base.

        Args:
            base: folder of a BERT encoder.
            layers: how many of the uppermost layers are trained; embeddings never are.
        """
        super().__init__()
        from transformers import AutoModel
        from transformers.utils import logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        self.body: Any = AutoModel.from_pretrained(str(base), attn_implementation="sdpa", add_pooling_layer=False)
        self.body.requires_grad_(requires_grad=False)
        blocks = self.body.encoder.layer
        for block in blocks[max(0, len(blocks) - layers) :]:
            block.requires_grad_(requires_grad=True)
        self.body.eval()  # no dropout: equal seeds give equal runs, and the teacher sees what the student sees
        self.weigh = nn.Linear(int(self.body.config.hidden_size), 1)
        nn.init.zeros_(self.weigh.weight)
        nn.init.ones_(self.weigh.bias)

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.weigh.weight.device

    @property
    def vocabulary(self) -> int:
        """Word pieces that it knows."""
        return int(self.body.config.vocab_size)

    def trained(self) -> dict[str, Tensor]:
        """What is trained, by its name in a published BERT folder; `query_weight` is ours."""
        return {_published(name): one for name, one in self.named_parameters() if one.requires_grad}

    def ask(self, queries: Sequence[Sequence[int]]) -> Asked:
        """The queries as vectors; the forward pass is in bf16, except on a CPU that does not multiply it.

        Args:
            queries: word pieces with the first and last special.
        """
        width = max(len(one) for one in queries)
        ids = torch.zeros(len(queries), width, dtype=torch.long)
        for row, one in enumerate(queries):
            ids[row, : len(one)] = torch.tensor(list(one))
        lengths = torch.tensor([len(one) for one in queries])
        mask = (torch.arange(width) < lengths[:, None]).to(self.device)
        native = self.device.type != "cpu" or native_bf16()
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=native):
            states = self.body(input_ids=ids.to(self.device), attention_mask=mask.long()).last_hidden_state.float()
        tokens = normalize(states, dim=2)
        raw = softplus(self.weigh(tokens))[:, :, 0] * mask
        means = normalize((states * mask[:, :, None]).sum(dim=1), dim=1)
        return Asked(tokens, raw / raw.sum(dim=1, keepdim=True).clamp(min=1e-6), means)


def _published(name: str) -> str:
    if name.startswith("weigh."):
        return QUERY_WEIGHT + name.removeprefix("weigh.")
    return name.removeprefix("body.")
