from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rerank.errors import Cancelled, OutOfMemory
from rerank.models.batching import batches, run, short_of_memory
from rerank.models.running import Cancel

LENGTHS = st.lists(st.integers(1, 300), max_size=60)


@given(LENGTHS, st.integers(1, 1000), st.booleans())
def test_every_text_is_in_exactly_one_batch_within_the_budget(lengths: list[int], budget: int, padded: bool) -> None:
    found = batches(lengths, budget, padded=padded)
    assert sorted(index for batch in found for index in batch) == list(range(len(lengths)))
    for batch in found:
        sizes = [lengths[index] for index in batch]
        cost = max(sizes) * len(batch) if padded else sum(sizes)
        assert cost <= budget or len(batch) == 1
        assert sizes == sorted(sizes, reverse=True)


def test_batches_are_sorted_by_length_and_ties_by_position() -> None:
    assert batches([3, 5, 3, 9], 8) == [[3], [1, 0], [2]]
    assert batches([4, 4, 4], 8, padded=True) == [[0, 1], [2]]


@given(LENGTHS, st.integers(1, 1000))
def test_results_come_back_in_input_order(lengths: list[int], budget: int) -> None:
    outcome = run(lengths, budget, lambda batch: [index * 10 for index in batch])
    assert outcome.results == [index * 10 for index in range(len(lengths))]
    assert outcome.budget == budget
    assert outcome.notes == ()


def test_progress_counts_up_to_all() -> None:
    seen: list[tuple[int, int]] = []
    run([5, 5, 5], 10, lambda batch: batch, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(2, 3), (3, 3)]


def test_cancelling_stops_before_the_next_batch() -> None:
    cancel, done = Cancel(), []

    def compute(batch: list[int]) -> list[int]:
        done.extend(batch)
        cancel.request()
        return batch

    with pytest.raises(Cancelled, match="after 1 of 3"):
        run([5, 5, 5], 5, compute, cancel=cancel)
    assert done == [0]


@pytest.mark.parametrize(
    "shortage",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried ..."),
    ],
)
def test_a_shortage_of_memory_halves_the_budget_and_loses_nothing(shortage: Exception) -> None:
    tried: list[int] = []
    forgotten: list[int] = []
    lengths = [10] * 8

    def compute(batch: list[int]) -> list[int]:
        tried.append(len(batch))
        if len(batch) > 2:
            raise shortage
        return batch

    outcome = run(lengths, 80, compute, forget=lambda: forgotten.append(1))
    assert outcome.results == list(range(8))
    assert tried == [8, 4, 2, 2, 2, 2]
    assert outcome.budget == 20
    assert len(forgotten) == 2
    assert "cut to 20 tokens" in outcome.notes[0]


def test_one_text_that_does_not_fit_is_said_so() -> None:
    def compute(_: list[int]) -> list[int]:
        raise MemoryError

    with pytest.raises(OutOfMemory, match="One text of 7 tokens"):
        run([7, 3], 10, compute)


def test_other_errors_pass_through() -> None:
    def compute(_: list[int]) -> list[int]:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        run([1], 10, compute)
    assert not short_of_memory(ValueError("wrong"))
