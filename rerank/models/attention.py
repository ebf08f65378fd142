"""The one seam between the encoder and the attention kernels: packed sequences in, packed contexts out.

Packed means that the tokens of all sequences lie one after another, (T, heads, width), with no padding between them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import scaled_dot_product_attention

if TYPE_CHECKING:
    from torch import Tensor

    from rerank.models.device import Kernel


@dataclass(frozen=True)
class Packing:
    """Where each sequence lies among the packed tokens."""

    lengths: tuple[int, ...]
    """Tokens per sequence, none of them 0."""
    device: torch.device

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """First token of each sequence, and the total at the end; one more than there are sequences."""
        return tuple(accumulate(self.lengths, initial=0))

    @cached_property
    def longest(self) -> int:
        """Tokens of the longest sequence."""
        return max(self.lengths)

    @cached_property
    def bounds(self) -> Tensor:
        """`starts` as int32 on the device, the shape that packed kernels ask for: (n + 1,)."""
        return torch.tensor(self.starts, dtype=torch.int32, device=self.device)

    @cached_property
    def singles(self) -> Tensor:
        """0, 1, ..., n as int32: the bounds of one query token per sequence."""
        return torch.arange(len(self.lengths) + 1, dtype=torch.int32, device=self.device)

    @cached_property
    def firsts(self) -> Tensor:
        """First token of each sequence, (n,)."""
        return self.bounds[:-1].long()

    @cached_property
    def real(self) -> Tensor:
        """True where a padded (n, longest) batch holds a token."""
        sizes = self.bounds.diff()
        return torch.arange(self.longest, device=self.device)[None, :] < sizes[:, None]

    @cached_property
    def equal(self) -> bool:
        """True if all sequences are of the same length, so that padding has nothing to add."""
        return min(self.lengths) == self.longest


_WHOLE = 1024
"""Longest sequence whose scores are laid out whole, 24 MiB for 12 heads in bf16."""


def slopes(heads: int) -> list[float]:
    """The ALiBi slope of each head (Press et al. 2022, and the authors' rule where `heads` is no power of two).

    A power of two A gives 2^(-8/A), 2^(-16/A), ...; otherwise the slopes of the power of two below, then every second
    one of the power of two above.
    """
    below = 1 << (heads.bit_length() - 1)
    first = [2.0 ** (-8.0 * (head + 1) / below) for head in range(below)]
    if below == heads:
        return first
    return first + slopes(2 * below)[0::2][: heads - below]


def distances(longest: int, heads: int, *, device: torch.device, dtype: torch.dtype) -> Tensor:
    """The ALiBi bias -slope * |i - j|, (heads, longest, longest), symmetric because an encoder looks both ways."""
    places = torch.arange(longest, device=device, dtype=torch.float32)
    apart = (places[None, :] - places[:, None]).abs_()
    steep = torch.tensor(slopes(heads), device=device, dtype=torch.float32)
    return (-steep[:, None, None] * apart).to(dtype)


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    packing: Packing,
    kernel: Kernel,
    *,
    bias: Tensor | None = None,
    first_only: bool = False,
) -> Tensor:
    """The context of each query token over its own sequence, (T, heads, width).

    Args:
        query: (T, heads, width), or (n, heads, width) with `first_only`; already divided by the root of the width.
        key: (T, heads, width).
        value: (T, heads, width).
        packing: which tokens belong together.
        kernel: what computes it; all give the same up to rounding.
        bias: (heads, longest, longest), added to the scores; SDPA only, but for flash-attn, which takes slopes.
        first_only: ask for the first token of each sequence alone, (n, heads, width).
    """
    if kernel == "sdpa" or (bias is not None and kernel == "torch varlen"):
        if packing.device.type == "cpu":
            return _each(query, key, value, packing, bias, first_only=first_only)
        return _padded(query, key, value, packing, bias, first_only=first_only)
    bounds, asked = packing.bounds, packing.singles if first_only else packing.bounds
    most = 1 if first_only else packing.longest
    if kernel == "torch varlen":
        from torch.nn.attention.varlen import varlen_attn

        context = varlen_attn(query, key, value, asked, bounds, most, packing.longest, scale=1.0)
        assert isinstance(context, torch.Tensor)  # noqa: S101  (a tuple only where auxiliary values were asked for)
        return context
    from flash_attn import flash_attn_varlen_func

    steep = None
    if bias is not None:
        if first_only:  # flash-attn aligns a lone query with the last key, which turns ALiBi round
            return _padded(query, key, value, packing, bias, first_only=True)
        steep = torch.tensor(slopes(query.shape[1]), device=packing.device, dtype=torch.float32)
    flash: Tensor = flash_attn_varlen_func(
        query, key, value, asked, bounds, most, packing.longest, softmax_scale=1.0, alibi_slopes=steep
    )
    return flash


def _padded(
    query: Tensor, key: Tensor, value: Tensor, packing: Packing, bias: Tensor | None, *, first_only: bool
) -> Tensor:
    """SDPA over a padded batch; padded keys are masked out, padded queries dropped."""
    many, longest = len(packing.lengths), packing.longest
    heads, width = key.shape[1:]

    def spread(packed: Tensor) -> Tensor:
        if packing.equal:
            return packed.reshape(many, longest, heads, width).transpose(1, 2)
        room = packed.new_zeros(many, longest, heads, width)
        room[packing.real] = packed
        return room.transpose(1, 2)

    mask: Tensor | None = None
    if not packing.equal:
        mask = packing.real[:, None, None, :]
    if bias is not None:
        near = bias[None, :, : 1 if first_only else longest, :longest]
        mask = near if mask is None else near.masked_fill(~mask, -math.inf)
    asked = query[:, :, None] if first_only else spread(query)
    context = scaled_dot_product_attention(asked, spread(key), spread(value), attn_mask=mask, scale=1.0)
    if first_only:
        return context[:, :, 0]
    together = context.transpose(1, 2)  # (n, longest, heads, width)
    return together.reshape(-1, heads, width) if packing.equal else together[packing.real]


def _each(
    query: Tensor, key: Tensor, value: Tensor, packing: Packing, bias: Tensor | None, *, first_only: bool
) -> Tensor:
    """SDPA sequence by sequence: on a CPU a call is cheap against the padding it saves."""
    context = torch.empty_like(query)
    for number, (start, end) in enumerate(zip(packing.starts, packing.starts[1:], strict=False)):
        length = end - start
        asked = slice(number, number + 1) if first_only else slice(start, end)
        near = None if bias is None else bias[:, : 1 if first_only else length, :length]
        q, k, v = (part.transpose(0, 1) for part in (query[asked], key[start:end], value[start:end]))  # (A, length, d)
        if query.dtype == torch.bfloat16 and length <= _WHOLE:
            one = _whole(q, k, v, near)
        else:
            mask = None if near is None else near[None]
            one = scaled_dot_product_attention(q[None], k[None], v[None], attn_mask=mask, scale=1.0)[0]
        context[asked] = one.transpose(0, 1)
    return context


def _whole(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None) -> Tensor:
    """Attention in three steps; in bf16 on a CPU oneDNN's products beat the tiles of SDPA by a quarter."""
    turned = key.transpose(1, 2)
    scores = torch.bmm(query, turned) if bias is None else torch.baddbmm(bias, query, turned)
    return torch.bmm(torch.softmax(scores, dim=-1), value)
