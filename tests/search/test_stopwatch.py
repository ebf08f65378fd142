"""Claims about a query's seconds: every one belongs to a stage."""

from __future__ import annotations

import random

import pytest

from search.stopwatch import Stopwatch


class Clock:
    """Goes on by what it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def test_laps_follow_each_other_without_a_gap_and_come_again_under_their_name() -> None:
    clock = Clock()
    watch = Stopwatch(clock)
    for stage, spent in (("dense", 0.5), ("sparse", 0.25), ("dense", 0.125)):
        clock.now += spent
        watch.lap(stage)
    assert watch.seconds() == {"dense": 0.625, "sparse": 0.25, "total": 0.875}
    assert list(watch.seconds()) == ["dense", "sparse", "total"]


def test_whatever_is_done_the_stages_add_up_to_the_time_between_start_and_last_lap() -> None:
    draw = random.Random(7)
    clock = Clock()
    watch = Stopwatch(clock)
    for _ in range(200):
        clock.now += draw.choice((0.0, 1e-6, 0.003, 2.5)) * draw.random()
        watch.lap(draw.choice("abcdef"))
    end = clock.now
    watch.lap("end")
    seconds = watch.seconds()
    total = seconds.pop("total")
    assert total == pytest.approx(end - 100.0)
    assert sum(seconds.values()) == total
