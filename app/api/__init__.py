"""What answers over HTTP? The shapes of Jina, Cohere, TEI, vLLM, Infinity and OpenAI, and the application's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.api.settings import ApiSettings
    from search.engine import SearchEngine


def build(engine: SearchEngine, settings: ApiSettings) -> FastAPI:
    """The application with every route, its worker running; the engine stays open when the server ends."""
    from app.api.compose import compose

    return compose(engine, settings)
