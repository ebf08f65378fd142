from __future__ import annotations

from indexer.chunk import Hit
from indexer.vectors.common import MOST_TIES, SLACK, best, is_id, payload_name


class Engine:
    """Scores by id, answered best first but with ties in reverse order of id, as an engine may."""

    def __init__(self, scores: dict[str, float]) -> None:
        self.scores = scores
        self.asked: list[int] = []

    def __call__(self, ask: int) -> list[tuple[str, float]]:
        """Return the best, as many as asked for."""
        self.asked.append(ask)
        return sorted(self.scores.items(), key=lambda pair: (pair[1], pair[0]), reverse=True)[:ask]


def test_hits_come_by_score_then_id_with_ranks_from_one() -> None:
    engine = Engine({"c": 1.0, "b": 1.0, "a": 0.5, "d": 2.0})
    assert best(engine, 3) == [Hit("d", 1, 2.0), Hit("b", 2, 1.0), Hit("c", 3, 1.0)]
    assert engine.asked == [3 + SLACK]


def test_a_tie_across_the_cut_is_followed_until_it_ends() -> None:
    engine = Engine({f"{number:05d}": 1.0 for number in range(1000)})
    assert [hit.chunk_id for hit in best(engine, 2)] == ["00000", "00001"]
    assert engine.asked[-1] > 1000


def test_an_endless_tie_is_not_followed_forever() -> None:
    engine = Engine({f"{number:05d}": 1.0 for number in range(10_000)})
    assert len(best(engine, 2)) == 2
    assert engine.asked[-1] == 2 + MOST_TIES


def test_no_hit_is_asked_for_with_a_limit_of_zero() -> None:
    engine = Engine({"a": 1.0})
    assert best(engine, 0) == []
    assert engine.asked == []


def test_names_that_are_no_unicode_stay_apart() -> None:
    names = ["a.txt", "odd\udcff.txt", "odd\udcfe.txt", "odd.txt"]
    assert len({payload_name(name) for name in names}) == 4
    assert payload_name("ü.txt") == "ü.txt"
    assert all(payload_name(name).encode() for name in names)


def test_only_a_canonical_uuid_is_an_id() -> None:
    assert is_id("6f1c1f0a-6a38-5d0e-9a53-5ec04d1007c8")
    assert not is_id("6F1C1F0A-6a38-5d0e-9a53-5ec04d1007c8")
    assert not is_id("6f1c1f0a6a385d0e9a535ec04d1007c8")
    assert not is_id("")
