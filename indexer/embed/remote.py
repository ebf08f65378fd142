"""Embedding by a server that speaks OpenAI's `/v1/embeddings`."""

from __future__ import annotations

import base64
import binascii
import re
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Self

import httpx
import numpy as np
from numpy.typing import NDArray

from indexer.embed.contract import TokenOffsets, Vectors, unit
from indexer.embed.prefixes import Prefixes
from indexer.errors import EmbedderError

TIMEOUT = 60.0
"""Seconds for one answer."""
BATCH = 64
"""Texts in a request."""
ATTEMPTS = 4
"""Tries for one request, with waits of 0.5, 1 and 2 seconds between."""
_RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
_PIECE = re.compile(r"\w{1,5}|[^\w\s]")
"""About one token: the server's tokenizer is not known here, and real ones rarely make more pieces than this."""


class RemoteEmbedder:
    """An `Embedder` over HTTP; the dimension is learnt from one request at construction.

    Args:
        url: the server's root, its `/v1`, or the full address of the embeddings route.
        model: the name sent as `model`.
        api_key: sent as bearer token.
        profile: prefixes put before queries and passages.
        timeout: seconds for one answer.
        batch: texts in one request.
        wait: seconds before the first retry, doubled for each one after it.

    Raises:
        EmbedderError: the server does not answer, refuses, or answers something else.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        api_key: str | None = None,
        profile: Prefixes | None = None,
        timeout: float = TIMEOUT,
        batch: int = BATCH,
        wait: float = 0.5,
    ) -> None:
        self._url = _route(url)
        self._model = model
        self._profile = profile or Prefixes()
        self._batch = batch
        self._wait = wait
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = httpx.Client(timeout=timeout, headers=headers)
        weakref.finalize(self, self._client.close)  # an embedder that nobody closed, too
        self._dimension = 0
        self._dimension = int(self._request(["dimension"]).shape[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    @property
    def name(self) -> str:
        """The model's name as the server knows it."""
        return f"{self._model} (remote)"

    @property
    def dimension(self) -> int:
        """Length d of each vector."""
        return self._dimension

    @property
    def runtime(self) -> str:
        """Where the vectors come from."""
        return f"remote, {self._url}"

    def count_tokens(self, text: str) -> int:
        """About the tokens of the text: pieces of at most five letters (the server's tokenizer is not known here)."""
        return sum(1 for _ in _PIECE.finditer(text))

    def locate_tokens(self, text: str) -> TokenOffsets:
        """Character offsets of the same pieces."""
        spans = [piece.span() for piece in _PIECE.finditer(text)]
        return TokenOffsets([start for start, _ in spans], [end for _, end in spans])

    def passages(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Vectors:
        """Unit vectors of passages, shape (n, d), in input order; `progress` gets the number done so far.

        Raises:
            EmbedderError: the server did not answer in time, refused, or answered nonsense.
        """
        parts = [np.zeros((0, self._dimension), np.float32)]
        for start in range(0, len(texts), self._batch):
            part = [self._profile.passage + text for text in texts[start : start + self._batch]]
            parts.append(self._request(part))
            if progress is not None:
                progress(start + len(part))
        return np.concatenate(parts)

    def query(self, text: str) -> NDArray[np.float32]:
        """The unit vector of a query, shape (d,), with the model's query prefix applied."""
        vector: NDArray[np.float32] = self._request([self._profile.query + text])[0]
        return vector

    def _request(self, texts: list[str]) -> Vectors:
        body = {"model": self._model, "input": texts, "encoding_format": "float"}
        failure: Exception | None = None
        problem = "does not answer"
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(self._wait * 2 ** (attempt - 1))
            try:
                answer = self._client.post(self._url, json=body)
            except httpx.InvalidURL as reason:
                raise EmbedderError(f"{self._url} is not an address: give one like http://host:port.") from reason
            except httpx.UnsupportedProtocol as reason:
                raise EmbedderError(f"{self._url} is not an address: give one like http://host:port.") from reason
            except httpx.TransportError as reason:
                failure, problem = reason, f"does not answer ({reason or type(reason).__name__})"
                continue
            if answer.status_code in _RETRIED:
                problem = f"answered {answer.status_code}: {_said(answer)}"
                continue
            if answer.is_error:
                raise EmbedderError(
                    f"The embedding server {self._url} refused with {answer.status_code} ({_said(answer)}): check its "
                    f"address, the model name {self._model} and the key."
                )
            return self._vectors(answer, len(texts))
        raise EmbedderError(
            f"The embedding server {self._url} {problem} after {ATTEMPTS} tries: start it, or check the address."
        ) from failure

    def _vectors(self, answer: httpx.Response, count: int) -> Vectors:
        try:
            rows = sorted(answer.json()["data"], key=lambda row: int(row["index"]))
            vectors = np.stack([_row(row["embedding"]) for row in rows])
            indices = [int(row["index"]) for row in rows]
        except (ValueError, KeyError, TypeError, binascii.Error) as reason:
            raise EmbedderError(
                f"The embedding server {self._url} answered something that is not OpenAI's shape: is it an embedding "
                f"server?"
            ) from reason
        if indices != list(range(count)):
            raise EmbedderError(f"The embedding server {self._url} answered {len(rows)} vectors for {count} texts.")
        if vectors.ndim != 2 or (self._dimension and vectors.shape[1] != self._dimension):  # noqa: PLR2004  (n, d)
            raise EmbedderError(
                f"The embedding server {self._url} changed its dimension from {self._dimension} to {vectors.shape[-1]}."
            )
        return unit(vectors, self._model)


def _route(url: str) -> str:
    trimmed = url.rstrip("/")
    if trimmed.endswith("/embeddings"):
        return trimmed
    return f"{trimmed}/embeddings" if trimmed.endswith("/v1") else f"{trimmed}/v1/embeddings"


def _row(value: Any) -> NDArray[np.float32]:  # noqa: ANN401  whatever a server sent
    if isinstance(value, str):
        return np.frombuffer(base64.b64decode(value, validate=True), dtype="<f4").astype(np.float32)
    return np.asarray(value, dtype=np.float32)


def _said(answer: httpx.Response) -> str:
    return " ".join(answer.text.split())[:200] or answer.reason_phrase
