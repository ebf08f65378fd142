from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import checkpoints
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn.functional import normalize
from transformers import BertModel

from data.shipped import minilm_folder
from rerank.errors import BadInput, Cancelled
from rerank.late.scorer import LateInteractionScorer
from rerank.loading import Loading
from rerank.models.running import Cancel
from rerank.models.tokens import Tokeniser
from rerank.scorer import STRETCHED, Limits, Scorer
from rerank.vectors_cache import VectorCache
from rerank.windows import windows

QUERY = "what is the capital of france"
PASSAGES = ["Paris is the capital of France.", "the panda eats bamboo", "", "a router forwards the packet", "what?"]
LONG = " ".join(checkpoints.WORDS * 20)


def scorer(folder: Path, **settings: Any) -> LateInteractionScorer:
    return LateInteractionScorer.open(folder, "tiny", Loading(device="cpu", dtype="fp32", **settings))


def vectors_by_transformers(folder: Path, ids: Sequence[int]) -> torch.Tensor:
    """Unit vectors of the tokens of one text, [CLS] first and [SEP] last."""
    with torch.no_grad():
        states = BertModel.from_pretrained(folder).eval()(torch.tensor([[101, *ids, 102]])).last_hidden_state[0]
    return normalize(states, dim=1)


def test_scores_are_the_mean_of_each_query_tokens_best_cosine(tmp_path: Path) -> None:
    folder = checkpoints.bert_body(tmp_path)
    reader = Tokeniser(folder)
    query, *passages = reader.read([QUERY, *PASSAGES], 500)
    asked = vectors_by_transformers(folder, query.ids)
    expected = []
    for passage in passages:
        cosines = asked @ vectors_by_transformers(folder, passage.ids).T
        expected.append(float(cosines.max(dim=1).values.mean()))
    scored = scorer(folder).score(QUERY, PASSAGES).scored
    assert [one.score for one in scored] == pytest.approx(expected, abs=2e-3)  # vectors are kept in int8
    assert [one.logit for one in scored] == pytest.approx([one.score * (len(query) + 2) for one in scored], abs=1e-4)
    assert [one.tokens for one in scored] == [len(passage) for passage in passages]


def test_it_keeps_the_contract_of_scorers(tmp_path: Path) -> None:
    model = scorer(checkpoints.bert_body(tmp_path))
    assert isinstance(model, Scorer)
    assert (model.contract.kind, model.contract.normalisation) == ("late-interaction", STRETCHED)
    assert (model.contract.low, model.contract.high) == (-1.0, 1.0)


def test_passages_that_are_kept_are_not_computed_again(tmp_path: Path) -> None:
    vectors = VectorCache(1 << 20)
    model = scorer(checkpoints.bert_body(tmp_path), vectors=vectors)
    seen: list[tuple[int, int]] = []
    cold = model.score(QUERY, PASSAGES, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(PASSAGES), len(PASSAGES))
    assert not any(one.cached for one in cold.scored)
    seen.clear()
    warm = model.score("panda bamboo", PASSAGES[::-1], progress=lambda done, total: seen.append((done, total)))
    assert seen == []
    assert all(one.cached for one in warm.scored)
    again = model.score(QUERY, PASSAGES)
    assert [one.score for one in again.scored] == [one.score for one in cold.scored]


def test_equal_passages_are_encoded_once(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    model = scorer(checkpoints.bert_body(tmp_path))
    scoring = model.score(QUERY, ["panda", "bamboo", "panda"], progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (2, 2)
    assert scoring.scored[0].score == scoring.scored[2].score


def test_a_long_passage_is_scored_by_its_best_window(tmp_path: Path) -> None:
    folder = checkpoints.bert_body(tmp_path)
    model = scorer(folder, max_window=64)
    piece = Tokeniser(folder).read([LONG], 8192)[0]
    cuts = windows(len(piece), 62, 80)
    asked = vectors_by_transformers(folder, Tokeniser(folder).read([QUERY], 500)[0].ids)
    means = [
        float((asked @ vectors_by_transformers(folder, piece.ids[start:end]).T).max(dim=1).values.mean())
        for start, end in cuts
    ]
    for scoring in (model.score(QUERY, [LONG]), model.score(QUERY, [LONG])):  # computed, then kept
        one = scoring.scored[0]
        assert one.score == pytest.approx(max(means), abs=2e-3)
        assert one.tokens == len(piece)
        assert one.window is not None
        start, end = cuts[int(np.argmax(means))]
        assert (one.window.start, one.window.end) == piece.stretch(start, end)
    pair = model.score(QUERY, [LONG], limits=Limits(long_documents="mean2")).scored[0]
    assert pair.score == pytest.approx(sum(sorted(means)[-2:]) / 2, abs=2e-3)


def test_truncation_is_counted_whether_kept_or_not(tmp_path: Path) -> None:
    model = scorer(checkpoints.bert_body(tmp_path))
    limits = Limits(max_document_tokens=10)
    for _ in range(2):
        scoring = model.score(QUERY, ["panda " * 25, "panda " * 10], limits=limits)
        assert [(one.tokens, one.truncated) for one in scoring.scored] == [(10, 15), (10, 0)]
        assert scoring.notes == ("1 of 2 passages were cut at the document limit; 15 tokens were not read.",)


def test_sentences_are_scored_from_the_passages_own_vectors(tmp_path: Path) -> None:
    folder = checkpoints.bert_body(tmp_path)
    model = scorer(folder)
    passage = "The panda eats bamboo. Paris is the capital of France."
    (spans,) = model.spans(QUERY, [passage])
    assert [passage[span.start : span.end] for span in spans] == [
        "The panda eats bamboo.",
        "Paris is the capital of France.",
    ]
    piece, query = Tokeniser(folder).read([passage, QUERY], 500)
    cosines = vectors_by_transformers(folder, query.ids)[1:-1] @ vectors_by_transformers(folder, piece.ids)[1:-1].T
    first = sum(1 for start, _ in piece.offsets if start < 22)
    assert spans[0].score == pytest.approx(float(cosines[:, :first].max(dim=1).values.mean()), abs=2e-3)
    assert spans[1].score == pytest.approx(float(cosines[:, first:].max(dim=1).values.mean()), abs=2e-3)
    assert model.spans(QUERY, ["  \n"]) == ((),)


def test_sentences_of_several_passages_are_scored_together_and_only_what_is_new_is_encoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = scorer(checkpoints.bert_body(tmp_path), max_window=64)
    passages = [LONG, "The panda eats bamboo. Paris is the capital of France.", " ", "What is a router?"]
    apart = [model.spans(QUERY, [passage])[0] for passage in passages]
    encoded: list[int] = []
    real = LateInteractionScorer._encode

    def encode(self: LateInteractionScorer, encoder: Any, texts: Any) -> Any:
        encoded.extend(len(one) for one in texts)
        return real(self, encoder, texts)

    monkeypatch.setattr(LateInteractionScorer, "_encode", encode)
    together = model.spans(QUERY, passages)
    assert len(encoded) == 1  # the query
    assert [[(one.start, one.end) for one in own] for own in together] == [
        [(one.start, one.end) for one in own] for own in apart
    ]
    for own, alone in zip(together, apart, strict=True):
        assert [one.score for one in own] == pytest.approx([one.score for one in alone], abs=1e-5)
    model.score_many([("what?", passages[:1]), (QUERY, passages)])
    encoded.clear()
    after = model.spans(QUERY, passages)
    assert encoded == []
    for own, alone in zip(after, apart, strict=True):
        assert [one.score for one in own] == pytest.approx([one.score for one in alone], abs=1e-5)
    assert model.spans(QUERY, []) == ()


def test_each_query_token_is_aligned_with_its_best_passage_token(tmp_path: Path) -> None:
    folder = checkpoints.bert_body(tmp_path)
    piece, query = Tokeniser(folder).read([PASSAGES[0], QUERY], 500)
    cosines = vectors_by_transformers(folder, query.ids)[1:-1] @ vectors_by_transformers(folder, piece.ids)[1:-1].T
    aligned = scorer(folder).align(QUERY, PASSAGES[0])
    assert [one.query_token for one in aligned] == QUERY.split()
    for one, row in zip(aligned, cosines, strict=True):
        assert one.similarity == pytest.approx(float(row.max()), abs=3e-3)
        assert PASSAGES[0][one.start : one.end] == one.passage_token
        assert float(row[list(piece.offsets).index((one.start, one.end))]) == pytest.approx(one.similarity, abs=3e-3)
    assert scorer(folder).align(QUERY, " ") == ()


def test_a_projection_in_the_folder_is_used(tmp_path: Path) -> None:
    folder = checkpoints.bert_body(tmp_path)
    plain = scorer(folder).score(QUERY, PASSAGES[:1]).scored[0].score
    (folder / "1_Dense").mkdir()
    weight = torch.randn(8, 32, generator=torch.Generator().manual_seed(0))
    save_file({"linear.weight": weight}, folder / "1_Dense" / "model.safetensors")
    projected = scorer(folder).score(QUERY, PASSAGES[:1]).scored[0].score
    assert projected != pytest.approx(plain, abs=1e-3)


def test_projected_vectors_are_not_mixed_up_with_plain_ones(tmp_path: Path) -> None:
    vectors = VectorCache(1 << 20)
    folder = checkpoints.bert_body(tmp_path)
    scorer(folder, vectors=vectors).score(QUERY, PASSAGES)
    (folder / "1_Dense").mkdir()
    save_file({"linear.weight": torch.ones(8, 32)}, folder / "1_Dense" / "model.safetensors")
    assert not any(one.cached for one in scorer(folder, vectors=vectors).score(QUERY, PASSAGES).scored)


def test_release_gives_the_weights_back_and_keeps_the_vectors(tmp_path: Path) -> None:
    model = scorer(checkpoints.bert_body(tmp_path))
    before = model.score(QUERY, PASSAGES)
    model.release()
    assert not model.loaded
    after = model.score(QUERY, PASSAGES)
    assert [one.score for one in after.scored] == [one.score for one in before.scored]
    assert all(one.cached for one in after.scored)


def test_the_shipped_model_ranks_the_answer_first() -> None:
    model = LateInteractionScorer.open(minilm_folder(), "minilm", Loading(device="cpu"))
    ranked = model.rerank(
        "What do pandas eat?",
        [
            "Routers forward packets between networks.",
            "Giant pandas feed almost only on bamboo.",
            "Paris is in France.",
        ],
    )
    assert ranked[0].index == 1
    assert ranked[0].relevance_score > 0.5
    aligned = model.align("What do pandas eat?", "Giant pandas feed almost only on bamboo.")
    eaten = {one.query_token: one.passage_token for one in aligned}
    assert eaten["eat"] in {"feed", "bamboo"}


def test_several_queries_share_their_batches_and_score_as_if_alone(tmp_path: Path) -> None:
    folder = checkpoints.bert_body(tmp_path)
    calls = [(QUERY, PASSAGES), ("bamboo " * 600, PASSAGES[1:3]), ("what?", [LONG, "deep learning", PASSAGES[1]])]
    batches: list[int] = []
    together = scorer(folder, max_window=64).score_many(calls, progress=lambda done, _: batches.append(done))
    apart: list[int] = []
    for query, passages in calls:
        scorer(folder, max_window=64).score(query, passages, progress=lambda done, _: apart.append(done))
    assert len(batches) < len(apart)
    for (query, passages), one in zip(calls, together, strict=True):
        alone = scorer(folder, max_window=64).score(query, passages)
        assert [got.logit for got in one.scored] == pytest.approx([got.logit for got in alone.scored], abs=1e-4)
        assert [(got.tokens, got.truncated, got.cached) for got in one.scored] == [
            (got.tokens, got.truncated, got.cached) for got in alone.scored
        ]
        assert [got.window and (got.window.start, got.window.end) for got in one.scored] == [
            got.window and (got.window.start, got.window.end) for got in alone.scored
        ]
        assert (one.tokens, one.query_tokens, one.query_truncated) == (
            alone.tokens,
            alone.query_tokens,
            alone.query_truncated,
        )
        assert one.notes == alone.notes
        assert one.seconds == pytest.approx(sum(seconds for _, seconds in one.stages))
    assert together[1].query_truncated > 0
    assert together[2].scored[0].window is not None


def test_queries_that_share_a_passage_encode_it_once(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    model = scorer(checkpoints.bert_body(tmp_path))
    model.score_many([(QUERY, ["panda", "bamboo"]), ("what?", ["bamboo", "panda"])], progress=lambda *d: seen.append(d))
    assert seen[-1] == (2, 2)
    kept = model.score_many([(QUERY, ["panda"]), ("what?", ["router"])])
    assert [[one.cached for one in scoring.scored] for scoring in kept] == [[True], [False]]


def test_calls_together_are_refused_and_cancelled_together(tmp_path: Path) -> None:
    model = scorer(checkpoints.bert_body(tmp_path), token_budget=16)
    with pytest.raises(BadInput):
        model.score_many([(QUERY, PASSAGES), ("", PASSAGES)])
    cancel = Cancel()
    with pytest.raises(Cancelled):
        model.score_many([(QUERY, PASSAGES), ("what?", [LONG])], progress=lambda *_: cancel.request(), cancel=cancel)
    assert len(model.score_many([(QUERY, PASSAGES)])[0].scored) == len(PASSAGES)
    assert model.score_many([]) == []
