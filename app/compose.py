"""How the parts are put together: settings in, a search engine out."""

from __future__ import annotations

import json
import os
from functools import cache
from typing import TYPE_CHECKING

import data
from app.settings import Settings, home

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexer.embed.contract import Embedder
    from rerank.loading import Caches
    from rerank.scorer import Scorer
    from search.engine import SearchEngine
    from search.scorers import ScorerChoice, Scorers

VECTOR_BYTES = 1 << 30
"""Room for token vectors: a passage of 160 tokens takes about 62 KB, so a gigabyte holds some 17,000."""


def stay_offline(settings: Settings) -> None:
    """Keep every model library off the network unless a download was asked for; no telemetry in any case."""
    if not settings.allow_download:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"


def open_scorers(settings: Settings, kept: Caches | None = None) -> Scorers:
    """The second stages that can be chosen; none is loaded yet.

    Token vectors are kept on disk, below the user's data, so that a second process does not compute them again; or in
    the caches that were passed.
    """
    from search.scorers import Scorers
    from search.second import MEASURED_BLENDS

    @cache
    def caches() -> Caches:
        if kept is not None:
            return kept
        from rerank.loading import Caches
        from rerank.vectors_cache import VectorCache

        return Caches(vectors=VectorCache(VECTOR_BYTES, home() / "token-vectors"))

    def load(name: str) -> Scorer:
        from rerank import load as load_scorer

        return load_scorer(
            name,
            device=settings.device,
            allow_download=settings.allow_download,
            trust_remote_code=settings.trust_remote_code,
            cache=caches(),
        )

    return Scorers(load, lambda: scorer_choices(settings.scorer), settings.scorer, MEASURED_BLENDS)


def scorer_choices(default: str) -> Sequence[ScorerChoice]:
    """The named profiles, and the default if it is not one of them (a path, a server)."""
    from rerank.profiles import available, list_profiles
    from search.scorers import ScorerChoice

    choices = []
    for profile in list_profiles():
        here, reason = available(profile)
        choices.append(ScorerChoice(profile.name, profile.name, here, reason, profile.contract.licence))
    if default not in {one.name for one in choices}:
        choices.append(ScorerChoice(default, default, available=True, reason="given by you", licence="its own"))
    return choices


def open_engine(
    settings: Settings,
    owner: str,
    examples: Sequence[str] = (),
    *,
    rebuild: bool = False,
    create: bool = True,
    embedder: Embedder | None = None,
    caches: Caches | None = None,
) -> SearchEngine:
    """A search engine that owns the index until it is closed.

    Args:
        settings: what to open.
        owner: what this process is doing, for the sentence that another process shows when the index is in use.
        examples: queries to offer on the page.
        rebuild: open an index that was built otherwise, too; it answers nothing until it is ingested into.
        create: make an index where there is none.
        embedder: the model, where it is open already.
        caches: where the second stages keep what they computed; the user's own if None.

    Raises:
        StoreLocked: another process owns the index.
        FingerprintMismatch: the index was built with another model, splitter or analyzer.
    """
    stay_offline(settings)
    from indexer.index import Index
    from rerank.models.primitives import bound_primitives
    from search.engine import SearchEngine

    bound_primitives()  # before the embedding model makes its first product, whichever library reads it

    index = Index.open(
        settings.index,
        embedder or open_model(settings),
        store_url=settings.store_url,
        collection=settings.collection,
        owner=owner,
        create=create,
        rebuild=rebuild,
    )
    return SearchEngine(index, open_scorers(settings, caches), examples)


def open_model(settings: Settings) -> Embedder:
    """The embedding model, loaded when it is first needed.

    Raises:
        EmbedderError: it is not on this machine, and downloading was not allowed.
    """
    stay_offline(settings)
    from indexer.embed.open import open_embedder

    name, url = _embedder(settings.embedder)
    return open_embedder(name, url=url, device=settings.device, allow_download=settings.allow_download, defer=True)


def _embedder(stated: str | None) -> tuple[str | None, str | None]:
    """(name, address) of what was asked for: "http://host:8080/v1#model" is a model of a server."""
    if stated is None or not stated.startswith(("http://", "https://")):
        return stated, None
    url, _, name = stated.partition("#")
    return name or None, url


def sample_examples() -> tuple[str, ...]:
    """The sample's judged queries that are marked as examples: those that best show a second look."""
    with data.path("sample", "queries.jsonl").open(encoding="utf-8") as stream:
        queries = [json.loads(line) for line in stream if line.strip()]
    return tuple(one["text"] for one in queries if one.get("example"))
