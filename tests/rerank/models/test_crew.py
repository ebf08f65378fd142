from __future__ import annotations

import threading

import pytest
import torch

from rerank.errors import Cancelled, OutOfMemory
from rerank.models.batching import run
from rerank.models.crew import Crew
from rerank.models.running import Cancel

CPU = torch.device("cpu")


@pytest.fixture
def crew() -> Crew:
    made = Crew(CPU)
    made.workers = 3
    return made


def test_workers_compute_side_by_side_with_one_thread_each(crew: Crew) -> None:
    together = threading.Barrier(3, timeout=30)

    def work() -> int:
        together.wait()
        return torch.get_num_threads()

    futures = [crew.submit(work) for _ in range(3)]
    assert [future.result(30) for future in futures] == [1, 1, 1]


def test_other_threads_keep_all_their_cores(crew: Crew) -> None:
    before = torch.get_num_threads()
    crew.submit(lambda: None).result(30)
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert torch.get_num_threads() == before
    assert seen == [before]


def test_a_short_text_does_not_wait_behind_batches_and_a_long_one_has_all_cores(crew: Crew) -> None:
    go_on = threading.Event()
    busy = [crew.submit(lambda: go_on.wait(30)) for _ in range(2 * crew.workers)]
    try:
        seen = run([8], 2048, lambda batch: [torch.get_num_threads() for _ in batch], crew=crew).results
        assert seen == [1]
        where = run([500], 2048, lambda batch: [threading.current_thread() for _ in batch], crew=crew).results
        assert where == [threading.current_thread()]
    finally:
        go_on.set()
    assert all(one.result(30) for one in busy)


def test_a_gpu_has_one_worker_that_is_the_caller() -> None:
    crew = Crew(torch.device("cuda"))
    assert crew.workers == 1
    assert crew.submit(threading.current_thread).result() is threading.current_thread()


def test_results_of_many_workers_come_back_in_input_order(crew: Crew) -> None:
    lengths = [300 + (index * 37) % 200 for index in range(50)]
    seen: list[int] = []
    outcome = run(
        lengths,
        600,
        lambda batch: [index * 2 for index in batch],
        crew=crew,
        progress=lambda done, _: seen.append(done),
    )
    assert outcome.results == [index * 2 for index in range(50)]
    assert seen == sorted(seen)
    assert seen[-1] == 50


def test_a_shortage_of_memory_is_survived_by_many_workers(crew: Crew) -> None:
    def compute(batch: list[int]) -> list[int]:
        if len(batch) > 1:
            raise MemoryError
        return batch

    outcome = run([100] * 20, 1200, compute, crew=crew)
    assert outcome.results == list(range(20))
    assert "tried again" in outcome.notes[0]
    with pytest.raises(OutOfMemory):
        run([300] * 20, 300, lambda _batch: _fail(MemoryError()), crew=crew)


def test_cancelling_and_failing_leave_no_batch_behind(crew: Crew) -> None:
    running = 0
    guard = threading.Lock()
    cancel = Cancel()

    def compute(batch: list[int]) -> list[int]:
        nonlocal running
        with guard:
            running += 1
        cancel.request()
        with guard:
            running -= 1
        return batch

    with pytest.raises(Cancelled):
        run([300] * 20, 300, compute, crew=crew, cancel=cancel)
    assert running == 0
    with pytest.raises(ZeroDivisionError):
        run([300] * 20, 300, lambda _batch: _fail(ZeroDivisionError()), crew=crew)


def _fail(error: Exception) -> list[int]:
    raise error
