"""An ingest run as a stream of what to show: it works in a thread of its own, so that searches go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import copy_context
from queue import Empty, SimpleQueue
from threading import Thread

from search.engine import Cancel, IngestProgress, IngestReport, SearchEngine
from ui.trouble import Trouble, attempt

POLL_SECONDS = 0.25
"""How often a page is told the news: four times a second reads as live."""


def stream_ingest(engine: SearchEngine, folder: str, stop: Cancel) -> Iterator[IngestProgress | IngestReport | Trouble]:
    """Yield the newest progress about four times a second, and at the end the report or a `Trouble`.

    The run goes on if nobody reads any more: what was indexed is kept.
    """
    news: SimpleQueue[IngestProgress] = SimpleQueue()
    ended: list[IngestReport | Trouble] = []

    def work() -> None:
        ended.append(attempt(lambda: engine.ingest(folder, progress=news.put, cancel=stop)))

    thread = Thread(target=copy_context().run, args=(work,), name="ingest", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(POLL_SECONDS)
        latest = _drain(news)
        if latest is not None and thread.is_alive():
            yield latest
    yield ended[0] if ended else Trouble("The ingest run ended without a report; start it again.")


def _drain(news: SimpleQueue[IngestProgress]) -> IngestProgress | None:
    """The newest value, or None."""
    latest = None
    while True:
        try:
            latest = news.get_nowait()
        except Empty:
            return latest
