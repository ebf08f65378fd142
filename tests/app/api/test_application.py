"""Claims about the application's own routes, over a real index of real files."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import BaseModel
from serving import CAPITALS, QUERY, Bm25Scorer, HashedWords, Served, engine_of, write_folder

from app.api.compose import compose
from app.api.errors import Refusal
from app.api.ingests import Ingests
from app.api.settings import ApiSettings
from app.api.wire.application import DocumentList, IngestState, SearchRequest, SearchResponse
from app.handover import OwnerError, RunningServer
from app.ports import listen
from app.server import running
from indexer.catalog.filters import Filters
from indexer.index import Index
from indexer.report import IngestOptions, IngestProgress, IngestReport
from rerank.models.running import Cancel
from search.fusion import SPARSE_WEIGHT
from search.result import Result
from search.settings import SearchSettings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "documents")


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Served]:
    scorer = Bm25Scorer("exact-bm25")
    engine = engine_of(scorer, Index.open(tmp_path / "index", HashedWords()))
    settings = ApiSettings(ingest_roots=(tmp_path / "documents", tmp_path / "more"))
    with running(compose(engine, settings), listen("127.0.0.1", 0, strict=True)) as url:
        yield Served(url, engine, scorer)
    engine.close()


def ended(served: Served, run: dict[str, Any]) -> dict[str, Any]:
    until = time.monotonic() + 60
    while run["status"] == "running" and time.monotonic() < until:
        time.sleep(0.05)
        run = served.get(f"/api/ingest/{run['id']}").json()
    return run


def test_a_folder_is_ingested_searched_listed_and_deleted(application: Served, folder: Path) -> None:
    empty = application.post("/api/search", {"query": QUERY})
    assert (empty.status_code, empty.json()["code"]) == (409, "INDEX_EMPTY")

    started = application.post("/api/ingest", {"folder": str(folder)})
    assert started.status_code == 202
    run = ended(application, started.json())
    assert run["status"] == "done", run
    assert run["report"]["counts"] == {"added": 9}
    assert len(run["report"]["outcomes"]) == 9
    assert run["progress"]["files_done"] == 9

    found = application.post("/api/search", {"query": QUERY, "top_n": 2}).json()
    assert SearchResponse.model_validate(found).top == found["top"]
    assert len(found["top"]) == 2
    best = found["ranked"][0]
    assert best["candidate"]["chunk"]["text"].strip() == CAPITALS[2]
    assert best["spans"]
    assert found["settings"]["top_n"] == 2
    assert found["scorer"] == "exact-bm25@1"
    assert set(found["seconds"]) >= {"dense", "sparse", "rerank", "total"}

    listed = application.get("/api/documents").json()["documents"]
    assert [one["path"] for one in listed] == [f"{place:02}.txt" for place in range(9)]
    gone = httpx.delete(f"{application.url}/api/documents/02.txt", timeout=30)
    assert gone.json() == {"path": "02.txt", "deleted": True}
    assert httpx.delete(f"{application.url}/api/documents/02.txt", timeout=30).status_code == 404
    assert len(application.get("/api/documents").json()["documents"]) == 8
    again = application.post("/api/search", {"query": QUERY}).json()
    assert CAPITALS[2] not in {one["candidate"]["chunk"]["text"].strip() for one in again["ranked"]}

    state = application.get("/api/state").json()
    assert state["documents"] == 8
    assert state["default_scorer"] == "exact-bm25"
    assert {one["name"] for one in state["scorers"]} >= {"exact-bm25", "none"}


def test_an_ingest_is_followed_as_events_to_its_end(application: Served, folder: Path) -> None:
    run = application.post("/api/ingest", {"folder": str(folder)}).json()
    names, states = [], []
    with httpx.stream("GET", f"{application.url}/api/ingest/{run['id']}/events", timeout=60) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith("event: "):
                names.append(line.removeprefix("event: "))
            elif line.startswith("data: "):
                states.append(json.loads(line.removeprefix("data: ")))
    assert names[-1] == "done"
    assert set(names[:-1]) <= {"progress"}
    versions = [one["version"] for one in states]
    assert versions == sorted(set(versions))
    assert states[-1]["report"]["counts"] == {"added": 9}


@pytest.mark.parametrize(
    "name", ["missing", "documents/00.txt", "../", "relative", "~nobody-of-that-name/x", "\x00", "n" * 300]
)
def test_what_is_no_folder_here_or_not_allowed_is_refused(application: Served, folder: Path, name: str) -> None:
    place = name if name.startswith(("relative", "~")) else str(folder.parent / name)
    answer = application.post("/api/ingest", {"folder": place})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "folder"


def test_an_empty_folder_fails_with_the_reason(application: Served, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    run = ended(application, application.post("/api/ingest", {"folder": str(tmp_path / "more")}).json())
    assert run["status"] == "failed"
    assert str(tmp_path / "more") in run["error"]


def test_unknown_runs_are_404(application: Served) -> None:
    for method, path in (("GET", "/api/ingest/x"), ("DELETE", "/api/ingest/x"), ("GET", "/api/ingest/x/events")):
        assert httpx.request(method, application.url + path, timeout=30).status_code == 404


def test_settings_beyond_their_range_are_refused(application: Served) -> None:
    for change in ({"candidates": 201}, {"blend": 1.1}, {"fusion": "sum"}, {"top_n": 0}, {"query": " "}):
        assert application.post("/api/search", {"query": QUERY, **change}).status_code == 422
    unknown = application.post("/api/search", {"query": QUERY, "scorer": "gpt-rank"})
    assert unknown.json()["code"] == "INPUT_MODEL_NOT_FOUND"


def test_the_request_body_has_every_setting_of_a_search() -> None:
    assert set(SearchRequest.model_fields) == {"query", *asdict(SearchSettings())}
    assert SearchRequest(query="x").settings() == SearchSettings()
    filters = {"collection": "", "path": "*.md", "kind": None, "since": "2026-01-31", "until": None}
    sent = asdict(SearchSettings(candidates=7, fusion="rrf", blend=0.5)) | {"filters": filters}
    wanted = SearchRequest.model_validate({"query": "x", **sent}).settings()
    assert (wanted.filters, asdict(wanted)) == (Filters(**filters), sent)


def unstated(found: Any, where: str = "") -> set[str]:
    """The keys of an answer that the body it was read as does not state, each with its place."""
    if isinstance(found, list):
        return {name for one in found for name in unstated(one, where)}
    if not isinstance(found, BaseModel):
        return set()
    extra = {f"{where}.{name}" for name in found.model_extra or ()}
    inside = (unstated(getattr(found, name), f"{where}.{name}") for name in type(found).model_fields)
    return extra.union(*inside)


def test_every_field_of_an_answer_is_stated(application: Served, folder: Path) -> None:
    run = ended(application, application.post("/api/ingest", {"folder": str(folder), "collection": "towns"}).json())
    asked = {"query": QUERY, "filters": {"collection": "towns"}}
    found = SearchResponse.model_validate(application.post("/api/search", asked).json())
    assert unstated(found) == set()
    assert (found.sparse_weight, found.ranked[0].candidate.chunk.line) == (SPARSE_WEIGHT, 1)
    assert run["report"]["outcomes"][0]["outcome"] == "added"
    assert unstated(IngestState.model_validate(run)) == set()
    assert unstated(DocumentList.model_validate(application.get("/api/documents").json())) == set()
    assert unstated(SearchResponse.model_validate({**found.model_dump(), "new": 1})) == {".new"}


def slow(report: Callable[[], None]) -> Callable[..., IngestReport]:
    """A run that ends only when it is cancelled."""

    def sync(
        folder: Path, _: IngestOptions, *, progress: Callable[[IngestProgress], None], cancel: Cancel
    ) -> IngestReport:
        progress(IngestProgress("index", 0, 1, 0, 0.0, None))
        while not cancel:
            time.sleep(0.01)
        report()
        return IngestReport(str(folder), (), 0.0, cancelled=True)

    return sync


def test_one_ingest_runs_at_a_time_and_is_cancelled_on_request_and_at_the_end(folder: Path) -> None:
    cancelled: list[int] = []
    ingests = Ingests(slow(lambda: cancelled.append(1)), ())
    first = ingests.start(str(folder), IngestOptions())
    with pytest.raises(Refusal, match=first.id) as refused:
        ingests.start(str(folder), IngestOptions())
    assert refused.value.status == 409
    first.cancel()
    first.join()
    assert first.state.status == "cancelled"
    second = ingests.start(str(folder), IngestOptions())
    ingests.close()
    assert second.state.status == "cancelled"
    assert len(cancelled) == 2


def test_an_ingest_that_breaks_says_so_without_giving_text_away(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    def sync(*_: object, **__: object) -> IngestReport:
        raise ZeroDivisionError("secret")

    ingests = Ingests(sync, ())
    run = ingests.start(str(folder), IngestOptions())
    run.join()
    assert run.state.status == "failed"
    assert "ZeroDivisionError" in str(run.state.error)
    assert "secret" not in str(run.state.error)
    assert "ZeroDivisionError at" in caplog.text
    assert "secret" not in caplog.text


def test_a_search_keeps_to_its_filters_and_says_how_many_documents_they_left(application: Served, folder: Path) -> None:
    run = ended(application, application.post("/api/ingest", {"folder": str(folder), "collection": "towns"}).json())
    assert run["status"] == "done", run
    asked = {"query": QUERY, "filters": {"collection": "towns", "path": "*.txt"}, "collapse": True}
    found = application.post("/api/search", asked).json()
    assert found["documents"] == len({one["chunk"]["document"] for one in found["candidates"]}) > 0
    assert found["settings"]["filters"]["path"] == "*.txt"
    nothing = application.post("/api/search", {"query": QUERY, "filters": {"collection": "nobody"}}).json()
    assert (nothing["documents"], nothing["candidates"]) == (0, [])
    wrong = application.post("/api/search", {"query": QUERY, "filters": {"since": "soon"}})
    assert (wrong.status_code, "ISO 8601" in wrong.json()["detail"]) == (400, True)
    assert application.post("/api/search", {"query": QUERY, "filters": {"kind": 3}}).status_code == 422


def test_work_is_handed_over_with_all_that_it_was_asked_for(application: Served, folder: Path) -> None:
    owner = RunningServer(application.url, 1)
    foreseen = owner.ingest(folder, IngestOptions(dry_run=True))
    assert foreseen.counts == {"added": 9}
    assert owner.documents() == []
    assert owner.ingest(folder, IngestOptions(collection="towns")).counts == {"added": 9}
    assert {row.collection for row in owner.documents()} == {"towns"}
    found = owner.search(QUERY, SearchSettings(filters=Filters(collection="towns"), explain=False))
    assert isinstance(found, Result)
    assert found.documents == 9
    assert found.settings.filters == Filters(collection="towns")
    assert [one.rank for one in found.top] == list(range(1, len(found.top) + 1))
    cancel = Cancel()
    cancel.request()
    again = owner.ingest(folder, cancel=cancel)
    assert len(again.outcomes) == 9
    owner.require_model(HashedWords.name)
    with pytest.raises(OwnerError, match=r"embeds with hashed-words@1, not another@2: stop it"):
        owner.require_model("another@2")
