"""Options that several commands share, and the settings that they make."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from app.settings import Settings, from_environment

IndexOption = Annotated[Path | None, typer.Option("--index", help="Folder of the index (default: one place per user).")]
EmbedderOption = Annotated[
    str | None, typer.Option(help="Embedding model: name, path or URL (default: packaged MiniLM).")
]
ScorerOption = Annotated[
    str | None, typer.Option(help="Second stage: a name from `secondlook models`, a path, or a server.")
]
Device = Annotated[str | None, typer.Option(help="cuda, cpu, ... (default: the fastest there is).")]
Download = Annotated[bool, typer.Option("--allow-download", help="Fetch a missing model from the hub.")]
RemoteCode = Annotated[bool, typer.Option("--trust-remote-code", help="Run Python code that a checkpoint brings.")]


def settings(
    index: Path | None = None,
    *,
    embedder: str | None = None,
    scorer: str | None = None,
    device: str | None = None,
    allow_download: bool = False,
    trust_remote_code: bool = False,
) -> Settings:
    """The environment's settings with the stated options put over them."""
    base = from_environment()
    return replace(
        base,
        index=index.expanduser() if index else base.index,
        embedder=embedder or base.embedder,
        scorer=scorer or base.scorer,
        device=device or base.device,
        allow_download=allow_download or base.allow_download,
        trust_remote_code=trust_remote_code or base.trust_remote_code,
    )
