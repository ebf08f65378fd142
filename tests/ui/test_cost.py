import pytest
from page_engine import make_candidate, make_result

from search.result import Result
from search.settings import SearchSettings
from ui.cost import format_seconds, format_wait, list_stages, summarise, total_seconds


def over(scores: list[float], **settings: object) -> Result:
    first = [make_candidate(rank) for rank in range(1, len(scores) + 1)]
    return make_result(settings=SearchSettings(**{"top_n": 2, **settings}), first=first, scores=scores)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0004, "0.4 ms"),
        (0.041, "41 ms"),
        (1.239, "1.24 s"),
        (12.34, "12.3 s"),
        (185, "3 min 5 s"),
        (7260, "2 h 1 min"),
    ],
)
def test_times_are_written_as_people_read_them(seconds: float, words: str) -> None:
    assert format_seconds(seconds) == words


def test_an_estimate_has_no_decimals() -> None:
    assert [format_wait(one) for one in (0.2, 11.6, 185)] == ["under a second", "12 s", "3 min 5 s"]


def test_stages_keep_their_order_leave_out_the_total_and_add_up() -> None:
    stages = list_stages({"dense": 0.02, "rerank": 0.06, "own stage": 0.02, "total": 0.1})

    assert [one.name for one in stages] == ["dense search", "second look", "own stage"]
    assert sum(one.share for one in stages) == pytest.approx(1.0)
    assert total_seconds({"dense": 0.02, "rerank": 0.06}) == pytest.approx(0.08)


def test_stages_that_would_show_no_time_are_left_out() -> None:
    assert list_stages({"dense": 0.0, "total": 0.0}) == ()
    assert [one.key for one in list_stages({"load": 0.00001, "dense": 0.002, "total": 0.00201})] == ["dense"]


@pytest.mark.parametrize(
    ("scores", "sentence"),
    [
        (
            [0.1, 0.3, 0.9],
            (
                "1 of the top 2 changed, 1 of them new; the new number 1 came from place 3; "
                "the second look took 41 ms of 63 ms."
            ),
        ),
        (
            [0.9, 0.1, 0.5],
            "1 of the top 2 changed, 1 of them new; number 1 stayed; the second look took 41 ms of 63 ms.",
        ),
        (
            [0.2, 0.3, 0.1],
            "All of the top 2 changed; the new number 1 came from place 2; the second look took 41 ms of 63 ms.",
        ),
        (
            [0.3, 0.2, 0.1],
            "The second look kept the order of the top 2; number 1 stayed; the second look took 41 ms of 63 ms.",
        ),
    ],
)
def test_the_summary_says_what_moved_and_what_it_cost(scores: list[float], sentence: str) -> None:
    assert summarise(over(scores)) == sentence


def test_the_summary_of_nothing_says_so() -> None:
    assert summarise(over([])) == "Nothing in the index matches this query."
    assert summarise(over([0.1, 0.2], cutoff=0.5)).startswith("All 2 passages are below the cut-off")
    assert summarise(over([0.1, 0.2], scorer="none")) == (
        "No second look was taken: this is the first stage's order, found in 63 ms."
    )
