"""What is installed, what runs where, and whether the index is whole: each finding with what to do next."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

import data
from app.compose import open_engine, open_scorers, stay_offline
from app.settings import Settings
from data import ShippedFileError
from search.errors import USER_ERRORS

Finding = tuple[str, str, str]
"""What was looked at, what was found, what to do next (empty: nothing)."""

PACKAGES = ("torch", "transformers", "sentence-transformers", "qdrant-edge-py", "qdrant-client", "gradio", "sqlalchemy")


def examine(settings: Settings) -> Iterator[Finding]:
    """Yield one finding at a time; a broken part is a finding, not an error."""
    stay_offline(settings)
    yield "Python", f"{platform.python_version()} on {platform.machine()}", _python_step()
    yield from (_package(name) for name in PACKAGES)
    yield _package("flash-attn", "optional; on a CUDA GPU: pip install 'secondlook[gpu]'")
    yield _minilm()
    yield from _scorers(settings)
    yield from _index(settings)


def _python_step() -> str:
    return "" if sys.version_info >= (3, 11) else "install Python 3.11 or newer"


def _package(name: str, missing: str = "run `make setup` or `pip install .` again") -> Finding:
    try:
        return name, version(name), ""
    except PackageNotFoundError:
        return name, "not installed", missing


def _minilm() -> Finding:
    try:
        return "packaged MiniLM", f"checksum verified, {data.minilm_folder()}", ""
    except ShippedFileError as error:
        return "packaged MiniLM", "missing or altered", str(error)


def _scorers(settings: Settings) -> Iterator[Finding]:
    scorers = open_scorers(settings)
    try:
        runtime = scorers.get().runtime
    except USER_ERRORS as error:
        yield "second stage", settings.scorer, str(error)
    else:
        yield "second stage", f"{settings.scorer}: {runtime}", ""
    for one in scorers.choices():
        yield f"model {one.name}", "here" if one.available else "not here", "" if one.available else one.reason
    scorers.release()


def _index(settings: Settings) -> Iterator[Finding]:
    place = f"index {settings.index}"
    if not settings.store_url and not settings.index.exists():
        yield place, "none yet", "run `secondlook ingest FOLDER`"
        return
    try:
        engine = open_engine(settings, "secondlook doctor", create=False)
    except USER_ERRORS as error:
        yield place, "cannot be opened", str(error)
        return
    try:
        state = engine.state()
        yield place, f"{state.documents} documents, {state.chunks} chunks, {state.store}", ""
        yield "embedding model", state.embedder, ""
        wrong = engine.index.verify()
        found = f"{len(wrong)} disagreements: {wrong[0]}" if wrong else "catalog, dense and sparse hold the same chunks"
        yield "index health", found, "run `secondlook ingest FOLDER` again" if wrong else ""
    finally:
        engine.close()
