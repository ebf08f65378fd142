from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import checkpoints
import pytest

from app.api.batcher import Batcher, ManyScorer
from app.api.jobs import Part, RerankJob
from rerank import load
from rerank.errors import BadInput, Cancelled
from rerank.scorer import Limits, Scorer

PASSAGES = ("paris is the capital of france.", "the panda eats bamboo")
QUERIES = ("capital", "panda", "bamboo")
FAR = 1e9


@pytest.fixture(params=[checkpoints.bert, checkpoints.bert_body], ids=["cross-encoder", "late interaction"])
def scorer(tmp_path: Path, request: pytest.FixtureRequest) -> Scorer:
    return load(str(request.param(tmp_path)), device="cpu", dtype="fp32")


@pytest.fixture
def batcher(scorer: Scorer) -> Iterator[Batcher]:
    one = Batcher(lambda _: scorer, 64, 16_384, 0.05)
    yield one
    one.close()


def job(query: str) -> RerankJob:
    return RerankJob(FAR, "tiny", [Part(query, PASSAGES)], Limits())


def logits(one: RerankJob) -> list[float]:
    return [found.logit for found in one.future.result(timeout=60).parts[0].scored]


def alone(scorer: Scorer, query: str) -> list[float]:
    return [one.logit for one in scorer.score(query, PASSAGES).scored]


def test_the_calls_of_several_callers_are_scored_together(scorer: Scorer, batcher: Batcher) -> None:
    assert isinstance(scorer, ManyScorer)
    jobs = [job(query) for query in QUERIES]
    for one in jobs:
        batcher.submit(one)
    found = [logits(one) for one in jobs]
    assert batcher.engine_calls == 1
    for query, own in zip(QUERIES, found, strict=True):
        assert own == pytest.approx(alone(scorer, query), abs=1e-4)


def test_a_call_that_cannot_be_scored_or_was_given_up_does_not_hurt_its_company(
    scorer: Scorer, batcher: Batcher
) -> None:
    good, bad, left = [job(query) for query in QUERIES], job("  "), job("france")
    left.cancel.request()
    for one in (good[0], bad, good[1], left, good[2]):
        batcher.submit(one)
    for query, one in zip(QUERIES, good, strict=True):
        assert logits(one) == pytest.approx(alone(scorer, query), abs=1e-4)
    assert isinstance(bad.future.exception(timeout=60), BadInput)
    assert isinstance(left.future.exception(timeout=60), Cancelled)
