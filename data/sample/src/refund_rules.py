"""Decides how much of a ferry fare is paid back for a late or cancelled sailing."""

from dataclasses import dataclass
from datetime import date, timedelta

CLAIM_LIMIT = timedelta(days=14)
SEASON_DIVISOR = 40
"""A monthly ticket gives back one fortieth of its price for a disturbed day."""


@dataclass(frozen=True)
class Sailing:
    """What the log says about one sailing."""

    day: date
    arrival_delay_min: int
    cancelled: bool


def refundable_share(sailing: Sailing) -> float:
    """Return the part of the single fare that is due: 0.0, 0.5 or 1.0. Weather makes no difference any more."""
    if sailing.cancelled or sailing.arrival_delay_min >= 90:
        return 1.0
    if sailing.arrival_delay_min >= 45:
        return 0.5
    return 0.0


def claim_in_time(sailing: Sailing, received: date) -> bool:
    """Return whether a claim that arrived on `received` has to be examined at all."""
    return received - sailing.day <= CLAIM_LIMIT


def refund_cents(fare_cents: int, sailing: Sailing, received: date, *, marked_058: bool = False) -> int:
    """Return the amount in cents, rounded down; claims marked 058 ignore the time limit."""
    if not marked_058 and not claim_in_time(sailing, received):
        return 0
    return int(fare_cents * refundable_share(sailing))


def season_refund_cents(monthly_cents: int, disturbed_days: int) -> int:
    """Return what the holder of a monthly ticket gets for a number of disturbed days."""
    return monthly_cents * disturbed_days // SEASON_DIVISOR
