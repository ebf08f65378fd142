"""Weight matrices prepared once for the device: plain, prepacked bf16, or int8 with a scale per row and column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import torch
from torch.nn.functional import gelu, linear

from rerank.models.device import native_bf16

if TYPE_CHECKING:
    from torch import Tensor

    from rerank.models.device import Placement

_PACKED_FOR = 2048
"""Rows that the packed layout of a weight is chosen for; any number can be multiplied."""


class Linear(Protocol):
    """`x @ weight.T + bias`, with the activation it was prepared with."""

    def __call__(self, x: Tensor) -> Tensor:
        """(T, in) -> (T, out)."""
        ...


def prepare(weight: Tensor, bias: Tensor | None, placement: Placement, *, activate: bool = False) -> Linear:
    """The product with one weight, in the fastest form that the placement has.

    Args:
        weight: (out, in).
        bias: (out,).
        placement: device and number type.
        activate: apply GELU (erf) to the result.
    """
    if placement.number == "int8":
        return _int8(weight, bias, placement.dtype, activate=activate)
    matrix = weight.to(placement.device, placement.dtype)
    offset = None if bias is None else bias.to(placement.device, placement.dtype)
    if placement.device.type == "cpu" and placement.number == "bf16" and _can_pack():
        return _packed(matrix, offset, activate=activate)
    return _plain(matrix, offset, activate=activate)


def _plain(matrix: Tensor, offset: Tensor | None, *, activate: bool) -> Linear:
    def product(x: Tensor) -> Tensor:
        y = linear(x, matrix, offset)
        return gelu(y) if activate else y

    return product


def _can_pack() -> bool:
    """True if this PyTorch has oneDNN's bf16 product with a weight in blocked layout, and this CPU the instructions."""
    if not native_bf16() or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    return hasattr(torch.ops.mkldnn, "_linear_pointwise")


def _packed(matrix: Tensor, offset: Tensor | None, *, activate: bool) -> Linear:
    """The bf16 product through oneDNN, weight laid out beforehand, GELU fused: 4 to 10 % faster than `linear`."""
    blocked = torch.ops.mkldnn._reorder_linear_weight(matrix.contiguous(), _PACKED_FOR)  # noqa: SLF001  (no public name)
    multiply = torch.ops.mkldnn._linear_pointwise  # noqa: SLF001  (the same)
    end: tuple[str, list[float], str] = ("gelu", [], "none") if activate else ("none", [], "")

    def product(x: Tensor) -> Tensor:
        y: Tensor = multiply(x.contiguous(), blocked, offset, *end)
        return y

    return product


def _int8(weight: Tensor, bias: Tensor | None, dtype: torch.dtype, *, activate: bool) -> Linear:
    """Both sides in int8: one scale per row of x, found when it comes, and one per row of the weight.

    Scales are rounded up to `dtype`, so that multiplying by them later is exact but for the result's own rounding.
    """
    codes, columns = _quantise(weight.float(), dtype)
    turned = codes.t()
    columns = columns[:, 0]
    offset = torch.zeros(len(weight), dtype=dtype) if bias is None else bias.to(dtype)

    def product(x: Tensor) -> Tensor:
        rows, scales = _quantise(x, dtype)
        dots = torch._int_mm(rows, turned).to(dtype)  # noqa: SLF001  (PyTorch's only int8 product), (T, out)
        y = torch.addcmul(offset, dots.mul_(columns), scales)
        return gelu(y) if activate else y

    return product


def _quantise(x: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """int8 codes (n, width) and scales (n, 1) in `dtype`, codes times scales being x up to half a scale."""
    scales = x.abs().amax(1, keepdim=True).float().div_(127).clamp_min_(1e-12)
    if dtype == torch.bfloat16:
        scales = (scales * (1 + 2**-8)).to(dtype)  # never below the float, so that no code leaves int8
    return (x.float() * scales.float().reciprocal()).round_().clamp_(-127, 127).to(torch.int8), scales
