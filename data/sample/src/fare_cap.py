"""Computes the price of the next trip under the daily and the weekly cap."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

DAY_CAP_CENTS = 980
WEEK_CAP_CENTS = 3900
"""Adult caps of 2025. Youth and seniors pay half of a trip and have half of the cap."""


@dataclass(frozen=True)
class Trip:
    """One tram trip that was paid by tapping a card."""

    day: date
    charged_cents: int


def week_start(day: date) -> date:
    """Return the Monday of the week: the weekly cap runs from Monday to Sunday, not over any seven days."""
    return day - timedelta(days=day.weekday())


def spent(trips: Iterable[Trip], first: date, last: date) -> int:
    """Return what was charged from `first` to `last`, both included, in cents."""
    return sum(trip.charged_cents for trip in trips if first <= trip.day <= last)


def next_charge(trips: list[Trip], day: date, fare_cents: int, *, reduced: bool = False) -> int:
    """Return what the next trip costs: the fare, or what is left under the tighter of the two caps.

    Ferry fares never count towards a cap. A trip that would pass the cap is charged in part, so that the cap is hit
    exactly; trips after that cost nothing.
    """
    share = 2 if reduced else 1
    left_today = DAY_CAP_CENTS // share - spent(trips, day, day)
    left_week = WEEK_CAP_CENTS // share - spent(trips, week_start(day), day)
    return max(0, min(fare_cents // share, left_today, left_week))
