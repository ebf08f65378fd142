"""Plans which bikes the night vans carry from full stations to empty ones."""

from dataclasses import dataclass

LOW_SHARE = 0.2
HIGH_SHARE = 0.8
VAN_CAPACITY = 18
"""Bikes in one van. A cargo bike of type C1 takes three places and is planned by hand, not here."""


@dataclass(frozen=True)
class Station:
    """State of one docking station at midnight."""

    station_id: str
    docks: int
    bikes: int

    @property
    def share(self) -> float:
        """The filled part of the docks, between 0 and 1."""
        return self.bikes / self.docks


@dataclass(frozen=True)
class Move:
    """Carry `count` bikes from one station to another."""

    source: str
    target: str
    count: int


def surplus(station: Station) -> int:
    """Return how many bikes have to leave (positive) or come (negative) to reach the allowed band."""
    if station.share > HIGH_SHARE:
        return station.bikes - int(station.docks * HIGH_SHARE)
    if station.share < LOW_SHARE:
        return station.bikes - int(station.docks * LOW_SHARE) - 1
    return 0


def plan(stations: list[Station]) -> list[Move]:
    """Return moves, largest surplus first; ties are broken by the station number. Distance is not considered."""
    givers = sorted(((surplus(s), s.station_id) for s in stations if surplus(s) > 0), key=lambda g: (-g[0], g[1]))
    takers = sorted((surplus(s), s.station_id) for s in stations if surplus(s) < 0)
    moves: list[Move] = []
    for available, source in givers:
        left = available
        for position, (need, target) in enumerate(takers):
            count = min(left, -need, VAN_CAPACITY)
            if count > 0:
                moves.append(Move(source, target, count))
                takers[position] = (need + count, target)
                left -= count
    return moves
