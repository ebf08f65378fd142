"""Which embedding models are known by name, and the one that is opened when none is named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from data import minilm_folder

if TYPE_CHECKING:
    from indexer.embed.contract import Embedder

DEFAULT = "all-MiniLM-L6-v2"
"""The model that comes with the installation."""
TUNED = "second-look-minilm"
"""Passages by the same model, queries by the layers in `data/models/second-look-minilm` (`indexer.embed.tuned`)."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What a model expects around its input."""

    query: str = ""
    """Put before a query."""
    passage: str = ""
    """Put before a passage."""


PROFILES: dict[str, Profile] = {
    "all-minilm-l6-v2": Profile(),
    "jina-embeddings-v2-base-en": Profile(),
    "bge-base-en-v1.5": Profile(query="Represent this sentence for searching relevant passages: "),
    "bce-embedding-base_v1": Profile(),
    "e5-large-v2": Profile(query="query: ", passage="passage: "),
}
"""By the last part of the model's name in lower case; prefixes as the model cards prescribe them for retrieval."""


def open_embedder(
    name: str | None = None,
    *,
    url: str | None = None,
    api_key: str | None = None,
    device: str | None = None,
    allow_download: bool = False,
    defer: bool = False,
) -> Embedder:
    """Return the embedder of that name: the packaged MiniLM for None, its trained pair, a hub name or a local folder.

    With `url`, the name is sent to the OpenAI-compatible embedding server there. Nothing is downloaded unless
    `allow_download`; a hub model that is already on this machine is used as it is. With `defer`, a local model is
    loaded when it is first needed.

    Raises:
        EmbedderError: no such model here, or its files are incomplete; the message says how to get it.
        ShippedFileError: the packaged weights are missing or altered.
    """
    if url is not None:
        from indexer.embed.remote import RemoteEmbedder

        return RemoteEmbedder(url, name or DEFAULT, api_key=api_key, profile=profile_of(name or DEFAULT))
    from indexer.embed.local import LocalEmbedder

    if name is not None and name.lower() == TUNED:
        from indexer.embed.tuned import open_tuned

        return open_tuned(device=device, defer=defer)
    make = LocalEmbedder.deferred if defer else LocalEmbedder.open
    if name is None or name.lower() in {DEFAULT.lower(), f"sentence-transformers/{DEFAULT}".lower()}:
        return make(str(minilm_folder()), profile_of(DEFAULT), device=device, name=DEFAULT)
    return make(name, profile_of(name), device=device, allow_download=allow_download)


def profile_of(name: str) -> Profile | None:
    """Return the profile of a model by the last part of its name or path, None where it is not a known one."""
    return PROFILES.get(Path(name).name.lower())
