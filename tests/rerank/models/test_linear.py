from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import gelu

from rerank.models.device import choose, native_int8
from rerank.models.linear import _quantise, prepare

ROWS = torch.randn(37, 64, generator=torch.Generator().manual_seed(0))
WEIGHT = torch.randn(48, 64, generator=torch.Generator().manual_seed(1)) / 8
BIAS = torch.randn(48, generator=torch.Generator().manual_seed(2))
NEEDS_INT8 = pytest.mark.skipif(not native_int8(), reason="this CPU multiplies no int8 (VNNI or AMX)")


@pytest.mark.parametrize(
    ("number", "close"), [("fp32", 1e-5), ("bf16", 0.03), pytest.param("int8", 0.06, marks=NEEDS_INT8)]
)
@pytest.mark.parametrize("biased", [True, False])
def test_each_number_type_multiplies_alike(number: str, close: float, biased: bool) -> None:
    placement = choose("cpu", number)
    bias = BIAS if biased else None
    exact = ROWS @ WEIGHT.T + (BIAS if biased else 0)
    x = ROWS.to(placement.dtype)
    plain = prepare(WEIGHT, bias, placement)
    assert torch.allclose(plain(x).float(), exact, atol=close)
    activated = prepare(WEIGHT, bias, placement, activate=True)
    assert torch.allclose(activated(x).float(), gelu(exact), atol=close)


@settings(max_examples=50)
@given(
    st.lists(st.floats(-1e4, 1e4, width=32), min_size=8, max_size=8), st.sampled_from([torch.float32, torch.bfloat16])
)
def test_a_quantised_row_is_within_a_scale_of_the_row(row: list[float], dtype: torch.dtype) -> None:
    x = torch.tensor([row]).to(dtype)
    codes, scales = _quantise(x, dtype)
    assert codes.dtype == torch.int8
    assert float((codes.float() * scales.float() - x.float()).abs().max()) <= 0.5001 * float(scales)


def test_the_scale_of_a_row_does_not_depend_on_other_rows() -> None:
    wild = torch.cat([ROWS[:1], ROWS[:1] * 1000])
    assert torch.equal(_quantise(wild, torch.float32)[0][0], _quantise(ROWS[:1], torch.float32)[0][0])
