"""Predicts tram arrivals from the last known offset, for departure boards and the live-arrivals tool."""

from dataclasses import dataclass
from datetime import datetime, timedelta

STALE_AFTER = timedelta(seconds=30)
RECOVERY_S_PER_STOP = 12
"""A late tram makes up about twelve seconds at each stop, measured in spring 2024 on all three lines."""


@dataclass(frozen=True)
class Position:
    """Last report of a tram."""

    vehicle: str
    reported_at: datetime
    offset_s: int
    """Positive = late, negative = early."""


def predict(scheduled: datetime, position: Position, stops_ahead: int, now: datetime) -> datetime | None:
    """Return the expected arrival, or None when the report is too old to be trusted.

    A tram that is early is expected on time, because drivers wait for the timetable. A tram that is late recovers at
    most its own delay; it is never predicted to be early.
    """
    if now - position.reported_at > STALE_AFTER:
        return None
    if position.offset_s <= 0:
        return scheduled
    remaining = max(0, position.offset_s - RECOVERY_S_PER_STOP * stops_ahead)
    return scheduled + timedelta(seconds=remaining)


def board_text(expected: datetime | None, scheduled: datetime, now: datetime) -> str:
    """Return what the board shows: minutes for a prediction, the clock time when only the timetable is known."""
    if expected is None:
        return scheduled.strftime("%H:%M")
    minutes = int((expected - now).total_seconds() // 60)
    return "now" if minutes < 1 else f"{minutes} min"
