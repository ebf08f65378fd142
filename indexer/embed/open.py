"""One way in: a name, a folder or an address becomes an embedder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data import minilm_folder
from indexer.embed.prefixes import DEFAULT, TUNED, prefixes_of

if TYPE_CHECKING:
    from indexer.embed.contract import Embedder


def open_embedder(
    name: str | None = None,
    *,
    url: str | None = None,
    api_key: str | None = None,
    device: str | None = None,
    allow_download: bool = False,
    defer: bool = False,
) -> Embedder:
    """The embedder of that name: the packaged MiniLM for None, its trained pair, a hub name or a local folder.

    With `url`, the name is sent to the OpenAI-compatible embedding server there. Nothing is downloaded unless
    `allow_download`; a hub model that is already on this machine is used as it is. With `defer`, a local model is
    loaded when it is first needed.

    Raises:
        EmbedderError: no such model here, or its files are incomplete; the message says how to get it.
        ShippedFileError: the packaged weights are missing or altered.
    """
    if url is not None:
        from indexer.embed.remote import RemoteEmbedder

        return RemoteEmbedder(url, name or DEFAULT, api_key=api_key, profile=prefixes_of(name or DEFAULT))
    from indexer.embed.local import LocalEmbedder

    if name is not None and name.lower() == TUNED:
        from indexer.embed.tuned import open_tuned

        return open_tuned(device=device, defer=defer)
    make = LocalEmbedder.deferred if defer else LocalEmbedder.open
    if name is None or name.lower() in {DEFAULT.lower(), f"sentence-transformers/{DEFAULT}".lower()}:
        return make(str(minilm_folder()), prefixes_of(DEFAULT), device=device, name=DEFAULT)
    return make(name, prefixes_of(name), device=device, allow_download=allow_download)
