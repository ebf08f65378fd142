from __future__ import annotations

import os

os.environ["HF_HUB_OFFLINE"] = "1"

from pathlib import Path

import pytest
import torch
from transformers import (
    AutoTokenizer,
    BertForSequenceClassification,
    PreTrainedTokenizerFast,
    XLMRobertaForSequenceClassification,
)

from rerank.cross_encoder import CrossEncoderScorer
from tests.rerank import checkpoints

QUERY = "what is the capital of france"
PASSAGES = [
    "paris is the capital of france.",
    "the panda eats bamboo",
    "a router forwards the packet to the index",
    "deep learning",
    "",
    "what?",
]


@pytest.mark.parametrize(
    ("build", "peer"),
    [
        (checkpoints.bert, BertForSequenceClassification),
        (checkpoints.xlmr, XLMRobertaForSequenceClassification),
    ],
)
def test_logits_equal_those_of_transformers(tmp_path: Path, build, peer) -> None:
    folder = build(tmp_path)
    scorer = CrossEncoderScorer.from_folder(folder, name="tiny", device="cpu", dtype="fp32")
    model = peer.from_pretrained(folder).eval()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"),
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        pad_token="[PAD]" if peer is BertForSequenceClassification else "<pad>",
    )
    batch = tokenizer([QUERY] * len(PASSAGES), PASSAGES, padding=True, return_tensors="pt")
    if peer is XLMRobertaForSequenceClassification:
        batch.pop("token_type_ids", None)
    with torch.no_grad():
        expected = model(**batch).logits[:, 0].tolist()
    got = [one.logit for one in scorer.score(QUERY, PASSAGES).scored]
    print(got)
    assert got == pytest.approx(expected, abs=2e-5)
