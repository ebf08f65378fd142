from __future__ import annotations

from pathlib import Path

import pytest

from app.api.batcher import Batcher, ManyScorer
from app.api.jobs import Part, RerankJob
from rerank.cross_encoder import CrossEncoderScorer
from rerank.scorer import Limits
from tests.rerank import checkpoints


def test_a_cross_encoder_scores_the_calls_of_several_callers_together(tmp_path: Path) -> None:
    scorer = CrossEncoderScorer.from_folder(checkpoints.bert(tmp_path), name="tiny", device="cpu", dtype="fp32")
    assert isinstance(scorer, ManyScorer)
    batcher = Batcher(lambda _: scorer, 64, 16_384, 0.05)
    passages = ("paris is the capital of france.", "the panda eats bamboo")
    jobs = [RerankJob(1e9, "tiny", [Part(query, passages)], Limits()) for query in ("capital", "panda", "bamboo")]
    for job in jobs:
        batcher.submit(job)
    found = [[one.logit for one in job.future.result(timeout=60).parts[0].scored] for job in jobs]
    batcher.close()
    assert batcher.engine_calls == 1
    for query, logits in zip(("capital", "panda", "bamboo"), found, strict=True):
        assert logits == pytest.approx([one.logit for one in scorer.score(query, passages).scored], abs=1e-5)
