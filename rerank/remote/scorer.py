"""A rerank server as a scorer: any that speaks the Jina, Cohere or TEI shape."""

from __future__ import annotations

import time
import weakref
from collections.abc import Sequence
from threading import Lock
from typing import Any

import httpx

from rerank.base import BaseScorer, check, clean, stop_if
from rerank.errors import BadInput, RemoteError
from rerank.models.running import Cancel, Progress, Runtime
from rerank.remote.http import Address, Patience, Secret, post
from rerank.remote.shapes import COHERE, JINA, TEI, NonsenseError, ServerShape, scores_of
from rerank.scorer import NO_LIMITS, Limits, ScoreContract, Scored, Scoring
from rerank.scores_cache import ScoreCache, text_key

WIRES = {wire.name: wire for wire in (JINA, COHERE, TEI)}


def remote_contract(licence: str = "the server's") -> ScoreContract:
    """The contract of a server about whose model nothing is known but that its scores are meant to lie in [0, 1]."""
    return ScoreContract(
        kind="remote",
        low=0.0,
        high=1.0,
        normalisation="as the server sent it",
        native_window=0,
        long_documents="the server decides; what it cuts it does not say",
        cutoff=None,
        licence=licence,
    )


class RemoteScorer(BaseScorer):
    """Scores from a server, kept as they were sent. Limits in tokens do not apply: only the server has a tokenizer."""

    def __init__(
        self,
        wire: ServerShape,
        url: str,
        *,
        model: str = "",
        api_key: str | None = None,
        contract: ScoreContract | None = None,
        patience: Patience | None = None,
        per_request: int | None = None,
        cache: ScoreCache | None = None,
    ) -> None:
        self._wire = wire
        self._address = address(url, api_key)
        self._model = model or wire.default_model
        self._contract = contract or remote_contract()
        self._patience = patience or Patience()
        self._per_request = per_request or wire.most
        self._cache = None if self._contract.list_relative else cache
        self._client: httpx.Client | None = None
        self._close: weakref.finalize[..., RemoteScorer] | None = None
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"RemoteScorer({self.name!r})"

    @property
    def name(self) -> str:
        """Shape, address and model, without anything secret."""
        return f"{self._wire.name}:{self._address.shown}" + (f"#{self._model}" if self._model else "")

    @property
    def contract(self) -> ScoreContract:
        """What is known of the server's scores."""
        return self._contract

    @property
    def runtime(self) -> Runtime:
        """The server's address."""
        return Runtime(
            self._address.shown, "the server's", "remote", f"scored by a server of the {self._wire.name} shape"
        )

    def score(
        self,
        query: str,
        passages: Sequence[str],
        *,
        limits: Limits = NO_LIMITS,  # noqa: ARG002 - the server's own limits apply
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> Scoring:
        """One `Scored` per passage, in input order; blank passages are not sent and come last.

        Raises:
            RemoteError: slow, down, refusing, or answering nonsense.
        """
        check(query, passages)
        stop_if(cancel)
        start = time.perf_counter()
        question, texts = clean(query), [clean(passage) for passage in passages]
        keys = [text_key(text) for text in texts]
        known = self._cache.get_many(self.name, question, keys) if self._cache is not None else [None] * len(texts)
        todo = [i for i, (text, one) in enumerate(zip(texts, known, strict=True)) if text.strip() and one is None]
        model, values = self._ask(question, [texts[i] for i in todo], len(texts), progress, cancel)
        fresh = {i: Scored(value, value) for i, value in zip(todo, values, strict=True)}
        if self._cache is not None:
            self._cache.put_many(self.name, question, [keys[i] for i in todo], list(fresh.values()))
        scored = [fresh.get(i) or one for i, one in enumerate(known)]
        lowest = min([self._contract.low, *(one.score for one in scored if one)])
        blank = Scored(lowest, lowest)
        seconds = time.perf_counter() - start
        return Scoring(
            tuple(one or blank for one in scored),
            seconds,
            model or self.name,
            notes=self._notes(values, sum(one is None for one in scored)),
            stages=(("request", seconds),),
        )

    def release(self) -> None:
        """Close the connections; the next call opens new ones."""
        with self._lock:
            close, self._client = self._close, None
        if close is not None:
            close()

    def _ask(
        self, query: str, texts: list[str], total: int, progress: Progress | None, cancel: Cancel | None
    ) -> tuple[str, list[float]]:
        """What the server calls its model, and one score per text."""
        deadline = time.monotonic() + self._patience.total
        model, values = "", []
        for start in range(0, len(texts), self._per_request):
            part = texts[start : start + self._per_request]
            body = self._wire.request(self._model, query, part)
            answer = post(self._open(), self._address, body, self._patience, deadline, cancel)
            try:
                values += scores_of(self._wire, answer, len(part))
            except NonsenseError as nonsense:
                raise RemoteError(
                    f"{self._address.shown} answered nonsense: {self._address.key.hide_in(str(nonsense))}; "
                    f"check that it speaks the {self._wire.name} shape."
                ) from None  # the cause could hold the key
            model = _stated_model(answer) or model
            if progress:
                progress(total - len(texts) + len(values), total)
        if progress and not texts:
            progress(total, total)
        return model, values

    def _open(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                self._client = httpx.Client(follow_redirects=False)
                self._close = weakref.finalize(self, self._client.close)  # a scorer that is dropped, too
            return self._client

    def _notes(self, values: Sequence[float], blank: int) -> tuple[str, ...]:
        notes = []
        if len(values) > self._per_request and self._contract.list_relative:
            notes.append(f"The server was asked {self._per_request} passages at a time: scores compare within those.")
        low, high = self._contract.low, self._contract.high
        if any(not low <= value <= high for value in values):
            notes.append(f"The server sent scores outside of {low:g} to {high:g}: a cut-off means nothing here.")
        if blank:
            notes.append(f"{blank} empty passage(s) were not sent and come last.")
        return tuple(notes)


def address(url: str, api_key: str | None = None) -> Address:
    """Where to send requests and what to show of it.

    Raises:
        BadInput: no http(s) address, or a key that cannot be sent in a header.
    """
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as broken:
        raise BadInput("The address of the rerank server is not a URL: write it as http://host:port/path.") from broken
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise BadInput("The address of the rerank server must begin with http:// or https:// and name a host.")
    if api_key and not (api_key.isascii() and api_key.isprintable() and " " not in api_key):
        raise BadInput("The API key holds spaces or characters that no key has: copy it again.")
    shown = str(parsed.copy_with(userinfo=b"", query=None, fragment=None))
    return Address(str(parsed.copy_with(fragment=None)), shown, Secret(api_key))


def _stated_model(answer: Any) -> str:  # noqa: ANN401 - whatever the server sent
    stated = answer.get("model") if isinstance(answer, dict) else None
    return stated if isinstance(stated, str) else ""
