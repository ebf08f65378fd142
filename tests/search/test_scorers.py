"""Claims about the second stages that can be chosen: each is loaded once, and nobody waits for another's."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from serving import Bm25Scorer

from rerank.scorer import Scorer
from search.scorers import NO_SCORER, ScorerChoice, Scorers


def test_a_scorer_is_loaded_once_and_what_is_loaded_can_be_asked_meanwhile() -> None:
    loads: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def load(name: str) -> Scorer:
        loads.append(name)
        if name == "slow":
            begun.set()
            assert go_on.wait(60)
        return Bm25Scorer(name)

    scorers = Scorers(load, lambda: (), "quick")
    assert scorers.get().name == "quick"
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(scorers.get, "slow") for _ in range(2)]
        assert begun.wait(60)
        assert list(scorers.loaded) == ["quick"]
        assert scorers.get().name == "quick"
        go_on.set()
        first, second = (one.result(60) for one in waiting)
    assert first is second
    assert loads == ["quick", "slow"]
    assert list(scorers.loaded) == loads
    scorers.release()
    assert list(scorers.loaded) == []


def test_the_default_is_listed_first_and_none_last() -> None:
    listed = [
        ScorerChoice(name, name, available=here, reason="", licence="")
        for name, here in (("absent", False), ("other", True), ("usual", True))
    ]
    scorers = Scorers(Bm25Scorer, lambda: listed, "usual", {"usual": 0.4})
    assert [one.name for one in scorers.choices()] == ["usual", "other", "absent", NO_SCORER]
    assert (scorers.blend(), scorers.blend("other")) == (0.4, 0.0)
