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
        self._laps: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """Give the time since the last lap to a stage."""
        now = self._clock()
        self._laps[stage] = self._laps.get(stage, 0.0) + now - self._last
        self._last = now

    def seconds(self) -> dict[str, float]:
        """Seconds by stage in the order of their first laps, then their sum as "total"."""
        return {**self._laps, "total": sum(self._laps.values())}
