"""Cross-encoders of other architectures (ModernBERT, DeBERTa, ...), read by transformers' own sequence classifiers."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import torch

from rerank.errors import BadCheckpoint, BadInput
from rerank.loading import DEFAULT, Loading
from rerank.models.checkpoint import read_config, weight_files
from rerank.models.device import Placement, choose
from rerank.models.encoder import Tokens
from rerank.models.primitives import bound_primitives
from rerank.pointwise.contract import pointwise
from rerank.pointwise.cross_encoder import CrossEncoderScorer, PairModel
from rerank.scorer import Profile

if TYPE_CHECKING:
    from torch import Tensor


class _Classifier:
    """A transformers model as a `PairModel`."""

    def __init__(self, folder: Path, placement: Placement, *, trust_remote_code: bool, allow_pickle: bool) -> None:
        from transformers import AutoModelForSequenceClassification

        bound_primitives()
        weight_files(folder, allow_pickle=allow_pickle)
        try:
            model, report = AutoModelForSequenceClassification.from_pretrained(
                folder,
                dtype=placement.dtype,
                local_files_only=True,
                trust_remote_code=trust_remote_code,
                use_safetensors=not allow_pickle,
                output_loading_info=True,
            )
        except (OSError, ValueError, RuntimeError, ImportError, AttributeError, TypeError, KeyError) as failed:
            raise BadCheckpoint(f"{folder} cannot be loaded as a reranker: {_first_line(failed)}") from failed
        lost = sorted({*report["missing_keys"], *(str(one) for one in report["mismatched_keys"])})
        if lost:
            raise BadCheckpoint(f"{folder} lacks {len(lost)} tensor(s) of its architecture, such as {lost[0]}.")
        if model.config.num_labels != 1:
            raise BadCheckpoint(f"{folder} has {model.config.num_labels} labels and a reranker has one.")
        if not all(bool(torch.isfinite(weight).all()) for weight in model.parameters()):
            raise BadCheckpoint(f"{folder} holds NaN or infinite weights: download or train it again.")
        self._model = model.to(placement.device).eval()
        self._pad = model.config.pad_token_id or 0
        accepted = inspect.signature(model.forward).parameters
        self._typed = "token_type_ids" in accepted and getattr(model.config, "type_vocab_size", 0) > 1
        self._window: int = getattr(model.config, "max_position_embeddings", 512)

    @property
    def window(self) -> int:
        """Most tokens that the model reads at once."""
        return self._window

    @torch.inference_mode()
    def logits(self, texts: Sequence[Tokens]) -> Tensor:
        """The raw output for each text, (n,) fp32 on the CPU."""
        longest = max(map(len, texts))
        ids = torch.full((len(texts), longest), self._pad)  # (n, T)
        mask, types = torch.zeros_like(ids), torch.zeros_like(ids)
        for row, text in enumerate(texts):
            ids[row, : len(text)] = torch.tensor(text.ids)
            mask[row, : len(text)] = 1
            types[row, text.turn : len(text)] = 1
        inputs = {"input_ids": ids, "attention_mask": mask} | ({"token_type_ids": types} if self._typed else {})
        device = self._model.device
        answer = self._model(**{name: tensor.to(device) for name, tensor in inputs.items()})
        logits: Tensor = answer.logits[:, 0].float().cpu()
        return logits


class ClassifierScorer(CrossEncoderScorer):
    """A cross-encoder that has no native forward here: the same contract, padded batches."""

    @classmethod
    def open(cls, folder: Path, name: str, loading: Loading = DEFAULT, profile: Profile | None = None) -> Self:
        """The scorer over any model that `AutoModelForSequenceClassification` loads.

        With `loading.trust_remote_code`, Python files in the folder are run, after a warning. The kernel is the
        library's own.

        Raises:
            BadCheckpoint: incomplete, no reranker, or in need of its own code without permission.
            BadInput: a device or dtype that cannot be had.
        """
        if loading.dtype == "int8":
            raise BadInput("int8 is not made for this architecture: use bf16 or fp32.")
        if "auto_map" in read_config(folder):
            if not loading.trust_remote_code:
                raise BadCheckpoint(
                    f"{folder} brings its own code, which is not run: convert it to a known architecture, "
                    "or pass --trust-remote-code for a model whose code you have read."
                )
            warnings.warn(f"Running the Python code that came with {folder}.", UserWarning, stacklevel=3)
        placement = choose(loading.device, loading.dtype, "sdpa")
        scorer = cls(folder, name, loading, placement=placement, contract=pointwise(folder, None, profile))
        with scorer._model.lend():
            return scorer

    def _load(self, folder: Path) -> PairModel:
        trust, pickles = self._loading.trust_remote_code, self._loading.allow_pickle
        return _Classifier(folder, self._placement, trust_remote_code=trust, allow_pickle=pickles)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
