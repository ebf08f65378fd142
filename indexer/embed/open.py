"""One way in: a name, a folder or an address becomes an embedder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data import E5, MINILM, TRAINED, e5_folder, minilm_folder
from indexer.embed.prefixes import prefixes_of

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
    """The embedder of that name: a packaged one (MiniLM for None), a name of the hub, or a local folder.

    With `url`, the name is sent to the OpenAI-compatible embedding server there. Nothing is downloaded unless
    `allow_download`; a hub model that is already on this machine is used as it is. With `defer`, a local model is
    loaded when it is first needed.

    Raises:
        EmbedderError: no such model here, or its files are incomplete; the message says how to get it.
        ShippedFileError: the packaged weights are missing or altered.
    """
    if url is not None:
        from indexer.embed.remote import RemoteEmbedder

        return RemoteEmbedder(url, name or MINILM, api_key=api_key, profile=prefixes_of(name or MINILM))
    from indexer.embed.local import LocalEmbedder

    if name is not None and name.lower() == TRAINED:
        from indexer.embed.tuned import open_tuned

        return open_tuned(device=device, defer=defer)
    make = LocalEmbedder.deferred if defer else LocalEmbedder.open
    if name is None or name.lower() in {MINILM.lower(), f"sentence-transformers/{MINILM}".lower()}:
        return make(str(minilm_folder()), prefixes_of(MINILM), device=device, name=MINILM)
    if name.lower() in {E5, f"intfloat/{E5}"}:
        return make(str(e5_folder()), device=device, name=E5)
    return make(name, prefixes_of(name), device=device, allow_download=allow_download)
