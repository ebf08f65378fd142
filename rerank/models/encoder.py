"""One forward pass for every bidirectional encoder here: BERT, XLM-R and JinaBERT, over packed tokens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import embedding, gelu, layer_norm, linear

from rerank.models.attention import Packing, attend, distances
from rerank.models.linear import Linear, prepare
from rerank.models.primitives import bound_primitives

if TYPE_CHECKING:
    from torch import Tensor

    from rerank.models.checkpoint import Checkpoint
    from rerank.models.device import Placement


@dataclass(frozen=True, slots=True)
class Tokens:
    """One input of the model."""

    ids: Sequence[int]
    turn: int
    """Tokens of type 0; those from here on are of type 1. `len(ids)` where the model knows one type."""

    def __len__(self) -> int:
        """Tokens in all."""
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class _Norm:
    """Layer norm in fp32: sums over layers stay exact while the products run in fewer bits."""

    weight: Tensor
    bias: Tensor
    epsilon: float

    def __call__(self, x: Tensor) -> Tensor:
        return layer_norm(x, self.weight.shape, self.weight, self.bias, self.epsilon)


@dataclass(frozen=True, slots=True)
class _Layer:
    query: Linear
    """The upper third of `qkv` by itself, for when one token per sequence asks."""
    keyvalue: Linear
    qkv: Linear
    attended: Linear
    norm1: _Norm
    up: Linear
    down: Linear
    norm2: _Norm


class Encoder:
    """A loaded encoder. Not safe to share between threads: its owner locks around it.

    Symbols in comments: T packed tokens, n sequences, H hidden size, A heads, d = H / A, I inner size.
    """

    def __init__(self, checkpoint: Checkpoint, placement: Placement) -> None:
        bound_primitives()
        self.shape = checkpoint.shape
        self.placement = placement
        weights = checkpoint.weights

        def put(name: str) -> Tensor:
            return weights[name].to(placement.device, placement.dtype)

        def norm(name: str) -> _Norm:
            weight, bias = (
                weights[f"{name}.{part}"].to(placement.device, torch.float32) for part in ("weight", "bias")
            )
            return _Norm(weight, bias, self.shape.epsilon)

        def part(name: str, rows: slice = slice(None), *, activate: bool = False) -> Linear:
            weight, bias = weights[f"{name}.weight"][rows], weights.get(f"{name}.bias")
            if name.endswith("qkv") and not rows.start:
                weight, bias = self._scaled(weight), None if bias is None else self._scaled(bias)
            return prepare(weight, None if bias is None else bias[rows], placement, activate=activate)

        self._word, self._type = put("word"), put("type")
        self._position = None if self.shape.alibi else put("position")
        self._norm = norm("norm")
        hidden, last = self.shape.hidden, self.shape.layers - 1
        self._layers = tuple(
            _Layer(
                qkv=part(f"{i}.qkv"),
                query=part(f"{i}.qkv", slice(hidden)) if i == last else _unused,
                keyvalue=part(f"{i}.qkv", slice(hidden, None)) if i == last else _unused,
                attended=part(f"{i}.attended"),
                norm1=norm(f"{i}.norm1"),
                up=part(f"{i}.up", activate=not self.shape.gated),
                down=part(f"{i}.down"),
                norm2=norm(f"{i}.norm2"),
            )
            for i in range(self.shape.layers)
        )
        # The head is a thousandth of the work and decides the score: it stays in fp32.
        self._head = tuple(
            weights[name].to(placement.device, torch.float32)
            for name in ("dense.weight", "dense.bias", "out.weight", "out.bias")
            if name in weights
        )

    @property
    def window(self) -> int:
        """Most tokens that the model reads at once."""
        return self.shape.window

    def _scaled(self, projection: Tensor) -> Tensor:
        """The projection with its query part divided by the root of the head width, once and for all tokens."""
        hidden = self.shape.hidden
        query = projection[:hidden].float() / math.sqrt(self.shape.head_width)
        return torch.cat([query, projection[hidden:].float()])

    @torch.inference_mode()
    def states(self, texts: Sequence[Tokens]) -> tuple[Tensor, ...]:
        """The last layer's token states of each text, (tokens, H) fp32 each, on the placement's device."""
        packing = Packing(tuple(len(text) for text in texts), self.placement.device)
        return torch.split(self._run(texts, packing, first_only=False), list(packing.lengths))

    @torch.inference_mode()
    def means(self, texts: Sequence[Tokens]) -> Tensor:
        """The mean of the last layer's token states of each text, (n, H) fp32, on the placement's device."""
        packing = Packing(tuple(len(text) for text in texts), self.placement.device)
        states = self._run(texts, packing, first_only=False)  # (T, H)
        return torch.segment_reduce(states, "mean", lengths=packing.bounds.diff().long(), axis=0)

    @torch.inference_mode()
    def firsts(self, texts: Sequence[Tokens]) -> Tensor:
        """The last layer's state of each text's first token, (n, H) fp32, on the placement's device."""
        packing = Packing(tuple(len(text) for text in texts), self.placement.device)
        return self._run(texts, packing, first_only=True)

    @torch.inference_mode()
    def logits(self, texts: Sequence[Tokens]) -> Tensor:
        """The head's raw output for each text, (n,) fp32 on the CPU."""
        first = self.firsts(texts)  # (n, H)
        weight, bias, out, offset = self._head
        return linear(torch.tanh(linear(first, weight, bias)), out, offset)[:, 0].cpu()

    def _run(self, texts: Sequence[Tokens], packing: Packing, *, first_only: bool) -> Tensor:
        """Token states (T, H) in fp32, or with `first_only` those of each first token (n, H)."""
        x = self._embed(texts, packing)
        number = self.placement.dtype
        heads, width, kernel = self.shape.heads, self.shape.head_width, self.placement.kernel
        bias = None
        if self.shape.alibi:
            bias = distances(packing.longest, heads, device=packing.device, dtype=number)
        for place, layer in enumerate(self._layers):
            lone = first_only and place == self.shape.layers - 1
            if lone:  # only the first token is read from here on: its query, its MLP
                asking = x[packing.firsts]  # (n, H)
                query = layer.query(asking.to(number)).view(-1, heads, width)
                key, value = layer.keyvalue(x.to(number)).view(-1, 2, heads, width).unbind(1)
                x = asking
            else:
                query, key, value = layer.qkv(x.to(number)).view(-1, 3, heads, width).unbind(1)  # (T, A, d) each
            context = attend(query, key, value, packing, kernel, bias=bias, first_only=lone)
            x = layer.norm1(x.add_(layer.attended(context.reshape(-1, self.shape.hidden))))
            x = layer.norm2(x.add_(layer.down(self._inner(layer, x.to(number)))))
        return x

    def _inner(self, layer: _Layer, x: Tensor) -> Tensor:
        """(T, H) -> (T, I), activated; of a gated layer the first half is activated and multiplies the second."""
        y = layer.up(x)
        if not self.shape.gated:
            return y
        gate, rest = y.chunk(2, dim=1)
        return gelu(gate).mul_(rest)

    def _embed(self, texts: Sequence[Tokens], packing: Packing) -> Tensor:
        device = packing.device
        ids = torch.tensor(list(chain.from_iterable(text.ids for text in texts)), dtype=torch.long, device=device)
        x = embedding(ids, self._word)  # (T, H)
        if self._position is not None:
            first = self.shape.first_position
            places = chain.from_iterable(range(first, first + length) for length in packing.lengths)
            x += embedding(torch.tensor(list(places), dtype=torch.long, device=device), self._position)
        if all(text.turn >= len(text) for text in texts):
            x += self._type[0]
        else:
            types = chain.from_iterable((0,) * text.turn + (1,) * (len(text) - text.turn) for text in texts)
            x += embedding(torch.tensor(list(types), dtype=torch.long, device=device), self._type)
        return self._norm(x.float())


def _unused(x: Tensor) -> Tensor:
    raise NotImplementedError("only the last layer keeps its projections apart")
