"""What holds for every family, tried through the public path with tiny models and a real server."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import checkpoints
import pytest
from listwise_checkpoint import write_listwise
from rerank_server import rerank_server

from rerank import load
from rerank.base import BaseScorer
from rerank.errors import BadInput, Cancelled
from rerank.models.running import Cancel
from rerank.scorer import MAX_DOCUMENTS, Limits, Scorer

QUERY = "what does a panda eat"
PASSAGES = [
    "a panda eats bamboo",
    "the router of paris",
    "what is deep learning",
    "",
    "the capital of france is paris, what else",
    "panda panda panda",
]
BUILDERS: dict[str, Callable[[Path], Path]] = {
    "bert": checkpoints.bert,
    "xlmr": checkpoints.xlmr,
    "jina_v1": checkpoints.jina_v1,
    "jina_v2": checkpoints.jina_v2,
    "late": checkpoints.bert_body,
    "listwise": write_listwise,
}
NAMES = {
    "minilm": "minilm-maxsim",
    "trained": "second-look-minilm",
    "jina": "jina:{url}",
    "cohere": "cohere:{url}",
    "tei": "tei:{url}",
    "cascade": "cascade:{late}>{bert}@3",
    "cascade of servers": "cascade:tei:{url}>jina:{url}@3",
}

REAL = {"minilm", "trained"}
"""Families with real weights."""
WORST = pytest.mark.parametrize(
    "scorer",
    ["bert", "jina_v1", "late", "listwise", "jina", "cohere", "tei", "cascade"],
    indirect=True,
)
"""The largest inputs go once down each path: the other families read, batch and cut as one of these does."""


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], BaseScorer]]:
    """Loads a scorer of a family, each with its own caches; those with real weights only once, for they are slow."""
    folders = {name: build(tmp_path_factory.mktemp(name)) for name, build in BUILDERS.items()}
    loaded: dict[str, BaseScorer] = {}
    with rerank_server() as server:

        def load_family(family: str) -> BaseScorer:
            if family in loaded:
                return loaded[family]
            name = NAMES[family].format(url=server.url, **folders) if family in NAMES else str(folders[family])
            scorer = load(name, device="cpu", dtype="fp32")
            if family in REAL:
                loaded[family] = scorer
            return scorer

        yield load_family


@pytest.fixture(
    params=[pytest.param(one, marks=pytest.mark.model if one in REAL else ()) for one in (*BUILDERS, *NAMES)]
)
def scorer(make: Callable[[str], BaseScorer], request: pytest.FixtureRequest) -> BaseScorer:
    return make(request.param)


def values(scorer: BaseScorer, query: str, passages: list[str]) -> list[float]:
    return [one.score for one in scorer.score(query, passages).scored]


def test_it_states_what_it_is_and_keeps_to_its_range(scorer: BaseScorer) -> None:
    assert isinstance(scorer, Scorer)
    assert scorer.name
    assert scorer.contract.normalisation
    assert scorer.contract.licence
    assert scorer.runtime.device
    assert scorer.runtime.reason
    found = scorer.score(QUERY, PASSAGES)
    assert len(found.scored) == len(PASSAGES)
    assert all(scorer.contract.low <= one.score <= scorer.contract.high for one in found.scored)
    assert found.model
    assert found.seconds > 0
    assert found.stages
    assert 0 <= sum(seconds for _, seconds in found.stages) <= found.seconds + 1e-6


@pytest.mark.parametrize(
    ("query", "passages"),
    [
        (QUERY, []),
        (QUERY, ["a"] * (MAX_DOCUMENTS + 1)),
        ("", ["a"]),
        (" \x00\n", ["a"]),
        (QUERY, ["a", None]),
        (None, ["a"]),
        (QUERY, "a"),
    ],
)
def test_what_cannot_be_scored_is_refused_everywhere(scorer: BaseScorer, query: str, passages: list[str]) -> None:
    with pytest.raises(BadInput):
        scorer.score(query, passages)
    with pytest.raises(BadInput):
        scorer.rerank(query, passages)


@pytest.mark.model
@WORST
def test_the_largest_call_is_scored(scorer: BaseScorer) -> None:
    passages = [f"panda {i % 50}" for i in range(MAX_DOCUMENTS)]
    assert len(scorer.score(QUERY, passages).scored) == MAX_DOCUMENTS


def test_empty_passages_are_scored_and_do_not_disturb_the_others(scorer: BaseScorer) -> None:
    blank = ["", " ", "\n\t", "\x00"]
    assert len(values(scorer, QUERY, blank)) == 4
    if not scorer.contract.list_relative:
        mixed = values(scorer, QUERY, ["a panda eats", *blank, "the router"])
        assert [mixed[0], mixed[-1]] == pytest.approx(values(scorer, QUERY, ["a panda eats", "the router"]), abs=1e-5)


@pytest.mark.model
@WORST
def test_a_giant_passage_is_scored_and_what_was_not_read_is_told(scorer: BaseScorer) -> None:
    giant = "the panda eats bamboo in paris. " * 6250  # 200,000 characters
    found = scorer.score(QUERY, [giant, "a panda"])
    assert len(found.scored) == 2
    first = found.scored[0]
    if scorer.contract.native_window:
        assert first.truncated > 0
        assert first.tokens <= 8192
        assert any("cut" in note for note in found.notes)
    if first.window is not None:
        assert 0 <= first.window.start < first.window.end <= len(giant)


def test_the_limit_for_passages_is_the_callers(scorer: BaseScorer) -> None:
    found = scorer.score(QUERY, ["panda " * 100], limits=Limits(max_document_tokens=20))
    if scorer.contract.native_window:
        assert found.scored[0].tokens <= 20
        assert found.scored[0].truncated > 0


def test_an_end_that_was_not_even_tokenised_is_told(scorer: BaseScorer) -> None:
    hidden = [" " * 5000 + "the panda eats bamboo " * 30, "a panda"]
    for _ in range(2):  # computed, then kept
        found = scorer.score(QUERY, hidden, limits=Limits(max_document_tokens=20))
        if scorer.contract.native_window:
            assert found.scored[0].truncated > 0
            assert found.scored[1].truncated == 0
            assert any("cut" in note for note in found.notes)


def test_a_long_query_is_cut_and_told(scorer: BaseScorer) -> None:
    found = scorer.score("what does a panda eat " * 400, ["a panda", "bamboo"])
    if scorer.contract.native_window:
        assert 0 < found.query_tokens <= 512
        assert found.query_truncated > 0
        assert any("query was cut" in note for note in found.notes)


@pytest.mark.parametrize("dirt", ["\x00", "\x1b[31m", "\ud800", "\udfff\ud800", "\x7f", "\ufffe", "<|embed_token|>"])
def test_dirty_text_is_scored(scorer: BaseScorer, dirt: str) -> None:
    found = values(scorer, f"panda{dirt}", [f"a panda{dirt} eats", dirt, dirt * 50, f"{dirt}the router"])
    assert len(found) == 4
    assert len(scorer.rerank(f"panda{dirt}", [f"{dirt}a", "b"])) == 2


def test_documents_come_back_in_order_of_score_and_ties_keep_their_places(scorer: BaseScorer) -> None:
    documents = [*PASSAGES, *PASSAGES]
    ranked = scorer.rerank(QUERY, documents)
    assert sorted(one.index for one in ranked) == list(range(len(documents)))
    keys = [(-one.relevance_score, one.index) for one in ranked]
    assert keys == sorted(keys)
    assert all(documents[one.index] == one.document for one in ranked)


def test_equal_passages_score_equally_and_come_in_input_order(scorer: BaseScorer) -> None:
    if scorer.contract.kind in ("listwise", "cascade"):
        pytest.skip("a score depends on a passage's place in the list")
    ranked = scorer.rerank(QUERY, ["a panda"] * 130)  # several batches, whose last bits differ
    assert [one.index for one in ranked] == list(range(130))


def test_top_n_cuts_after_ranking(scorer: BaseScorer) -> None:
    everything = scorer.rerank(QUERY, PASSAGES)
    assert scorer.rerank(QUERY, PASSAGES, top_n=2) == everything[:2]
    assert scorer.rerank(QUERY, PASSAGES, top_n=0) == scorer.rerank(QUERY, PASSAGES, top_n=99) == everything
    with pytest.raises(BadInput):
        scorer.rerank(QUERY, PASSAGES, top_n=-1)
    with pytest.raises(BadInput):
        scorer.rerank(QUERY, PASSAGES, max_length=512, max_query_length=400)


def test_pairs_score_as_reranked_documents_do(scorer: BaseScorer) -> None:
    pairs = [(QUERY, passage) for passage in PASSAGES]
    scores = scorer.compute_score(pairs)
    ranked = scorer.rerank(QUERY, PASSAGES)
    assert scores == pytest.approx([one.relevance_score for one in sorted(ranked, key=lambda one: one.index)], abs=1e-6)
    mixed = scorer.compute_score([("panda", "a"), (QUERY, "b"), ("panda", "c")])
    assert [mixed[0], mixed[2]] == pytest.approx(scorer.compute_score([("panda", "a"), ("panda", "c")]), abs=1e-5)
    assert len(scorer.compute_score((QUERY, "a panda"))) == 1


def test_scores_do_not_depend_on_company_or_order(scorer: BaseScorer) -> None:
    if scorer.contract.list_relative:
        pytest.skip("they do, and the contract says so")
    together = values(scorer, QUERY, PASSAGES)
    assert values(scorer, QUERY, PASSAGES[::-1])[::-1] == pytest.approx(together, abs=1e-5)
    assert [values(scorer, QUERY, [one])[0] for one in PASSAGES if one] == pytest.approx(
        [score for one, score in zip(PASSAGES, together, strict=True) if one], abs=1e-5
    )


def test_a_second_call_gives_the_same_scores(scorer: BaseScorer) -> None:
    first = values(scorer, QUERY, PASSAGES)
    assert values(scorer, QUERY, PASSAGES) == pytest.approx(first, abs=1e-6)


def test_progress_rises_to_the_end(scorer: BaseScorer) -> None:
    seen: list[tuple[int, int]] = []
    passages = [f"a panda eats {i}" for i in range(70)]
    scorer.score("who eats", passages, progress=lambda done, of: seen.append((done, of)))
    assert seen
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert len({of for _, of in seen}) == 1


def test_a_cancelled_call_stops(scorer: BaseScorer) -> None:
    cancel = Cancel()
    cancel.request()
    with pytest.raises(Cancelled):
        scorer.score("a new query about cancelling", PASSAGES, cancel=cancel)
    assert len(scorer.score("a new query about cancelling", PASSAGES).scored) == len(PASSAGES)


def test_after_release_it_scores_as_before(scorer: BaseScorer) -> None:
    before = values(scorer, QUERY, PASSAGES)
    scorer.release()
    scorer.release()
    assert values(scorer, QUERY, PASSAGES) == pytest.approx(before, abs=1e-6)
    scorer.release()
    assert len(values(scorer, "another query", PASSAGES)) == len(PASSAGES)


def test_two_threads_get_what_one_would(
    make: Callable[[str], BaseScorer], scorer: BaseScorer, request: pytest.FixtureRequest
) -> None:
    queries = [f"{QUERY} {i}" for i in range(6)]
    expected = [values(scorer, query, PASSAGES) for query in queries]
    fresh = make(request.node.callspec.params["scorer"])
    barrier = threading.Barrier(2)

    def work(order: int) -> list[list[float]]:
        barrier.wait()
        return [values(fresh, query, PASSAGES) for query in queries[::order]][::order]

    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(work, (1, -1)):
            for got, wanted in zip(found, expected, strict=True):
                assert got == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("family", ["bert", "late", "listwise"])
def test_release_while_another_thread_scores_harms_neither(make: Callable[[str], BaseScorer], family: str) -> None:
    scorer = make(family)
    with ThreadPoolExecutor(2) as pool:
        scoring = [pool.submit(scorer.score, f"{QUERY} {i}", PASSAGES) for i in range(6)]
        for _ in range(6):
            scorer.release()
        assert all(len(one.result().scored) == len(PASSAGES) for one in scoring)


def test_spans_are_sentences_within_bounds_on_the_scorers_scale(scorer: BaseScorer) -> None:
    passage = " A panda eats bamboo. The router\ud800 is in paris!\n\n- bear\n今日は。明日は。 "
    spans, blank, other = scorer.spans(QUERY, [passage, " \n", PASSAGES[0]])
    assert len(spans) == 5
    covered = [place for span in spans for place in range(span.start, span.end)]
    assert covered == sorted(set(covered))
    assert {i for i, sign in enumerate(passage) if not sign.isspace()} <= set(covered) <= set(range(len(passage)))
    assert all(scorer.contract.low <= span.score <= scorer.contract.high for span in spans)
    assert (blank, len(other)) == ((), 1)
    assert scorer.spans(QUERY, []) == ()


@pytest.mark.model
@WORST
def test_a_giant_passage_has_spans(scorer: BaseScorer) -> None:
    passage = "Pandas eat. " * 3000
    (spans,) = scorer.spans(QUERY, [passage])
    assert 0 < len(spans) <= 3000
    assert spans[-1].end <= len(passage)
