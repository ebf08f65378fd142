"""What this machine is and what it can do at best."""

from __future__ import annotations

import os
import platform
import sys
import threading
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_PACKAGES = ("torch", "transformers", "sentence-transformers", "tokenizers", "flash-attn", "numpy")
_STATUS = Path("/proc/self/statm")


def facts() -> dict[str, str | int]:
    """Processor, cores, memory, GPU and the versions of what was measured."""
    import torch

    found: dict[str, str | int] = {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "threads": torch.get_num_threads(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
        found["gpu_memory_bytes"] = torch.cuda.get_device_properties(0).total_memory
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    table = Path("/proc/cpuinfo")
    if table.is_file():
        for line in table.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def ceiling(linears: list[tuple[int, int]], tokens: int, device: torch.device, dtype: torch.dtype) -> float:
    """Floating-point operations per second of the model's own matrix products alone, one after another, at best.

    Args:
        linears: (in, out) of each matrix of a layer.
        tokens: rows that are multiplied at once.
        device: where.
        dtype: number type of both sides.
    """
    import torch

    operands = [
        (torch.randn(tokens, a, device=device, dtype=dtype), torch.randn(a, b, device=device, dtype=dtype))
        for a, b in linears
    ]
    work = 2.0 * tokens * sum(a * b for a, b in linears)

    def once() -> None:
        for left, right in operands:
            torch.mm(left, right)
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    once()
    best = float("inf")
    until = time.perf_counter() + 1.5
    while time.perf_counter() < until:
        began = time.perf_counter()
        once()
        best = min(best, time.perf_counter() - began)
    return work / best


def peak_memory(device: torch.device, work: Callable[[], object]) -> int:
    """Bytes that the device held at most while `work` ran: of the GPU, or of this process."""
    import torch

    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        work()
        return torch.cuda.max_memory_allocated(device)
    if not _STATUS.is_file():
        import resource

        work()
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    page = os.sysconf("SC_PAGE_SIZE")
    seen = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal seen
        while True:
            seen = max(seen, int(_STATUS.read_text(encoding="ascii").split()[1]) * page)
            if done.wait(0.02):
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        work()
    finally:
        done.set()
        watcher.join()
    return seen
