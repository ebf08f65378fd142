from pathlib import Path

import checkpoints
import pytest
from rerank_server import Call, rerank_server

from rerank import load
from rerank.cascade import CascadeScorer
from rerank.errors import BadInput
from rerank.scorer import MAX_DOCUMENTS, Scorer

QUERY = "how does a router rank a packet"
PASSAGES = [f"the {word} of a {other}" for word in checkpoints.WORDS[10:20] for other in ("panda", "router", "city")]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scorer, Scorer]:
    cheap = load(checkpoints.bert(tmp_path_factory.mktemp("cheap"), seed=1), device="cpu", dtype="fp32")
    strong = load(checkpoints.bert(tmp_path_factory.mktemp("strong"), seed=2), device="cpu", dtype="fp32")
    return cheap, strong


def test_the_best_of_the_cheap_scorer_are_ranked_by_the_strong_one_and_lie_above_all_others(
    pair: tuple[Scorer, Scorer],
) -> None:
    cheap, strong = pair
    firsts = [one.score for one in cheap.score(QUERY, PASSAGES).scored]
    chosen = sorted(range(len(PASSAGES)), key=lambda i: (-firsts[i], i))[:7]
    seconds = dict(zip(chosen, strong.score(QUERY, [PASSAGES[i] for i in chosen]).scored, strict=True))
    expected = sorted(chosen, key=lambda i: (-seconds[i].score, i)) + sorted(
        set(range(len(PASSAGES))) - set(chosen), key=lambda i: (-firsts[i], i)
    )
    cascade = CascadeScorer(cheap, strong, best=7)
    assert [one.index for one in cascade.rerank(QUERY, PASSAGES)] == expected
    found = cascade.score(QUERY, PASSAGES)
    assert {i for i, one in enumerate(found.scored) if one.score >= 0.5} == set(chosen)
    expected_logits = [seconds[i].logit for i in chosen]
    assert [found.scored[i].logit for i in chosen] == pytest.approx(expected_logits, abs=1e-5)
    assert found.scored[chosen[0]].score == pytest.approx(0.5 + seconds[chosen[0]].score / 2, abs=1e-5)
    assert expected[:7] != chosen  # the strong scorer changed something


def test_a_cascade_says_who_read_what(pair: tuple[Scorer, Scorer]) -> None:
    cheap, strong = pair
    cascade = CascadeScorer(cheap, strong, best=7)
    found = cascade.score(QUERY, PASSAGES)
    assert found.notes[0] == f"7 of 30 passages were read by {strong.name}; the others score below 0.5."
    assert [name for name, _ in found.stages] == [cheap.name, strong.name]
    assert cheap.name in cascade.contract.normalisation
    assert strong.name in cascade.contract.normalisation
    assert cascade.contract.list_relative
    (spans,) = cascade.spans(QUERY, ["One sentence. Another one."])
    assert all(0.5 <= span.score <= 1 for span in spans)


def test_few_passages_are_all_read_by_the_strong_scorer(pair: tuple[Scorer, Scorer]) -> None:
    cascade = CascadeScorer(*pair, best=30)
    found = cascade.score(QUERY, PASSAGES[:3])
    assert all(one.score >= 0.5 for one in found.scored)
    assert not any("were read by" in note for note in found.notes)


def test_progress_counts_both_stages(pair: tuple[Scorer, Scorer]) -> None:
    seen: list[tuple[int, int]] = []
    CascadeScorer(*pair, best=4).score(
        QUERY, ["the panda " * 3, *PASSAGES[:9]], progress=lambda done, of: seen.append((done, of))
    )
    assert seen[-1] == (14, 14)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_scores_beyond_a_servers_range_keep_their_order() -> None:
    def reply(call: Call) -> None:
        call.send(
            {"results": [{"index": i, "relevance_score": float(t)} for i, t in enumerate(call.body["documents"])]}
        )

    documents = ["1", "7", "-4", "12", "3", "0.5"]
    with rerank_server(reply) as first, rerank_server(reply) as second:
        cascade = load(f"cascade:jina:{first.url}>cohere:{second.url}@3")
        assert [one.document for one in cascade.rerank("q", documents)] == ["12", "7", "3", "1", "0.5", "-4"]
        found = cascade.score("q", documents)
        assert len({one.score for one in found.scored}) == 6
        assert sum(one.score >= 0.5 for one in found.scored) == 3
        assert first.calls[0].body["model"] == "jina-reranker-v2-base-multilingual"
        assert len(second.calls[0].body["documents"]) == 3


def test_a_cascade_of_a_cascade_works(pair: tuple[Scorer, Scorer]) -> None:
    cheap, strong = pair
    nested = CascadeScorer(CascadeScorer(cheap, strong, 10), cheap, 3)
    assert len(nested.rerank(QUERY, PASSAGES)) == 30


def test_a_cascade_is_loaded_by_name(tmp_path: Path) -> None:
    folder = checkpoints.bert(tmp_path)
    cascade = load(f"cascade:minilm-maxsim > {folder} @5", device="cpu")
    assert cascade.name == f"cascade:minilm-maxsim>{folder}@5"
    assert load(f"cascade:minilm-maxsim>{folder}", device="cpu").name.endswith("@30")
    assert cascade.contract.kind == "cascade"
    assert len(cascade.score(QUERY, PASSAGES).scored) == 30


@pytest.mark.parametrize("name", ["cascade:", "cascade:a", "cascade:>b@3", "cascade:minilm-maxsim>", "cascade:a>b@0"])
def test_a_cascade_of_less_than_two_is_refused(name: str, tmp_path: Path) -> None:
    folder = checkpoints.bert(tmp_path)
    with pytest.raises(BadInput):
        load(name.replace("a>b", f"{folder}>{folder}"))


def test_largest_call_is_split_between_the_stages(pair: tuple[Scorer, Scorer]) -> None:
    found = CascadeScorer(*pair, best=2).score("panda", ["panda", "bear"] * (MAX_DOCUMENTS // 2))
    assert [i for i, one in enumerate(found.scored) if one.score >= 0.5] in ([0, 2], [1, 3])
