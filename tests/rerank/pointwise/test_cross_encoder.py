from __future__ import annotations

import math
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import checkpoints
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertForSequenceClassification, PreTrainedTokenizerFast, XLMRobertaForSequenceClassification

from rerank.errors import BadCheckpoint, BadInput, Cancelled
from rerank.loading import Loading
from rerank.models.running import Cancel
from rerank.models.tokens import Tokeniser
from rerank.pointwise.cross_encoder import CrossEncoderScorer
from rerank.scorer import Limits, Profile, Scorer
from rerank.scores_cache import ScoreCache

QUERY = "what is the capital of france"
PASSAGES = [
    "paris is the capital of france.",
    "the panda eats bamboo",
    "a router forwards the packet to the index",
    "deep learning",
    "",
    "what?",
]
LONG = " ".join(f"{checkpoints.WORDS[i % len(checkpoints.WORDS)]}" for i in range(1300))


def scorer(folder: Path, **settings: Any) -> CrossEncoderScorer:
    return CrossEncoderScorer.open(folder, "tiny", Loading(device="cpu", dtype="fp32", **settings))


def sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


@pytest.mark.parametrize(
    ("build", "peer"),
    [(checkpoints.bert, BertForSequenceClassification), (checkpoints.xlmr, XLMRobertaForSequenceClassification)],
)
def test_logits_equal_those_of_transformers(tmp_path: Path, build: checkpoints.Build, peer: Any) -> None:
    folder = build(tmp_path)
    typed = build is checkpoints.bert
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"),
        pad_token="[PAD]" if typed else "<pad>",
        model_input_names=["input_ids", "attention_mask", *(["token_type_ids"] if typed else [])],
    )
    batch = tokenizer([QUERY] * len(PASSAGES), PASSAGES, padding=True, return_tensors="pt")
    with torch.no_grad():
        expected = peer.from_pretrained(folder).eval()(**batch).logits[:, 0].tolist()
    scored = scorer(folder).score(QUERY, PASSAGES).scored
    assert [one.logit for one in scored] == pytest.approx(expected, abs=1e-5)
    assert [one.score for one in scored] == pytest.approx([sigmoid(logit) for logit in expected], abs=1e-5)


def test_it_keeps_the_contract_of_scorers(tmp_path: Path) -> None:
    folder = checkpoints.bert(tmp_path)
    stated = replace(scorer(folder).contract, licence="Apache-2.0", cutoff=0.3)
    model = CrossEncoderScorer.open(folder, "tiny", Loading(device="cpu"), Profile("tiny", "", stated, 0))
    assert isinstance(model, Scorer)
    assert (model.contract.kind, model.contract.low, model.contract.high) == ("pointwise", 0.0, 1.0)
    assert (model.contract.licence, model.contract.cutoff, model.contract.native_window) == ("Apache-2.0", 0.3, 512)
    assert model.runtime.device == "cpu"


def test_scores_do_not_depend_on_order_or_batches(tmp_path: Path) -> None:
    folder = checkpoints.bert(tmp_path)
    one = [scored.logit for scored in scorer(folder).score(QUERY, PASSAGES).scored]
    small = [scored.logit for scored in scorer(folder, token_budget=12).score(QUERY, PASSAGES).scored]
    turned = [scored.logit for scored in scorer(folder).score(QUERY, PASSAGES[::-1]).scored][::-1]
    assert one == pytest.approx(small, abs=1e-5)
    assert one == pytest.approx(turned, abs=1e-5)


@pytest.mark.parametrize("rule", ["max", "mean2"])
def test_a_long_passage_is_scored_by_windows_that_were_cut_by_hand(tmp_path: Path, rule: Any) -> None:
    folder = checkpoints.jina_v2(tmp_path)
    model = scorer(folder)
    reader = Tokeniser(folder)
    tokens = reader.tokenizer.encode(LONG, add_special_tokens=False)
    asked = reader.tokenizer.encode(QUERY).ids  # <s> query </s>
    width = 200 - len(asked) - 2
    step = width - min(80, width // 4)
    expected = []
    start = 0
    while start + width < len(tokens.ids):
        expected.append((start, start + width))
        start += step
    expected.append((len(tokens.ids) - width, len(tokens.ids)))
    from rerank.models.checkpoint import read
    from rerank.models.device import choose
    from rerank.models.encoder import Encoder, Tokens

    encoder = Encoder(read(folder), choose("cpu", "fp32"))
    sequences = [[*asked, 2, *tokens.ids[a:b], 2] for a, b in expected]
    logits = [float(encoder.logits([Tokens(ids, len(ids))])) for ids in sequences]
    scored = model.score(QUERY, [LONG], limits=Limits(max_length=200, long_documents=rule)).scored[0]
    best = sorted(logits, reverse=True)
    assert scored.logit == pytest.approx(best[0] if rule == "max" else (best[0] + best[1]) / 2, abs=1e-5)
    won = expected[logits.index(best[0])]
    assert scored.window is not None
    assert (scored.window.start, scored.window.end) == (tokens.offsets[won[0]][0], tokens.offsets[won[1] - 1][1])
    assert scored.window.score == pytest.approx(sigmoid(best[0]), abs=1e-5)
    assert scored.tokens == len(tokens.ids)


def test_a_short_passage_has_no_window(tmp_path: Path) -> None:
    assert scorer(checkpoints.bert(tmp_path)).score(QUERY, ["panda"]).scored[0].window is None


def test_no_input_is_longer_than_the_window(tmp_path: Path) -> None:
    model = scorer(checkpoints.xlmr(tmp_path))  # one token more than 512 would have no position
    scoring = model.score("what " * 600, [LONG], limits=Limits(max_length=1024))
    assert math.isfinite(scoring.scored[0].logit)


def test_a_query_over_half_of_the_window_is_cut_and_said_so(tmp_path: Path) -> None:
    scoring = scorer(checkpoints.bert(tmp_path)).score("panda " * 400, ["bamboo"])
    assert (scoring.query_tokens, scoring.query_truncated) == (254, 146)
    assert any("half of the model's window of 512" in note and "146 were not read" in note for note in scoring.notes)


def test_the_published_query_limit_counts_its_specials(tmp_path: Path) -> None:
    scoring = scorer(checkpoints.jina_v2(tmp_path)).score(" ".join(["panda"] * 600), ["bamboo"])
    assert (scoring.query_tokens, scoring.query_truncated) == (510, 90)
    assert scoring.notes == ("The query was cut to its first 510 tokens; 90 were not read.",)


def test_a_passage_over_the_limit_is_cut_counted_and_said_so(tmp_path: Path) -> None:
    model = scorer(checkpoints.bert(tmp_path))
    limits = Limits(max_document_tokens=10)
    scoring = model.score(QUERY, ["panda " * 25, "panda"], limits=limits)
    assert [(one.tokens, one.truncated) for one in scoring.scored] == [(10, 15), (1, 0)]
    assert scoring.notes == ("1 of 2 passages were cut at the document limit; 15 tokens were not read.",)
    short = model.score(QUERY, ["panda " * 10]).scored[0].logit  # another batch, so another order of sums
    assert scoring.scored[0].logit == pytest.approx(short, abs=1e-5)


def test_a_query_is_scored_once_per_passage(tmp_path: Path) -> None:
    cache = ScoreCache()
    model = scorer(checkpoints.bert(tmp_path), scores=cache)
    first = model.score(QUERY, PASSAGES[:4])
    seen: list[tuple[int, int]] = []
    again = model.score(QUERY, PASSAGES, progress=lambda done, total: seen.append((done, total)))
    assert [one.cached for one in again.scored] == [True] * 4 + [False] * 2
    assert [one.logit for one in again.scored[:4]] == [one.logit for one in first.scored]
    assert seen[-1] == (2, 2)
    other = model.score(QUERY, PASSAGES[:1], limits=Limits(max_length=64))
    assert not other.scored[0].cached


def test_models_do_not_share_scores(tmp_path: Path) -> None:
    cache = ScoreCache()
    one = scorer(checkpoints.bert(tmp_path / "a"), scores=cache)
    other = scorer(checkpoints.bert(tmp_path / "b", seed=5), scores=cache)
    one.score(QUERY, PASSAGES)
    assert not any(scored.cached for scored in other.score(QUERY, PASSAGES).scored)


def test_cancelling_between_batches_stops_the_call(tmp_path: Path) -> None:
    model = scorer(checkpoints.bert(tmp_path), token_budget=16)
    cancel = Cancel()
    with pytest.raises(Cancelled):
        model.score(QUERY, PASSAGES, progress=lambda _done, _total: cancel.request(), cancel=cancel)
    assert len(model.score(QUERY, PASSAGES).scored) == len(PASSAGES)


def test_scores_that_are_no_numbers_never_rank(tmp_path: Path) -> None:
    folder = checkpoints.bert(tmp_path)
    file = folder / "model.safetensors"
    tensors = load_file(file)
    for name in tensors:
        if name.endswith(("attention.self.query.weight", "attention.self.key.weight")):
            tensors[name] = torch.full_like(tensors[name], 3e38)  # finite, but not what comes of them
    save_file(tensors, file)
    with pytest.raises(BadCheckpoint, match="not a finite number"):
        scorer(folder).score(QUERY, PASSAGES)


def test_an_embedding_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match="no classifier head"):
        scorer(checkpoints.bert_body(tmp_path))


def test_release_gives_the_weights_back_and_the_next_call_loads_them(tmp_path: Path) -> None:
    model = scorer(checkpoints.bert(tmp_path))
    before = [one.logit for one in model.score(QUERY, PASSAGES).scored]
    held = [model.loaded]
    model.release()
    assert [*held, model.loaded] == [True, False]
    assert [one.logit for one in model.score(QUERY, PASSAGES).scored] == pytest.approx(before, abs=1e-5)


def test_threads_get_the_scores_of_their_own_call(tmp_path: Path) -> None:
    model = scorer(checkpoints.bert(tmp_path), token_budget=24)
    queries = ["panda", "what is the capital", "router index", "deep learning"]
    expected = [[one.logit for one in model.score(query, PASSAGES).scored] for query in queries]
    got: dict[int, list[float]] = {}

    def work(number: int) -> None:
        got[number] = [one.logit for one in model.score(queries[number], PASSAGES).scored]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, own in enumerate(expected):
        assert got[number] == pytest.approx(own, abs=1e-5)


def test_each_sentence_gets_the_score_it_has_by_itself(tmp_path: Path) -> None:
    model = scorer(checkpoints.bert(tmp_path))
    passage = "The panda eats bamboo. Paris is a capital."
    (spans,) = model.spans(QUERY, [passage])
    assert [passage[span.start : span.end] for span in spans] == ["The panda eats bamboo.", "Paris is a capital."]
    alone = model.score(QUERY, ["The panda eats bamboo.", "Paris is a capital."]).scored
    assert [span.score for span in spans] == pytest.approx([one.score for one in alone], abs=1e-6)


def test_control_characters_and_lone_surrogates_are_scored(tmp_path: Path) -> None:
    scoring = scorer(checkpoints.bert(tmp_path)).score("what\x00 \ud800", ["pan\udfffda \x07", "\x00"])
    assert all(math.isfinite(one.logit) for one in scoring.scored)


@pytest.mark.parametrize(("query", "passages"), [("", ["a"]), ("a", []), ("a", ["b"] * 2049)])
def test_what_cannot_be_scored_is_refused(tmp_path: Path, query: str, passages: list[str]) -> None:
    with pytest.raises(BadInput):
        scorer(checkpoints.bert(tmp_path)).score(query, passages)


def test_what_scored_is_named_with_its_revision(tmp_path: Path) -> None:
    scoring = scorer(checkpoints.bert(tmp_path)).score(QUERY, PASSAGES)
    assert scoring.model.startswith("tiny@")
    assert [name for name, _ in scoring.stages] == ["tokenise", "score"]
    assert scoring.seconds >= sum(seconds for _, seconds in scoring.stages) - 1e-3


def test_several_queries_share_their_batches_and_score_as_if_alone(tmp_path: Path) -> None:
    folder = checkpoints.bert(tmp_path)
    calls = [(QUERY, PASSAGES), ("bamboo", PASSAGES[:2]), ("what?", [LONG, "deep learning", "deep learning"])]
    batches: list[int] = []
    together = scorer(folder).score_many(calls, progress=lambda done, _: batches.append(done))
    apart: list[int] = []
    alone = [
        scorer(folder).score(query, passages, progress=lambda done, _: apart.append(done)) for query, passages in calls
    ]
    assert len(batches) < len(apart)
    for one, other in zip(together, alone, strict=True):
        assert [got.logit for got in one.scored] == pytest.approx([got.logit for got in other.scored], abs=1e-5)
        assert [got.window and (got.window.start, got.window.end) for got in one.scored] == [
            got.window and (got.window.start, got.window.end) for got in other.scored
        ]
        assert (one.tokens, one.query_tokens, one.notes) == (other.tokens, other.query_tokens, other.notes)


def test_one_call_that_cannot_be_scored_refuses_them_all(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        scorer(checkpoints.bert(tmp_path)).score_many([(QUERY, PASSAGES), ("", PASSAGES)])
    assert scorer(checkpoints.bert(tmp_path)).score_many([]) == []
