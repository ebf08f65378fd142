"""Workers that compute batches side by side: on a CPU one thread per core, each with products of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

T = TypeVar("T")


def inline(work: Callable[[], T]) -> Future[T]:
    """The outcome of `work`, computed by the calling thread."""
    future: Future[T] = Future()
    try:
        future.set_result(work())
    except Exception as error:  # noqa: BLE001  (whoever asks for the result gets it)
        future.set_exception(error)
    return future


class Crew:
    """One batch per core at a time instead of every core on every batch.

    An encoder's batch is hundreds of small products; spread over cores, each one ends with all cores waiting for the
    slowest. Batches do not wait for one another.
    """

    def __init__(self, device: torch.device) -> None:
        self.workers = torch.get_num_threads() if device.type == "cpu" else 1
        self._pools: tuple[ThreadPoolExecutor, ThreadPoolExecutor] | None = None
        self._starting = threading.Lock()

    def submit(self, work: Callable[[], T], *, short: bool = False) -> Future[T]:
        """The outcome-to-be of `work`; with a single worker it is there when this returns.

        `short` work has a worker of its own, so that a query does not wait behind the batches of an ingest.
        """
        if self.workers == 1:
            return inline(work)
        batches, alone = self._started()
        return (alone if short else batches).submit(work)

    def _started(self) -> tuple[ThreadPoolExecutor, ThreadPoolExecutor]:
        with self._starting:
            if self._pools is None:
                before = torch.get_num_threads()
                self._pools = _pool(self.workers), _pool(1)
                torch.set_num_threads(before)  # give back the default that the workers' own setting changed
            return self._pools


def _pool(workers: int) -> ThreadPoolExecutor:
    """Workers that each compute on one core."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="model")
    ready = threading.Barrier(workers)

    def alone(_: int) -> None:
        torch.get_num_threads()  # a thread's first use takes the default over; after that it keeps its own
        torch.set_num_threads(1)  # for this thread, and as the default of threads that start later
        ready.wait()

    list(pool.map(alone, range(workers)))
    return pool
