"""What the server costs on top of the engine, with many callers at once, and how it behaves when there are too many."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from app.ports import listen
from app.server import running
from app.settings import LOOPBACK

if TYPE_CHECKING:
    from rerank.loading import Caches
    from rerank.scorer import Scorer
    from search.engine import SearchEngine

PASSAGES = 20
"""Passages of one call."""
_SAMPLE_SECONDS = 0.5
_WARM_SECONDS = 5.0
"""Seconds of calls that are not counted, so that threads, connections and buffers are there."""
_VECTOR_BYTES = 24 << 20
"""Room for token vectors while measuring: about 400 passages, so that it is full before the measured time begins."""
_SCORES = 400
"""Room for scores, likewise."""
_GROWING = 1.01
"""A cache that holds less than this many times what it held a second ago is full: its passages differ in length."""


@dataclass(frozen=True, slots=True)
class Load:
    """What the callers ask for: any number of calls, no two with the same passage, nor one that was ever scored before.

    A passage carries the load's, the part's and the call's number, so that caches of scores and of token vectors, in
    memory or on disk, stay out of what is measured.
    """

    queries: tuple[str, ...]
    texts: tuple[str, ...]
    passages: int = PASSAGES
    """Of each call."""

    mark: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    def call(self, part: int, number: int) -> tuple[str, list[str]]:
        """The query and the passages of a part's call."""
        first = number * self.passages
        chosen = (self.texts[(first + place) % len(self.texts)] for place in range(self.passages))
        return self.queries[number % len(self.queries)], [f"{text} ({self.mark}.{part}.{number})" for text in chosen]


@dataclass(slots=True)
class Tally:
    """What the callers saw."""

    seconds: list[float] = field(default_factory=list)
    """Of each answered call."""
    statuses: Counter[int] = field(default_factory=Counter)
    asked: int = 0
    """Different calls, each sent again while it is refused."""
    given_up: int = 0
    """Of those, refused to the end of the time."""
    pairs: int = 0
    wrong: int = 0
    """Answers that are not the ranking of what was sent."""
    lost: int = 0
    """Calls that got no answer at all."""
    elapsed: float = 0.0

    def add(self, other: Tally) -> None:
        """Count another tally in."""
        self.seconds += other.seconds
        self.statuses += other.statuses
        self.asked += other.asked
        self.given_up += other.given_up
        self.pairs += other.pairs
        self.wrong += other.wrong
        self.lost += other.lost
        self.elapsed += other.elapsed


def small_caches(folder: Path) -> Caches:
    """Caches that are full within seconds, so that memory that still grows afterwards is no cache that fills."""
    from rerank.loading import Caches
    from rerank.scores_cache import ScoreCache
    from rerank.vectors_cache import VectorCache

    return Caches(ScoreCache(_SCORES), VectorCache(_VECTOR_BYTES, folder / "token-vectors"))


def run(
    engine: SearchEngine,
    callers: int = 32,
    seconds: float = 60.0,
    *,
    load: Load,
    queue_size: int = 64,
    rounds: int = 3,
    caches: Caches | None = None,
) -> dict[str, Any]:
    """Pairs per second through the server and without it, latency quantiles, errors and memory.

    The callers live in a process of their own. In each round the engine alone scores calls for a third of the round's
    time, half of it before and half after the callers, so that a drift of the machine hits both.

    Args:
        engine: what is served; its default scorer is measured.
        callers: how many call at once, each again as soon as it is answered; a refused call is sent again after
            `Retry-After`.
        seconds: how long they do, all rounds together.
        load: what they ask for.
        queue_size: the server's bound; smaller than `callers` shows refusals.
        rounds: how often the comparison is made; the median counts.
        caches: those of the engine's scorers; filled before anything is measured.
    """
    from app import api
    from app.api.settings import ApiSettings

    scorer = engine.registry.get()
    fresh = count()
    filled = fill(scorer, load, fresh, caches)
    total, shares, bare = Tally(), [], []
    application = api.build(engine, ApiSettings(queue_size=queue_size))
    with running(application, listen(LOOPBACK, 0, strict=True)) as url:
        _in_a_process(url, load, next(fresh), callers, min(_WARM_SECONDS, seconds / 4))
        with _Memory() as memory:
            for _ in range(rounds):
                before = alone(scorer, load, next(fresh), seconds / rounds / 6)
                tally = _in_a_process(url, load, next(fresh), callers, seconds / rounds)
                after = alone(scorer, load, next(fresh), seconds / rounds / 6)
                bare.append((before + after) / 2)
                shares.append(tally.pairs / tally.elapsed / bare[-1])
                total.add(tally)
    return {
        "what": "serve",
        "scorer": scorer.name,
        "runtime": str(scorer.runtime),
        "callers": callers,
        "queue_size": queue_size,
        "seconds": round(total.elapsed, 2),
        "pairs_per_second": round(total.pairs / total.elapsed, 1),
        "engine_pairs_per_second": round(sum(bare) / len(bare), 1),
        "share_of_engine": round(quantile(shares, 0.5), 3),
        "shares": [round(share, 3) for share in shares],
        "calls": total.asked,
        "answered": total.statuses[200],
        "refused_to_the_end": total.given_up,
        "statuses": {str(status): times for status, times in sorted(total.statuses.items())},
        "errors": sum(times for status, times in total.statuses.items() if status not in {200, 429}),
        "wrong": total.wrong,
        "lost": total.lost,
        **{f"p{rank}_ms": round(1000 * quantile(total.seconds, rank / 100), 1) for rank in (50, 95, 99)},
        "memory_mb": memory.summary(),
        "kept_before": filled,
    }


def fill(scorer: Scorer, load: Load, fresh: Iterator[int], caches: Caches | None) -> dict[str, float]:
    """What is kept once the scorer's cache is full; scores for at least two seconds."""
    alone(scorer, load, next(fresh), 2.0)
    if caches is None:
        return {}

    before = -1
    while (now := caches.vectors.bytes + caches.scores.entries) > before * _GROWING:
        before = now
        alone(scorer, load, next(fresh), 1.0)
    return {"vectors_mb": round(caches.vectors.bytes / 1e6, 1), "scores": caches.scores.entries}


def alone(scorer: Scorer, load: Load, part: int, seconds: float) -> float:
    """Pairs per second of the scorer by itself, over a part of the load; at least one call."""
    pairs, number, started = 0, 0, time.perf_counter()
    while not pairs or time.perf_counter() - started < seconds:
        query, passages = load.call(part, number)
        scorer.score(query, passages)
        pairs += len(passages)
        number += 1
    return pairs / (time.perf_counter() - started)


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values does not exceed (nearest rank); 0 for none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]


def resident_mb() -> float:
    """This process's memory in MB; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0.0
    return pages * 4096 / 1e6


class _Memory:
    """The process's memory over time, sampled in a thread."""

    def __init__(self) -> None:
        self._samples: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(_SAMPLE_SECONDS):
            self._samples.append(resident_mb())

    def summary(self) -> dict[str, float]:
        """Means over the first, the middle and the last tenth of the time, and the largest."""
        samples = self._samples or [0.0]
        part = max(1, len(samples) // 10)
        middle = (len(samples) - part) // 2
        return {
            "start": _mean(samples[:part]),
            "middle": _mean(samples[middle : middle + part]),
            "end": _mean(samples[-part:]),
            "largest": round(max(samples), 1),
        }


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 1)


def _in_a_process(url: str, load: Load, part: int, callers: int, seconds: float) -> Tally:
    """Run the callers in a fresh process, so that they do not share the server's interpreter lock."""
    spawned = multiprocessing.get_context("spawn")
    ours, theirs = spawned.Pipe()
    process = spawned.Process(target=_callers, args=(theirs, url, load, part, callers, seconds), daemon=True)
    process.start()
    theirs.close()
    try:
        tally = Tally(**ours.recv())
    except EOFError as gone:
        raise RuntimeError("The callers' process ended without a result.") from gone
    process.join()
    return tally


def _callers(pipe: Any, url: str, load: Load, part: int, callers: int, seconds: float) -> None:  # noqa: ANN401 - a Connection
    tally = asyncio.run(_call_all(url, load, part, callers, seconds))
    pipe.send({field.name: getattr(tally, field.name) for field in fields(tally)})


async def _call_all(url: str, load: Load, part: int, callers: int, seconds: float) -> Tally:
    import httpx

    tally = Tally()
    turns = count()
    limits = httpx.Limits(max_connections=callers, max_keepalive_connections=callers)
    async with httpx.AsyncClient(base_url=url, timeout=120.0, limits=limits, trust_env=False) as client:
        started = time.perf_counter()

        def over() -> bool:
            return time.perf_counter() - started > seconds

        await asyncio.gather(
            *(_call(client, tally, lambda: load.call(part, next(turns)), over) for _ in range(callers))
        )
        tally.elapsed = time.perf_counter() - started
    return tally


async def _call(client: Any, tally: Tally, turn: Callable[[], tuple[str, list[str]]], over: Callable[[], bool]) -> None:  # noqa: ANN401 - httpx's client
    import httpx

    while not over():
        query, passages = turn()
        tally.asked += 1
        body = json.dumps({"query": query, "documents": passages, "return_documents": False})
        answer = None
        while answer is None:
            began = time.perf_counter()
            try:
                answer = await client.post("/v1/rerank", content=body, headers={"Content-Type": "application/json"})
            except httpx.HTTPError:
                tally.lost += 1
                break
            tally.statuses[answer.status_code] += 1
            if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
                if over():
                    tally.given_up += 1
                    break
                await asyncio.sleep(min(1.0, float(answer.headers["retry-after"])))
                answer = None
        if answer is None or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            continue
        tally.seconds.append(time.perf_counter() - began)
        if answer.status_code == httpx.codes.OK:
            places = [one["index"] for one in answer.json()["results"]]
            tally.wrong += sorted(places) != list(range(len(passages)))
            tally.pairs += len(passages)
