from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from rerank.errors import BadInput
from rerank.models.attention import Packing, attend, distances, slopes
from rerank.models.device import Kernel, choose

HEADS, WIDTH = 6, 8
LENGTHS = (7, 1, 12, 12, 3)


def parts(dtype: torch.dtype = torch.float32, lengths: tuple[int, ...] = LENGTHS) -> tuple[Tensor, Tensor, Tensor]:
    dice = torch.Generator().manual_seed(1)
    query, key, value = (torch.randn(sum(lengths), HEADS, WIDTH, generator=dice).to(dtype) for _ in range(3))
    return query / math.sqrt(WIDTH), key, value


def by_hand(query: Tensor, key: Tensor, value: Tensor, lengths: tuple[int, ...], *, alibi: bool = False) -> Tensor:
    """Attention sequence by sequence and head by head, in float64."""
    found, start = [], 0
    for length in lengths:
        rows = slice(start, start + length)
        q, k, v = (part[rows].double() for part in (query, key, value))
        heads = []
        for head in range(q.shape[1]):
            scores = q[:, head] @ k[:, head].T
            if alibi:
                for i in range(length):
                    for j in range(length):
                        scores[i, j] -= slopes(q.shape[1])[head] * abs(i - j)
            heads.append(torch.softmax(scores, dim=-1) @ v[:, head])
        found.append(torch.stack(heads, dim=1))
        start += length
    return torch.cat(found)


@pytest.mark.parametrize("lengths", [LENGTHS, (5, 5, 5), (9,)])
@pytest.mark.parametrize("alibi", [False, True])
@pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 1e-5), (torch.bfloat16, 3e-2)])
def test_packed_sequences_attend_only_to_themselves(
    lengths: tuple[int, ...], alibi: bool, dtype: torch.dtype, close: float
) -> None:
    query, key, value = parts(dtype, lengths)
    packing = Packing(lengths, torch.device("cpu"))
    bias = distances(packing.longest, HEADS, device=packing.device, dtype=dtype) if alibi else None
    got = attend(query, key, value, packing, "sdpa", bias=bias)
    assert torch.allclose(got.double(), by_hand(query, key, value, lengths, alibi=alibi), atol=close)


@pytest.mark.parametrize("alibi", [False, True])
@pytest.mark.parametrize("lengths", [LENGTHS, (5, 5, 5)])
def test_the_first_tokens_alone_get_what_they_get_among_all(lengths: tuple[int, ...], alibi: bool) -> None:
    query, key, value = parts(lengths=lengths)
    packing = Packing(lengths, torch.device("cpu"))
    bias = distances(packing.longest, HEADS, device=packing.device, dtype=torch.float32) if alibi else None
    whole = attend(query, key, value, packing, "sdpa", bias=bias)
    alone = attend(query[packing.firsts], key, value, packing, "sdpa", bias=bias, first_only=True)
    assert torch.allclose(alone, whole[packing.firsts], atol=1e-6)


@pytest.mark.parametrize("alibi", [False, True])
@pytest.mark.parametrize("first_only", [False, True])
@pytest.mark.parametrize("lengths", [LENGTHS, (5, 5, 5)])
def test_the_padded_path_equals_the_packed_one(lengths: tuple[int, ...], first_only: bool, alibi: bool) -> None:
    from rerank.models.attention import _each, _padded

    query, key, value = parts(lengths=lengths)
    packing = Packing(lengths, torch.device("cpu"))
    if first_only:
        query = query[packing.firsts]
    bias = distances(packing.longest, HEADS, device=packing.device, dtype=torch.float32) if alibi else None
    one = _padded(query, key, value, packing, bias, first_only=first_only)
    other = _each(query, key, value, packing, bias, first_only=first_only)
    assert torch.allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("kernel", ["flash-attn", "torch varlen", "sdpa"])
@pytest.mark.parametrize("first_only", [False, True])
@pytest.mark.parametrize("alibi", [False, True])
def test_every_kernel_on_the_gpu_gives_the_same(kernel: Kernel, first_only: bool, alibi: bool) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA GPU on this machine")
    try:
        choose("cuda", "bf16", kernel)
    except BadInput as missing:
        pytest.skip(str(missing))
    device = torch.device("cuda")
    dice = torch.Generator().manual_seed(2)
    query, key, value = (torch.randn(sum(LENGTHS), HEADS, 64, generator=dice).bfloat16() for _ in range(3))
    query /= 8
    packing = Packing(LENGTHS, device)
    expected = by_hand(query, key, value, LENGTHS, alibi=alibi)
    if first_only:
        expected, query = expected[packing.firsts.cpu()], query[packing.firsts.cpu()]
    bias = distances(packing.longest, HEADS, device=device, dtype=torch.bfloat16) if alibi else None
    query, key, value = (part.to(device) for part in (query, key, value))
    got = attend(query, key, value, packing, kernel, bias=bias, first_only=first_only)
    assert torch.allclose(got.cpu().double(), expected, atol=3e-2)


def test_slopes_of_a_power_of_two_fall_geometrically() -> None:
    assert slopes(8) == [2.0**-h for h in range(1, 9)]
    assert slopes(4) == [2.0**-2, 2.0**-4, 2.0**-6, 2.0**-8]


def test_slopes_of_other_head_counts_take_every_second_one_of_the_next_power() -> None:
    assert slopes(12) == [2.0**-h for h in range(1, 9)] + [2.0**-0.5, 2.0**-1.5, 2.0**-2.5, 2.0**-3.5]
    assert slopes(6) == [2.0**-2, 2.0**-4, 2.0**-6, 2.0**-8, 2.0**-1, 2.0**-3]
