import threading
from typing import Any

from page_engine import PageEngine

from indexer.errors import FolderError
from indexer.report import IngestProgress, IngestReport
from rerank.models.running import Cancel
from ui.ingest import stream_ingest
from ui.trouble import Trouble


def test_a_run_gives_growing_progress_and_ends_with_its_report() -> None:
    news = list(stream_ingest(PageEngine(files=4, pause=0.3), "docs", Cancel()))  # type: ignore[arg-type]
    done = [one.files_done for one in news if isinstance(one, IngestProgress)]

    assert done == sorted(done)
    assert len(done) >= 2
    assert isinstance(news[-1], IngestReport)
    assert len(news[-1].outcomes) == 4


def test_a_stop_ends_the_run_and_keeps_what_was_done() -> None:
    stop = Cancel()
    stream = stream_ingest(PageEngine(files=50, pause=0.1), "docs", stop)  # type: ignore[arg-type]
    next(stream)
    stop.request()
    report = list(stream)[-1]

    assert isinstance(report, IngestReport)
    assert report.cancelled
    assert 0 < len(report.outcomes) < 50


def test_an_error_ends_the_stream_as_one_sentence() -> None:
    class Refusing(PageEngine):
        def ingest(self, folder: str, **_: object) -> IngestReport:
            raise FolderError(f"There is no folder {folder}: check the path.")

    assert list(stream_ingest(Refusing(), "/nowhere", Cancel())) == [  # type: ignore[arg-type]
        Trouble("There is no folder /nowhere: check the path.")
    ]


def test_a_run_that_nobody_watches_any_more_goes_on() -> None:
    ended = threading.Event()

    class Telling(PageEngine):
        def ingest(self, folder: str, **given: Any) -> IngestReport:
            report = super().ingest(folder, **given)
            ended.set()
            return report

    stream = stream_ingest(Telling(files=3, pause=0.3), "docs", Cancel())  # type: ignore[arg-type]
    next(stream)
    stream.close()  # type: ignore[attr-defined]

    assert ended.wait(60)
