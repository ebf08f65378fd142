"""Embedding by the project's own encoder: the one that reranks, over packed batches, pooled as the folder says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.embed.contract import TokenOffsets
from indexer.embed.prefixes import Prefixes
from indexer.embed.sentence_folder import read_folder
from rerank.models.batching import default_budget, run
from rerank.models.checkpoint import read, read_config, require_vocabulary
from rerank.models.crew import Crew
from rerank.models.device import Placement, free
from rerank.models.encoder import Encoder, Tokens
from rerank.models.errors import BadCheckpoint
from rerank.models.tokens import Tokeniser
from rerank.models.trained_folder import base_folder


class PackedModel:
    """A `SentenceModel` of a BERT, XLM-R or JinaBERT body. Safe to call from threads: nothing changes after loading."""

    def __init__(self, folder: Path, placement: Placement) -> None:
        """Read and check the model in `folder`, which may hold trained layers alone (`rerank.models.trained_folder`).

        Raises:
            BadCheckpoint: incomplete, damaged, or of another kind.
        """
        home = base_folder(folder, read_config(folder)) if (folder / "config.json").is_file() else folder
        found = read_folder(home)
        self._tokeniser = Tokeniser(found.body)
        self._frame = self._tokeniser.single()
        if not self._frame.specials:
            raise BadCheckpoint(f"{folder} is no model that is read natively: its tokenizer frames no text.")
        checkpoint = read(folder if home != folder else found.body)
        require_vocabulary(checkpoint, self._tokeniser.tokenizer.get_vocab_size())
        self._window = min(checkpoint.shape.window, found.window or checkpoint.shape.window)
        self._pooling = found.pooling
        self._encoder = Encoder(checkpoint, placement)
        self._placement = placement
        self._crew = Crew(placement.device)
        self._budget = default_budget(placement)
        self.prefixes: Prefixes = found.prefixes

    @property
    def dimension(self) -> int:
        """Length d of each vector."""
        return self._encoder.shape.hidden

    @property
    def max_tokens(self) -> int:
        """Tokens of a text that are read, specials excluded."""
        return self._window - self._frame.specials

    @property
    def runtime(self) -> str:
        """Device, number type and kernel, and why."""
        return str(self._placement.runtime)

    def vocabulary(self) -> Collection[str]:
        """The pieces that the model knows."""
        return tuple(self._tokeniser.tokenizer.get_vocab())

    def count_tokens(self, text: str) -> int:
        """Tokens of the text, specials excluded, nothing cut."""
        return len(self._tokeniser.tokenizer.encode(text, add_special_tokens=False))

    def locate_tokens(self, text: str) -> TokenOffsets:
        """Character offsets of the text's tokens, specials excluded, nothing cut."""
        offsets = self._tokeniser.tokenizer.encode(text, add_special_tokens=False).offsets
        return TokenOffsets([start for start, _ in offsets], [end for _, end in offsets])

    def vectors(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        """The pooled vectors of texts, (n, d), of any length; `progress` gets the number done so far.

        Raises:
            OutOfMemory: one text by itself does not fit.
        """
        inputs = [self._frame.join(piece.ids) for piece in self._tokeniser.read(texts, self.max_tokens)]
        outcome = run(
            [len(one) for one in inputs],
            self._budget,
            lambda batch: self._pooled([inputs[index] for index in batch]),
            crew=self._crew,
            padded=self._placement.padded,
            progress=None if progress is None else lambda done, _: progress(done),
            forget=lambda: free(self._placement.device),
        )
        self._budget = min(self._budget, outcome.budget)
        return np.stack(outcome.results)

    def _pooled(self, texts: Sequence[Tokens]) -> list[NDArray[np.float32]]:
        pooled = self._encoder.means(texts) if self._pooling == "mean" else self._encoder.firsts(texts)
        return list(pooled.float().cpu().numpy())
