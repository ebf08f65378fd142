"""The main job: a folder is indexed and its page started; `--check` proves that it works without a person."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import data
from app import server
from app.compose import sample_examples
from app.ports import listen
from app.settings import LOOPBACK, home
from search.result import Result, from_dict
from search.settings import SearchSettings

if TYPE_CHECKING:
    from app.api.settings import ApiSettings
    from search.engine import SearchEngine

CHECKED_QUERIES = 3


def sample() -> Path:
    """The folder of the shipped sample documents."""
    return data.path("sample")


def index_of(folder: Path) -> Path:
    """Where the demo keeps the index of a folder: one place per folder, so that demos do not mix."""
    resolved = str(folder.expanduser().resolve())
    digest = hashlib.sha256(resolved.encode("utf-8", "surrogateescape")).hexdigest()[:10]
    return home() / "demo" / f"{folder.name or 'root'}-{digest}"


def examples(folder: Path) -> tuple[str, ...]:
    """Queries to offer on the page: the judged ones for the sample, none for a folder that we do not know."""
    return sample_examples() if folder.resolve() == sample().resolve() else ()


def check(engine: SearchEngine, settings: ApiSettings, queries: Sequence[str], say: Callable[[str], None]) -> bool:
    """True if every query moved through the page's own endpoint and gave passages.

    Starts the page on a free port and asks it over HTTP with Gradio's client; `say` gets one line for each query.
    """
    from gradio_client import Client

    bound = listen(LOOPBACK, 0, strict=True)
    with server.running(server.build(engine, settings, server.address(bound)), bound) as url:
        client = Client(url, verbose=False, analytics_enabled=False)
        answers: list[Result] = []
        for query in queries:
            wanted = SearchSettings()
            answer = client.predict(query, wanted.candidates, wanted.top_n, engine.registry.default, api_name="/search")
            answers.append(from_dict(answer))
            say(_moves(answers[-1]))
    return all(answer.top for answer in answers)


def _moves(found: Result) -> str:
    """One line: what came first before and after, and how many of the top passages moved."""
    if not found.top:
        return f"{found.query}: nothing found"
    moved = sum(one.moved != 0 for one in found.top)
    first = found.top[0].candidate
    return (
        f"{found.query}\n  {moved} of the top {len(found.top)} moved; first is {first.chunk.document} "
        f"(was {first.rank}) after {found.seconds['total']:.2f} s"
    )
