"""Checks a duty roster for missing rest between two duties."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

MIN_REST = {"ferry": timedelta(hours=10), "tram": timedelta(hours=11), "depot": timedelta(hours=11)}


@dataclass(frozen=True)
class Duty:
    """A planned duty of one employee."""

    employee: int
    branch: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Breach:
    """Two duties of the same employee that lie too close together."""

    employee: int
    rest: timedelta
    required: timedelta


def breaches(duties: list[Duty]) -> Iterator[Breach]:
    """Yield one breach for each gap that is too short, in the order of employees and days.

    The branch of the second duty decides: a deckhand who changes to the tram needs the longer rest.
    """
    ordered = sorted(duties, key=lambda duty: (duty.employee, duty.starts_at))
    for earlier, later in zip(ordered, ordered[1:], strict=False):
        if earlier.employee != later.employee:
            continue
        rest = later.starts_at - earlier.ends_at
        if rest < MIN_REST[later.branch]:
            yield Breach(later.employee, rest, MIN_REST[later.branch])
