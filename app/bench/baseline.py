"""What the benchmark compares with: `sentence_transformers.CrossEncoder.predict`, as it comes and at its best."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rerank.models.device import Placement

_BATCHES = {"cpu": (8, 32), "cuda": (32, 128)}


@dataclass(frozen=True, slots=True)
class Baseline:
    """A loaded CrossEncoder and the settings it is used with."""

    title: str
    model: Any
    batch: int

    def predict(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """The score of each pair, in order."""
        values: list[float] = self.model.predict(list(pairs), batch_size=self.batch, show_progress_bar=False).tolist()
        return values


def default(folder: Path, placement: Placement) -> Baseline:
    """As `CrossEncoder(folder).predict(pairs)`: fp32 as the weights are saved, batches of 32."""
    return Baseline("default", _load(folder, placement, {}), 32)


def best(
    folder: Path, placement: Placement, sample: Sequence[tuple[int, str, str]], batch: int | None = None
) -> Baseline:
    """At its best documented settings: half precision, the fastest attention there is, the better of two batch sizes.

    `batch` is the better one where it is known already. Its ONNX and OpenVINO backends are other engines with installs
    of their own, and not counted.
    """
    attention = "flash_attention_2" if placement.kernel == "flash-attn" else "sdpa"
    settings = {"dtype": "bfloat16" if placement.number == "bf16" else "float32", "attn_implementation": attention}
    model = _load(folder, placement, settings)
    pairs = [(query, text) for _, query, text in sample]
    timed: list[tuple[float, int]] = []
    Baseline("warm-up", model, 8).predict(pairs[:4])
    for size in _BATCHES.get(placement.device.type, (32,)) if batch is None else ():
        began = time.perf_counter()
        Baseline("trial", model, size).predict(pairs)
        timed.append((time.perf_counter() - began, size))
    batch = batch or min(timed)[1]
    return Baseline(f"{settings['dtype']}, {attention}, batches of {batch}", model, batch)


def _load(folder: Path, placement: Placement, settings: dict[str, str]) -> Any:  # noqa: ANN401  (an untyped library)
    from sentence_transformers import CrossEncoder

    return CrossEncoder(
        str(folder),
        device=str(placement.device),
        num_labels=1,
        local_files_only=True,
        model_kwargs={"dtype": "float32"} | settings,
    )
