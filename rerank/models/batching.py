"""Batches by token budget over texts sorted by length, and one loop that runs them whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from rerank.models.crew import Crew, inline
from rerank.models.errors import Cancelled, OutOfMemory
from rerank.models.running import Cancel, Progress

if TYPE_CHECKING:
    from rerank.models.device import Placement

T = TypeVar("T")

CPU_TOKENS = 2048
"""Tokens per batch on a CPU; embedding 400 PEP chunks took 7.2 s at 1,024, 5.4 at 2,048, 5.7 at 4,096, 14 at 8,192."""
GPU_TOKENS = 65_536
_TURNS = 8
"""Batches that each worker should get, so that none is left waiting at the end for long."""
_SHORT = 64
"""Tokens up to which a lone batch, such as a query, is left to one worker: its products are too small to share out."""
_LEAST = 256
"""Tokens below which a smaller batch costs more per token than an idle worker."""


def default_budget(placement: Placement) -> int:
    """Tokens per batch that keep the device busy without spilling its caches (CPU) or its memory (GPU)."""
    return CPU_TOKENS if placement.device.type == "cpu" else GPU_TOKENS


def batches(lengths: Sequence[int], budget: int, *, padded: bool = False) -> list[list[int]]:
    """Indices in batches of at most `budget` tokens, longest texts first; a text over the budget goes alone.

    Args:
        lengths: tokens per text.
        budget: tokens per batch.
        padded: count every text of a batch at the length of its longest, as a padded kernel does.
    """
    order = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    found: list[list[int]] = []
    used = 0
    for index in order:
        cost = lengths[found[-1][0]] if padded and found else lengths[index]
        if not found or used + cost > budget:
            found.append([])
            used, cost = 0, lengths[index]
        found[-1].append(index)
        used += cost
    return found


@dataclass(frozen=True, slots=True)
class BatchRun(Generic[T]):
    """What a run over all batches gave."""

    results: list[T]
    """One per text, in input order."""
    budget: int
    """Tokens per batch at the end: less than asked for after a shortage of memory."""
    notes: tuple[str, ...]


def run(
    lengths: Sequence[int],
    budget: int,
    compute: Callable[[list[int]], Sequence[T]],
    *,
    crew: Crew | None = None,
    padded: bool = False,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    forget: Callable[[], None] | None = None,
) -> BatchRun[T]:
    """The results of `compute` over all texts, in input order.

    A batch that does not fit the memory is tried again in halves, and the smaller budget is kept for the rest.

    Args:
        lengths: tokens per text.
        budget: tokens per batch at most; less where that keeps all workers busy to the end.
        compute: one batch, given as indices; answers one result per index.
        crew: who computes; the calling thread if None.
        padded: see `batches`.
        progress: told after every batch.
        cancel: read before every batch.
        forget: called after a shortage of memory, to give cached blocks back.

    Raises:
        Cancelled: `cancel` was set.
        OutOfMemory: one text by itself does not fit.
    """
    found: dict[int, T] = {}
    short = False
    workers = crew.workers if crew is not None else 1
    size = budget if workers == 1 else min(budget, max(_LEAST, sum(lengths) // (workers * _TURNS)))
    waiting = batches(lengths, size, padded=padded)[::-1]
    alone = len(waiting) == 1
    spread = not alone or sum(lengths) <= _SHORT
    submit = partial(crew.submit, short=alone) if crew is not None and spread else inline
    flying: dict[Future[Sequence[T]], list[int]] = {}
    try:
        while waiting or flying:
            if cancel:
                raise Cancelled(f"The work was cancelled after {len(found)} of {len(lengths)}.")
            while waiting and len(flying) < workers:
                batch = waiting.pop()
                flying[submit(partial(compute, batch))] = batch
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                batch = flying.pop(future)
                error = future.exception()
                if error is None:
                    found.update(zip(batch, future.result(), strict=True))
                    if progress is not None:
                        progress(len(found), len(lengths))
                    continue
                if not short_of_memory(error):
                    raise error
                if len(batch) == 1:
                    raise OutOfMemory(
                        f"One text of {lengths[batch[0]]} tokens does not fit the memory: "
                        "lower max_length or use the CPU."
                    ) from error
                short = True
                del error, future  # and with them the failed batch's tensors
                if forget is not None:
                    forget()
                budget = max(1, min(budget, _cost(batch, lengths, padded=padded)) // 2)
                left = sorted({*batch, *(index for other in waiting for index in other)})
                again = batches([lengths[index] for index in left], budget, padded=padded)
                waiting = [[left[index] for index in part] for part in again][::-1]
    finally:
        wait(flying)
    notes = (f"Not enough memory: the batch was cut to {budget} tokens and tried again.",) if short else ()
    return BatchRun([found[index] for index in range(len(lengths))], budget, notes)


def _cost(batch: Sequence[int], lengths: Sequence[int], *, padded: bool) -> int:
    sizes = [lengths[index] for index in batch]
    return max(sizes) * len(sizes) if padded else sum(sizes)


def short_of_memory(error: BaseException) -> bool:
    """True if the error says that memory ran out, on a GPU or on the CPU (whose allocator has no class of its own)."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return "out of memory" in text or "can't allocate memory" in text or "not enough memory" in text
