"""Weight matrices prepared once for the device: plain, or prepacked bf16 with the activation fused in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from torch.nn.functional import gelu, linear

if TYPE_CHECKING:
    from torch import Tensor

    from rerank.device import Placement

Linear = Callable[["Tensor"], "Tensor"]
"""(T, in) -> (T, out)."""


def prepare(weight: Tensor, bias: Tensor | None, placement: Placement, *, activate: bool = False) -> Linear:
    """`x @ weight.T + bias`, then GELU (erf) if `activate`, in the placement's number type.

    Args:
        weight: (out, in).
        bias: (out,).
        placement: device and number type.
        activate: apply GELU to the result.
    """
    matrix = weight.to(placement.device, placement.dtype)
    offset = None if bias is None else bias.to(placement.device, placement.dtype)

    def plain(x: Tensor) -> Tensor:
        return linear(x, matrix, offset)

    def activated(x: Tensor) -> Tensor:
        return gelu(linear(x, matrix, offset))

    return activated if activate else plain
