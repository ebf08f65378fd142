"""A classification head for the packaged body, fitted so that its ranking means something."""

from __future__ import annotations

from pathlib import Path

from app.bench.texts import BenchTexts

QUERIES, PASSAGES = 4, 50
RIDGE = 1.0
SPREAD = 3.0
"""Standard deviation of the fitted logits: what trained cross-encoders show over a candidate list."""


def fit(folder: Path, texts: BenchTexts) -> None:
    """Replaces the random head of a MiniLM-shaped checkpoint by one that follows late interaction.

    Ridge regression from the pooled first token to the late-interaction score of the same model, over 200 pairs. With
    a random head the logits of a list nearly tie, and which ten are best is decided by rounding in any precision; a
    trained model's list has a spread, and so has this one.
    """
    import torch
    from safetensors.torch import load_file, save_file
    from transformers import AutoTokenizer, BertForSequenceClassification

    from rerank import load

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = BertForSequenceClassification.from_pretrained(folder).eval()
    teacher = load()
    rows, wanted = [], []  # both centred within each query: only the order within a list matters
    for number, query in enumerate(texts.queries[-QUERIES:]):
        passages = texts.mixed(PASSAGES, first=1000 + number)
        logits = torch.tensor([one.logit for one in teacher.score(query, passages).scored], dtype=torch.float64)
        wanted.append(logits - logits.mean())
        pooled = []
        for start in range(0, len(passages), 10):
            some = passages[start : start + 10]
            inputs = tokenizer(
                [query] * len(some), some, padding=True, truncation=True, max_length=512, return_tensors="pt"
            )
            with torch.inference_mode():
                pooled.append(model.bert(**inputs).pooler_output.double())  # (10, h)
        features = torch.cat(pooled)
        rows.append(features - features.mean(0))
    teacher.release()
    centred, target = torch.cat(rows), torch.cat(wanted)  # (n, h), (n,)
    square = centred.T @ centred + RIDGE * torch.eye(centred.shape[1], dtype=torch.float64)
    weight = torch.linalg.solve(square, centred.T @ target)
    weight *= SPREAD / (centred @ weight).std()
    tensors = load_file(folder / "model.safetensors")
    tensors["classifier.weight"] = weight.float()[None, :].contiguous()
    tensors["classifier.bias"] = torch.zeros(1)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
