from __future__ import annotations

import pytest
import torch

from rerank.errors import BadInput
from rerank.models.device import Placement, choose, native_bf16

no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU on this machine")


@no_gpu
def test_without_a_gpu_the_cpu_is_chosen_and_the_reason_said() -> None:
    placement = choose()
    assert placement.device.type == "cpu"
    assert placement.kernel == "sdpa"
    assert "CPU, because" in placement.reason
    assert "packed kernels need CUDA" in placement.reason


def test_the_cpu_computes_in_bf16_only_where_that_is_native() -> None:
    placement = choose("cpu")
    assert placement.number == ("bf16" if native_bf16() else "fp32")
    assert "bf16" in placement.reason


def test_a_wish_is_kept_and_called_a_wish() -> None:
    placement = choose("cpu", "fp32", "sdpa")
    assert (str(placement.device), placement.number, placement.kernel) == ("cpu", "fp32", "sdpa")
    assert placement.reason.count("as asked") == 3


@pytest.mark.parametrize(
    ("device", "dtype", "kernel", "named"),
    [
        ("warp", None, None, "warp"),
        ("meta", None, None, "meta"),
        ("cuda:99", None, None, "cuda:99"),
        ("cpu", "fp4", None, "fp4"),
        ("cpu", "fp16", None, "fp16"),
        ("cpu", None, "flash-attn", "flash-attn"),
        ("cpu", None, "torch varlen", "torch varlen"),
        ("cpu", None, "magic", "magic"),
    ],
)
def test_a_wish_that_cannot_be_met_is_an_error_that_names_it(
    device: str, dtype: str | None, kernel: str | None, named: str
) -> None:
    with pytest.raises(BadInput, match=named):
        choose(device, dtype, kernel)


@gpu
def test_with_a_gpu_the_gpu_is_chosen_with_a_packed_kernel() -> None:
    placement = choose()
    assert placement.device.type == "cuda"
    assert placement.kernel in {"flash-attn", "torch varlen"}


@gpu
def test_a_gpu_left_unused_is_stated() -> None:
    assert "although there is a GPU" in choose("cpu").reason


def test_only_sdpa_away_from_the_cpu_pads() -> None:
    assert Placement(torch.device("cuda"), "fp32", "sdpa", "").padded
    assert not Placement(torch.device("cuda"), "bf16", "torch varlen", "").padded
    assert not choose("cpu").padded
