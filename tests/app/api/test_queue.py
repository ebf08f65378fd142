"""Claims about the worker: bounded, fair, batched, interruptible; over HTTP where a caller can see them."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx
import pytest
from serving import CAPITALS, QUERY, Bm25Scorer, Served, TogetherScorer, engine_of

from app.api.batcher import Batcher
from app.api.compose import compose
from app.api.errors import Refusal
from app.api.jobs import Part, RerankJob, SpanWish, Task
from app.api.settings import ApiSettings
from app.ports import listen
from app.server import running
from rerank.errors import BadInput, Cancelled
from rerank.scorer import Limits, ScoreContract, Scorer, Scoring
from search.scorers import Scorers

BODY: dict[str, Any] = {"query": QUERY, "documents": CAPITALS}
FAR = 1e9
SECONDS = 60
"""How long what must come may take, on a busy machine, too."""


class Whole(Bm25Scorer):
    """A scorer whose scores depend on the list."""

    @property
    def contract(self) -> ScoreContract:
        """Relative to the list."""
        return replace(super().contract, kind="listwise", list_relative=True)


def worker(scorer: Scorer, size: int = 64, tokens: int = 64) -> Batcher:
    return Batcher(lambda _: scorer, size, tokens, 0.0)


def job(count: int, query: str = QUERY, deadline: float = FAR, **options: Any) -> RerankJob:
    return RerankJob(
        deadline, "any", [Part(query, tuple(f"{CAPITALS[2]} {i}" for i in range(count)))], Limits(), **options
    )


def submit_together(batcher: Batcher, scorer: Bm25Scorer, jobs: Sequence[RerankJob]) -> None:
    """Submit the jobs so that all but the first wait together while the scorer is at work on that one."""
    batcher.submit(jobs[0])
    assert scorer.begun.wait(SECONDS)
    for one in jobs[1:]:
        batcher.submit(one)
    scorer.go_on.set()


def test_slices_together_are_what_one_call_gives() -> None:
    scorer = Bm25Scorer("exact")
    batcher = worker(scorer)
    passages = tuple(CAPITALS * 30)
    cut = RerankJob(FAR, "any", [Part(QUERY, passages)], Limits())
    batcher.submit(cut)
    (scoring,) = cut.future.result(timeout=SECONDS).parts
    batcher.close()
    assert scorer.largest < 10
    assert scoring.scored == Bm25Scorer("exact").score(QUERY, passages).scored
    assert scoring.query_tokens == 6


def test_a_listwise_call_is_never_cut() -> None:
    scorer = Whole("exact")
    batcher = worker(scorer)
    whole = job(200)
    batcher.submit(whole)
    assert len(whole.future.result(timeout=SECONDS).parts[0].scored) == 200
    batcher.close()
    assert scorer.largest == 200


def test_a_short_call_overtakes_a_long_one() -> None:
    scorer = Bm25Scorer("exact").held()
    batcher = worker(scorer)
    long, short = job(400), job(2)
    order: list[str] = []
    long.future.add_done_callback(lambda _: order.append("long"))
    short.future.add_done_callback(lambda _: order.append("short"))
    submit_together(batcher, scorer, [long, short])
    assert len(long.future.result(SECONDS).parts[0].scored) == 400
    assert order == ["short", "long"]
    batcher.close()


def test_calls_that_wait_are_scored_together_where_the_scorer_can() -> None:
    scorer = TogetherScorer("together").held()
    batcher = worker(scorer, tokens=10_000)
    jobs = [job(3, query=f"capital {i}") for i in range(9)]
    submit_together(batcher, scorer, jobs)
    outcomes = [one.future.result(timeout=SECONDS) for one in jobs]
    batcher.close()
    assert max(scorer.calls) >= 8
    assert batcher.engine_calls <= 2
    for one, outcome in zip(jobs, outcomes, strict=True):
        part = one.parts[0]
        assert outcome.parts[0].scored == Bm25Scorer("alone").score(part.query, part.passages).scored


def test_calls_together_stay_within_the_token_budget() -> None:
    scorer = TogetherScorer("together").held()
    one = job(3)
    budget = 2 * sum(one.parts[0].tokens(i) for i in range(3))
    batcher = worker(scorer, tokens=budget)
    jobs = [job(3) for _ in range(7)]
    submit_together(batcher, scorer, jobs)
    for each in jobs:
        each.future.result(timeout=SECONDS)
    batcher.close()
    assert max(scorer.calls) == 2


def test_one_callers_bad_input_does_not_fail_the_others() -> None:
    scorer = TogetherScorer("together").held()
    batcher = worker(scorer, tokens=10_000)
    good, bad = [job(2) for _ in range(3)], job(2, query="  ")
    submit_together(batcher, scorer, [*good, bad])
    for one in good:
        assert len(one.future.result(timeout=SECONDS).parts[0].scored) == 2
    assert isinstance(bad.future.exception(timeout=SECONDS), BadInput)
    batcher.close()


class Stumbling(TogetherScorer):
    """Has a fault that shows with one query only."""

    def score(self, query: str, passages: Sequence[str], **options: Any) -> Scoring:
        """As always, but for that query."""
        if query == "stumble":
            raise RuntimeError("a fault of the scorer")
        return super().score(query, passages, **options)


def test_a_fault_that_one_call_brings_out_does_not_fail_the_others() -> None:
    scorer = Stumbling("together").held()
    batcher = worker(scorer, tokens=10_000)
    good, bad = [job(2) for _ in range(3)], job(2, query="stumble")
    submit_together(batcher, scorer, [good[0], bad, *good[1:]])
    for one in good:
        assert len(one.future.result(timeout=SECONDS).parts[0].scored) == 2
    assert isinstance(bad.future.exception(timeout=SECONDS), RuntimeError)
    batcher.close()


def test_a_failing_call_leaves_the_worker_at_work() -> None:
    def fail(_: object) -> None:
        raise RuntimeError("broken")

    batcher = worker(Bm25Scorer("exact"))
    broken = Task(FAR, fail)
    batcher.submit(broken)
    assert isinstance(broken.future.exception(timeout=SECONDS), RuntimeError)
    after = job(2)
    batcher.submit(after)
    assert after.future.result(timeout=SECONDS)
    batcher.close()


def test_a_call_past_its_deadline_is_not_begun_and_one_under_way_is_stopped() -> None:
    scorer = Bm25Scorer("exact", seconds_per_pair=0.01)
    batcher = worker(scorer, tokens=100_000)
    under_way, waiting = job(1000, deadline=time.monotonic() + 0.2), job(1000, deadline=time.monotonic() + 0.1)
    batcher.submit(under_way)
    batcher.submit(waiting)
    for one in (under_way, waiting):
        assert isinstance(one.future.exception(timeout=SECONDS), Cancelled)
    batcher.close()
    assert scorer.pairs < 60


def test_spans_are_scored_for_the_best_documents_only() -> None:
    batcher = worker(Bm25Scorer("exact"))
    wished = RerankJob(FAR, "any", [Part(QUERY, tuple(CAPITALS))], Limits(), SpanWish(2))
    batcher.submit(wished)
    assert set(wished.future.result(timeout=SECONDS).spans) == {0, 2}
    batcher.close()


def test_spans_of_several_documents_are_one_call_within_the_budget() -> None:
    part = Part(QUERY, tuple(CAPITALS))
    every = sum(part.tokens(index) for index in range(len(CAPITALS)))
    for budget, calls in ((every, [4]), (every - 1, [3, 1]), (1, [1, 1, 1, 1])):
        wished = RerankJob(FAR, "any", [part], Limits(), SpanWish(4))
        whole = wished.next_slice(every, whole=True)
        assert whole is not None
        scorer = Bm25Scorer("exact")
        wished.take(whole, scorer.score(QUERY, part.passages))
        seen = []
        while shown := wished.next_to_explain(budget):
            seen.append(len(shown))
            wished.explain(shown, scorer.spans(QUERY, [part.passages[index] for index in shown]))
        assert seen == calls
        assert wished.outcome(scorer).spans.keys() == {0, 1, 2, 3}


def test_closing_answers_what_was_accepted_and_refuses_the_rest() -> None:
    batcher = worker(Bm25Scorer("exact", seconds_per_pair=0.001))
    jobs = [job(20) for _ in range(10)]
    for one in jobs:
        batcher.submit(one)
    closing = threading.Thread(target=batcher.close)
    closing.start()
    assert all(len(one.future.result(timeout=SECONDS).parts[0].scored) == 20 for one in jobs)
    closing.join()
    with pytest.raises(Refusal, match="shutting down") as refused:
        batcher.submit(job(1))
    assert refused.value.status == 503


def test_a_full_queue_answers_429_with_retry_after_and_loses_nothing(serve: Callable[..., Served]) -> None:
    scorer = Bm25Scorer("exact-bm25").held()
    served = serve(ApiSettings(queue_size=4), scorer)

    with ThreadPoolExecutor(24) as callers:
        calls = [callers.submit(served.post, "/v1/rerank", BODY) for _ in range(72)]
        wait_until(lambda: sum(one.done() for one in calls) >= 24)  # refused, for the worker is held up
        scorer.go_on.set()
        answers = [one.result() for one in calls]
    statuses = {one.status_code for one in answers}
    assert statuses == {200, 429}
    for one in answers:
        if one.status_code == 429:
            assert one.json()["code"] == "RATE_CONCURRENCY_LIMIT_EXCEEDED"
            assert int(one.headers["retry-after"]) >= 1
        else:
            assert one.json()["results"][0]["index"] == 2
    assert served.scorer.pairs == 4 * sum(one.is_success for one in answers)
    assert served.post("/v1/rerank", BODY).is_success


def test_concurrent_callers_each_get_their_own_answer(served: Served) -> None:
    def call(place: int) -> bool:
        documents = [f"number {i}" for i in range(place, place + 20)]
        answer = served.post("/v1/rerank", {"query": f"number {place + 7}", "documents": documents}).json()
        return bool(answer["results"][0]["document"]["text"] == f"number {place + 7}")

    with ThreadPoolExecutor(16) as callers:
        assert all(callers.map(call, range(48)))


def wait_until(holds: Callable[[], bool]) -> None:
    """Return once it holds; fail after a minute."""
    until = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < until, "it never came to hold"
        time.sleep(0.01)


def idle(served: Served) -> bool:
    return "secondlook_queue_depth 0.0" in served.get("/metrics").text


def test_the_deadline_is_a_504_in_json(serve: Callable[..., Served]) -> None:
    served = serve(ApiSettings(deadline_seconds=1.0), Bm25Scorer("exact-bm25", seconds_per_pair=0.02))
    answer = served.post("/v1/rerank", {**BODY, "documents": CAPITALS * 250})
    assert answer.status_code == 504
    assert answer.json()["code"] == "SERVICE_TIMEOUT"
    assert "1 s" in answer.json()["detail"]
    tei = served.post("/rerank", {"query": QUERY, "texts": CAPITALS * 250})
    assert (tei.status_code, tei.json()["error_type"]) == (504, "Backend")
    wait_until(lambda: idle(served))
    done = served.scorer.pairs
    assert done < 2 * 900
    time.sleep(0.2)
    assert served.scorer.pairs == done


class Stopped(Bm25Scorer):
    """A scorer that notices before anyone else that the time is up."""

    def score(self, query: str, passages: Sequence[str], **_: Any) -> Scoring:
        """Nothing: it was cancelled."""
        raise Cancelled(f"{len(passages)} passages for {query!r} were not scored.")


def test_the_answer_is_the_same_if_the_worker_sees_the_deadline_first(serve: Callable[..., Served]) -> None:
    answer = serve(ApiSettings(deadline_seconds=7.0), Stopped("exact-bm25")).post("/v1/rerank", BODY)
    assert (answer.status_code, answer.json()["code"]) == (504, "SERVICE_TIMEOUT")
    assert "7 s" in answer.json()["detail"]


def test_a_client_that_went_away_stops_costing(serve: Callable[..., Served]) -> None:
    served = serve(scorer=Bm25Scorer("exact-bm25", seconds_per_pair=0.01))
    body = json.dumps({**BODY, "documents": CAPITALS * 250}).encode()
    lines = ("POST /v1/rerank HTTP/1.1", "Host: localhost", "Content-Type: application/json")
    head = "\r\n".join((*lines, f"Content-Length: {len(body)}", "", ""))
    with socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2]))) as caller:
        caller.sendall(head.encode() + body)
        wait_until(lambda: served.scorer.pairs > 0)
    wait_until(lambda: idle(served))
    done = served.scorer.pairs
    assert done < 900
    time.sleep(0.3)
    assert served.scorer.pairs == done


def test_requests_in_flight_finish_when_the_server_stops() -> None:
    scorer = Bm25Scorer("exact-bm25", seconds_per_pair=0.1)
    engine = engine_of(scorer)
    answers: list[httpx.Response] = []
    with running(compose(engine, ApiSettings()), listen("127.0.0.1", 0, strict=True)) as url:
        caller = threading.Thread(
            target=lambda: answers.append(httpx.post(url + "/v1/rerank", json=BODY, timeout=SECONDS))
        )
        caller.start()
        wait_until(lambda: scorer.pairs > 0)
    caller.join()
    assert answers[0].json()["results"][0]["index"] == 2


def test_the_event_loop_stays_free_while_the_worker_works(serve: Callable[..., Served]) -> None:
    scorer = Bm25Scorer("exact-bm25").held()
    served = serve(scorer=scorer)
    with ThreadPoolExecutor(1) as callers:
        long = callers.submit(served.post, "/v1/rerank", BODY)
        assert scorer.begun.wait(SECONDS)
        assert served.get("/health").is_success
        assert not long.done()
        scorer.go_on.set()
        assert long.result(timeout=SECONDS).is_success


class LatinReader(Bm25Scorer):
    """A scorer that knows pieces of Latin words only."""

    def vocabularies(self) -> list[list[str]]:
        """One vocabulary."""
        return [[f"{first}{second}" for first in "abcdefghijklmnopqrstuvwxyz" for second in "aeiouy"] * 4]


def test_only_the_worker_fetches_a_scorer_and_what_it_does_not_read_is_said(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[str] = set()
    get = Scorers.get

    def watched(scorers: Scorers, name: str | None = None) -> Scorer:
        threads.add(threading.current_thread().name)
        return get(scorers, name)

    monkeypatch.setattr(Scorers, "get", watched)
    served = serve(scorer=LatinReader("latin"))
    said = served.post("/v1/rerank", {**BODY, "query": "столица Франции"}).json()["meta"]["warnings"]
    assert said == ["latin does not read Cyrillic: its scores say little about this query."]
    assert served.post("/v1/rerank", BODY).json()["meta"].get("warnings") is None
    assert threads == {"secondlook-batcher"}
