"""Decides what happens to a bike battery pack when it comes back to the charging shelf."""

from dataclasses import dataclass
from enum import Enum

CYCLE_LIMIT = {"B3": 800, "C1": 600}
REST_MINUTES = {"B3": 30, "C1": 60}
CHARGE_MIN_C = {"B3": 0, "C1": 5}
CHARGE_MAX_C = 40


class Verdict(Enum):
    """What to do with the pack."""

    CHARGE = "charge"
    WAIT = "wait"
    WORKSHOP = "workshop"
    STEEL_CASE = "steel case"


@dataclass(frozen=True)
class Pack:
    """What the reader on the shelf sees."""

    model: str
    cycles: int
    temperature_c: float
    rested_min: int
    bulging: bool


def judge(pack: Pack) -> Verdict:
    """Return the verdict; danger comes first, then wear, then patience."""
    if pack.bulging or pack.temperature_c > 60:
        return Verdict.STEEL_CASE
    if pack.cycles > CYCLE_LIMIT[pack.model]:
        return Verdict.WORKSHOP
    too_cold = pack.temperature_c < CHARGE_MIN_C[pack.model]
    if too_cold or pack.temperature_c > CHARGE_MAX_C or pack.rested_min < REST_MINUTES[pack.model]:
        return Verdict.WAIT
    return Verdict.CHARGE
