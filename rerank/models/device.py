"""Where a model runs: device, number type and attention kernel, each with the reason in words."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal, get_args

import torch

from rerank.models.errors import BadInput
from rerank.models.running import Runtime

Number = Literal["fp32", "bf16", "fp16", "int8"]
"""How weights and activations are kept; "int8" multiplies in int8 and keeps activations in bf16 or fp32."""
Kernel = Literal["flash-attn", "torch varlen", "sdpa"]

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, slots=True)
class Placement:
    """The device, the number type and the kernel that a model was given."""

    device: torch.device
    number: Number
    kernel: Kernel
    reason: str

    @property
    def dtype(self) -> torch.dtype:
        """The type of the activations."""
        if self.number == "int8":
            return torch.bfloat16 if native_bf16() else torch.float32
        return _DTYPES[self.number]

    @property
    def padded(self) -> bool:
        """True if a batch costs what its longest text costs for each: SDPA on a GPU."""
        return self.kernel == "sdpa" and self.device.type != "cpu"

    @property
    def runtime(self) -> Runtime:
        """The same in the contract's words."""
        return Runtime(device=str(self.device), dtype=self.number, kernel=self.kernel, reason=self.reason)


def native_bf16() -> bool:
    """True if this CPU multiplies bf16 in hardware (AVX-512 BF16 or AMX); without it bf16 is slower than fp32."""
    if not hasattr(torch.cpu, "get_capabilities"):  # PyTorch before 2.12
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())  # noqa: SLF001
    flags = torch.cpu.get_capabilities()
    return bool(flags.get("avx512_bf16") or flags.get("amx_bf16") or flags.get("bf16"))


def native_int8() -> bool:
    """True if this CPU multiplies int8 exactly and fast (VNNI or AMX); older ones may saturate on the way."""
    if not hasattr(torch.cpu, "get_capabilities"):
        return bool(torch.cpu._is_vnni_supported())  # noqa: SLF001
    flags = torch.cpu.get_capabilities()
    return bool(flags.get("avx512_vnni") or flags.get("avx_vnni") or flags.get("amx_int8"))


def choose(device: str | None = None, dtype: str | None = None, kernel: str | None = None) -> Placement:
    """The fastest placement that this machine has and the wishes allow.

    Raises:
        BadInput: a wish that names nothing known, or that this machine cannot meet.
    """
    where, reasons = _device(device)
    number, why = _number(where, dtype)
    reasons.append(why)
    chosen, why = _kernel(where, number, kernel)
    reasons.append(why)
    return Placement(where, number, chosen, "; ".join(reasons))


def _device(wish: str | None) -> tuple[torch.device, list[str]]:
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if wish is None or wish == "auto":
        if cuda:
            return _gpu(None), [f"GPU {torch.cuda.get_device_name()}"]
        return (torch.device("mps"), ["Apple GPU"]) if mps else (torch.device("cpu"), [_why_cpu()])
    try:
        device = torch.device(wish)
    except RuntimeError as unknown:
        raise BadInput(f"{wish!r} is no device: use auto, cpu, cuda, cuda:0 or mps.") from unknown
    if device.type == "cuda":
        if not cuda:
            raise BadInput(f"No GPU for device {wish!r}: {_why_cpu()}; use cpu or leave the device out.")
        device = _gpu(device.index)
        return device, [f"GPU {torch.cuda.get_device_name(device)}, as asked"]
    if device.type == "mps" and mps:
        return device, ["Apple GPU, as asked"]
    if device.type != "cpu":
        raise BadInput(f"There is no device {wish!r} that can be used here: use cpu or leave the device out.")
    return device, ["CPU, as asked, although there is a GPU" if cuda or mps else "CPU, as asked"]


def _gpu(index: int | None) -> torch.device:
    """The GPU of that number, or the current one."""
    chosen = torch.cuda.current_device() if index is None else index
    if chosen >= torch.cuda.device_count():
        raise BadInput(f"There is no cuda:{chosen}: this machine has {torch.cuda.device_count()} GPU(s), from cuda:0.")
    return torch.device("cuda", chosen)


def _why_cpu() -> str:
    if torch.version.cuda is None and torch.version.hip is None:
        return "CPU, because this PyTorch was built without GPU support"
    return "CPU, because PyTorch finds no GPU"


def _number(device: torch.device, wish: str | None) -> tuple[Number, str]:
    if wish is None or wish == "auto":
        if device.type == "cuda":
            if torch.cuda.is_bf16_supported():
                return "bf16", "bf16 is native"
            return "fp16", "fp16, because this GPU has no bf16"
        if device.type == "mps":
            return "fp16", "fp16, the fast type of Apple GPUs"
        if native_bf16():
            return "bf16", "bf16 is native to this CPU"
        return "fp32", f"fp32, because this {platform.machine()} CPU has no native bf16"
    if wish not in get_args(Number):
        raise BadInput(f"{wish!r} is no number type: use {', '.join(get_args(Number))}.")
    number: Number = wish  # type: ignore[assignment]  # one of the literals, checked above
    if number == "int8" and device.type != "cpu":
        raise BadInput("int8 is for the CPU only: use bf16 or leave the type out.")
    if number == "int8" and not native_int8():
        raise BadInput("This CPU has no int8 products (VNNI or AMX): use bf16 or fp32.")
    if number == "fp16" and device.type == "cpu":
        raise BadInput("fp16 is slow and imprecise on a CPU: use bf16 or fp32.")
    slow = number == "bf16" and device.type == "cpu" and not native_bf16()
    return number, f"{number}, as asked" + (", although this CPU only emulates it" if slow else "")


def _kernel(device: torch.device, number: Number, wish: str | None) -> tuple[Kernel, str]:
    """Packed kernels need CUDA and half precision; `flash-attn` first, then PyTorch's own, then SDPA."""
    missing = _missing(device, number)
    if wish is None or wish == "auto":
        for kernel in ("flash-attn", "torch varlen"):
            if missing[kernel] is None:
                return kernel, f"packed attention by {kernel}"
        return "sdpa", f"SDPA, because {missing['torch varlen']}"
    if wish not in get_args(Kernel):
        raise BadInput(f"{wish!r} is no attention kernel: use {', '.join(get_args(Kernel))}.")
    if missing.get(wish) is not None:
        raise BadInput(f"The kernel {wish!r} cannot be used: {missing[wish]}.")
    return wish, f"{wish}, as asked"  # type: ignore[return-value]  # one of the literals, checked above


def _missing(device: torch.device, number: Number) -> dict[str, str | None]:
    if device.type != "cuda":
        packed: str | None = f"packed kernels need CUDA and this is {device.type}"
    elif number == "fp32":
        packed = "packed kernels compute in bf16 or fp16"
    elif torch.cuda.get_device_capability(device) < (8, 0):
        packed = "packed kernels need compute capability 8.0 (Ampere)"
    else:
        packed = None
    flash = packed or (None if find_spec("flash_attn") else "flash-attn is not installed")
    varlen = packed or (None if find_spec("torch.nn.attention.varlen") else "this PyTorch has no varlen_attn")
    return {"flash-attn": flash, "torch varlen": varlen, "sdpa": None}


def free(device: torch.device) -> None:
    """Give cached, unused memory back to the device."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
