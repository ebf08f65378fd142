"""Where a query's seconds went: laps without a gap, so that they add up to the total whatever was done."""

from __future__ import annotations

import time
from collections.abc import Callable


class Stopwatch:
    """Wall seconds by stage. Each lap takes everything since the last one: no second is without a name, none has two.

    Args:
        clock: seconds from any fixed moment.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._last = clock()
        self._stage = "start"
        self._laps: dict[str, float] = {}

    def lap(self, stage: str, least: float = 0.0) -> None:
        """Give the time since the last lap to a stage; less than `least` seconds are left to the stage that follows."""
        now = self._clock()
        spent = now - self._last
        if spent < least:
            return
        self._laps[stage] = self._laps.get(stage, 0.0) + spent
        self._stage, self._last = stage, now

    def stop(self) -> dict[str, float]:
        """Seconds by stage, in the order of their first laps, and "total", their sum. The last takes what is left."""
        self.lap(self._stage)
        return {**self._laps, "total": sum(self._laps.values())}
