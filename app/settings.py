"""Where things are and which models are used: from the environment, overridden by command-line options."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from data import MAXSIM

DEFAULT_PORT = 7860
LOOPBACK = "127.0.0.1"


def home() -> Path:
    """The folder that holds indexes and caches: SECONDLOOK_HOME, or the platform's place for user data."""
    stated = os.environ.get("SECONDLOOK_HOME")
    return Path(stated).expanduser() if stated else user_data_path("secondlook", appauthor=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """One process's choices."""

    index: Path
    """Folder of the index."""
    embedder: str | None = None
    """Embedding model by name, path or URL; None is the packaged MiniLM."""
    scorer: str = MAXSIM
    """Default second stage."""
    store_url: str | None = None
    """Address of a Qdrant server; None is the embedded shard."""
    collection: str = "secondlook"
    device: str | None = None
    """"cuda", "cpu", ...; None chooses the fastest there is."""
    allow_download: bool = False
    """Whether a missing model may be fetched from the hub."""
    trust_remote_code: bool = False


def from_environment() -> Settings:
    """The settings that SECONDLOOK_* variables state, defaults elsewhere.

    SECONDLOOK_HOME, _INDEX, _EMBEDDER, _SCORER, _QDRANT_URL, _COLLECTION, _DEVICE, _ALLOW_DOWNLOAD.
    """

    def stated(name: str) -> str | None:
        return os.environ.get(f"SECONDLOOK_{name}") or None

    return Settings(
        index=Path(stated("INDEX") or home() / "index").expanduser(),
        embedder=stated("EMBEDDER"),
        scorer=stated("SCORER") or MAXSIM,
        store_url=stated("QDRANT_URL"),
        collection=stated("COLLECTION") or "secondlook",
        device=stated("DEVICE"),
        allow_download=(stated("ALLOW_DOWNLOAD") or "").lower() in {"1", "true", "yes"},
    )
