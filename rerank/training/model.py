"""The network that is trained: an encoder whose embeddings stay as they are, and a weight for every query token."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, softplus

from rerank.device import native_bf16
from rerank.shared import QUERY_WEIGHT
from rerank.training.loss import interaction

_CPU_TOKENS = 4096
"""Tokens per forward on a CPU, padding included: more fall out of its caches."""
_GPU_TOKENS = 65536


class TokenEncoder(nn.Module):
    """Unit vectors of tokens, and how much each counts in a query; starts as the base model with equal weights."""

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
        hidden = int(self.body.config.hidden_size)
        self.weigh = nn.Linear(hidden, 1)
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

    def autocast(self) -> torch.autocast:
        """Return the context of a forward pass: bf16, except on a CPU that does not multiply it in hardware."""
        return torch.autocast(
            self.device.type, dtype=torch.bfloat16, enabled=self.device.type != "cpu" or native_bf16()
        )

    def trained(self) -> dict[str, Tensor]:
        """Return what is trained, by its name in a published BERT folder; `query_weight` is ours."""
        return {_published(name): one for name, one in self.named_parameters() if one.requires_grad}

    def states(self, texts: Sequence[Sequence[int]], *, wide: bool = False) -> tuple[Tensor, Tensor]:
        """Return token vectors (n, d, H), with `wide` before normalisation, and a mask (n, d) of what is no padding.

        Args:
            texts: word pieces with the first and last special.
            wide: leave the vectors as long as they are.
        """
        longest = max(len(text) for text in texts)
        budget = _CPU_TOKENS if self.device.type == "cpu" else _GPU_TOKENS
        rising = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        parts: list[Tensor] = []
        end = len(rising)
        while end:
            start = max(0, end - max(1, budget // len(texts[rising[end - 1]])))
            parts.append(self._forward([texts[place] for place in rising[start:end]], longest))
            end = start
        together = torch.cat(parts[::-1])  # in rising order of length
        back = torch.empty(len(texts), dtype=torch.long)
        back[rising] = torch.arange(len(texts))
        vectors = together[back.to(self.device)].float()
        lengths = torch.tensor([len(text) for text in texts], device=self.device)
        column = torch.arange(longest, device=self.device)
        mask = column < lengths[:, None]
        return (vectors if wide else normalize(vectors, dim=2)), mask

    def weights(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Return the share of each query token, (B, q) from unit vectors (B, q, H); each row adds up to 1."""
        raw = softplus(self.weigh(vectors))[:, :, 0] * mask
        return raw / raw.sum(dim=1, keepdim=True).clamp(min=1e-6)

    def score(self, queries: Sequence[Sequence[int]], passages: Sequence[Sequence[int]]) -> Tensor:
        """Return the score of every query with every passage, (B, P)."""
        asked, counts = self.states(queries)
        vectors, mask = self.states(passages)
        with torch.autocast(self.device.type, enabled=False):  # bf16 keeps two digits of a cosine: too few to rank by
            return interaction(asked, self.weights(asked, counts), vectors, mask)

    def _forward(self, texts: Sequence[Sequence[int]], longest: int) -> Tensor:
        width = max(len(text) for text in texts)
        ids = torch.zeros(len(texts), width, dtype=torch.long)
        mask = torch.zeros(len(texts), width, dtype=torch.long)
        for row, text in enumerate(texts):
            ids[row, : len(text)] = torch.tensor(list(text))
            mask[row, : len(text)] = 1
        out: Tensor = self.body(input_ids=ids.to(self.device), attention_mask=mask.to(self.device)).last_hidden_state
        return nn.functional.pad(out, (0, 0, 0, longest - width))


def _published(name: str) -> str:
    if name.startswith("weigh."):
        return QUERY_WEIGHT + name.removeprefix("weigh.")
    return name.removeprefix("body.")
