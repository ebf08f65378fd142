"""One worker thread through which every costly call goes: bounded, fair, batched across callers, and interruptible."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from app.api.errors import Refusal
from app.api.jobs import Job, RerankJob, Slice, Task
from rerank.errors import Cancelled
from rerank.models.running import Cancel
from rerank.scorer import Limits, Scorer, Scoring


@runtime_checkable
class ManyScorer(Protocol):
    """A scorer that takes the pairs of several queries in one call and batches them together."""

    def score_many(
        self, calls: Sequence[tuple[str, Sequence[str]]], *, limits: Limits, cancel: Cancel | None = None
    ) -> list[Scoring]:
        """One `Scoring` per (query, passages), in order."""
        ...


class _AllGone(Cancel):
    """Set once nobody waits for any of the calls that are scored together."""

    __slots__ = ("_jobs",)

    def __init__(self, jobs: Sequence[Job[Any]]) -> None:
        super().__init__()
        self._jobs = tuple(jobs)

    def __bool__(self) -> bool:
        return super().__bool__() or all(job.gone for job in self._jobs)


@dataclass(frozen=True, slots=True)
class _Piece:
    job: RerankJob
    slice: Slice

    @property
    def call(self) -> tuple[str, tuple[str, ...]]:
        part = self.job.parts[self.slice.part]
        return part.query, part.passages[self.slice.start : self.slice.end]


class Batcher:
    """A bounded queue in front of the models, and the one thread that empties it.

    Calls for the same scorer are scored together under one token budget where the scorer can (`ManyScorer`); where it
    cannot, they take turns, slice by slice. A call whose caller left, or whose time is up, costs nothing further.
    """

    def __init__(self, scorer: Callable[[str], Scorer], size: int, tokens: int, window: float) -> None:
        """Start the worker.

        Args:
            scorer: loads a scorer by name, or raises `RerankError`.
            size: most calls that wait or run at once.
            tokens: the budget of one scorer call, estimated.
            window: seconds to wait for company when a call arrives at an idle worker.
        """
        self._scorer = scorer
        self._size = size
        self._tokens = tokens
        self._window = window
        self._jobs: deque[Job[Any]] = deque()
        self._running: list[Job[Any]] = []
        self._changed = threading.Condition()
        self._closing = False
        self._busy_seconds = 0.0
        self._answered = 0
        self.engine_calls = 0
        """Calls made to scorers so far."""
        self._thread = threading.Thread(target=self._work, name="secondlook-batcher", daemon=True)
        self._thread.start()

    @property
    def depth(self) -> int:
        """Calls that wait or run."""
        with self._changed:
            return len(self._jobs) + len(self._running)

    def submit(self, job: Job[Any]) -> None:
        """Queue the job; its future gets the outcome.

        Raises:
            Refusal: 429 with `Retry-After` if the queue is full, 503 while shutting down.
        """
        with self._changed:
            if self._closing:
                raise Refusal(503, "The server is shutting down: try again in a moment.", headers={"Retry-After": "5"})
            waiting = len(self._jobs) + len(self._running)
            if waiting >= self._size:
                seconds = max(1, min(60, round(waiting * self._busy_seconds / max(1, self._answered))))
                raise Refusal(
                    429,
                    f"{waiting} calls are waiting, which is the limit: try again in {seconds} s.",
                    headers={"Retry-After": str(seconds)},
                )
            self._jobs.append(job)
            self._changed.notify_all()

    def close(self) -> None:
        """Wait until everything that was accepted is answered and the worker has ended."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def _work(self) -> None:
        while self._wait():
            with self._changed:
                for job in [one for one in self._jobs if one.gone]:
                    self._jobs.remove(job)
                    self._fail(job, Cancelled("The caller is gone or its time is up."))
                if not self._jobs:
                    continue
                first = self._jobs.popleft()
                self._running.append(first)
            started = time.monotonic()
            try:
                self._run(first)
            except Exception as error:  # noqa: BLE001 - the thread's boundary: the error belongs to whoever called
                for job in self._running:
                    self._fail(job, error)
            self._busy_seconds += time.monotonic() - started
            with self._changed:
                # unfinished calls go behind the others: everybody gets a turn
                unfinished = [job for job in self._running if not job.future.done()]
                self._answered += len(self._running) - len(unfinished)
                self._jobs.extend(unfinished)
                self._running.clear()

    def _wait(self) -> bool:
        """True once there is work, False once there is none and never will be."""
        with self._changed:
            idle = not self._jobs
            while not self._jobs:
                if self._closing:
                    return False
                self._changed.wait()
        if idle and self._window:
            time.sleep(self._window)
        return True

    def _run(self, first: Job[Any]) -> None:
        if isinstance(first, Task):
            first.future.set_result(first.work(_AllGone([first])))
        elif isinstance(first, RerankJob):
            self._advance(first)

    def _advance(self, first: RerankJob) -> None:
        scorer = self._scorer(first.scorer)
        whole = scorer.contract.list_relative or scorer.contract.kind in {"listwise", "cascade"}
        pieces = self._pieces(first, scorer, whole=whole)
        if pieces:
            self._score(scorer, pieces)
        for job in [one for one in self._running if isinstance(one, RerankJob) and not one.future.done()]:
            if job.next_slice(self._tokens, whole=whole) is not None:
                continue
            shown = job.next_to_explain(self._tokens)
            if shown:
                part = job.parts[0]
                job.explain(shown, scorer.spans(part.query, [part.passages[index] for index in shown]))
            if not job.next_to_explain(self._tokens):
                job.future.set_result(job.outcome(scorer))

    def _pieces(self, first: RerankJob, scorer: Scorer, *, whole: bool) -> list[_Piece]:
        """The slices that go into one scorer call: the first caller's, then the others' while the budget lasts."""
        one = first.next_slice(self._tokens, whole=whole)
        if one is None:
            return []
        pieces, spent = [_Piece(first, one)], one.tokens
        if not isinstance(scorer, ManyScorer):
            return pieces
        with self._changed:
            for job in list(self._jobs):
                if not isinstance(job, RerankJob) or (job.scorer, job.limits) != (first.scorer, first.limits):
                    continue
                share = job.next_slice(self._tokens - spent, whole=whole)
                if share is None or share.tokens > self._tokens - spent or job.gone:
                    continue
                self._jobs.remove(job)
                self._running.append(job)
                pieces.append(_Piece(job, share))
                spent += share.tokens
        return pieces

    def _score(self, scorer: Scorer, pieces: list[_Piece]) -> None:
        self.engine_calls += 1
        limits, cancel = pieces[0].job.limits, _AllGone([one.job for one in pieces])
        if len(pieces) == 1 or not isinstance(scorer, ManyScorer):
            for piece in pieces:
                query, passages = piece.call
                try:
                    piece.job.take(piece.slice, scorer.score(query, passages, limits=limits, cancel=cancel))
                except Exception as error:  # noqa: BLE001 - it belongs to this caller, whatever it is
                    self._fail(piece.job, error)
            return
        try:
            scorings = scorer.score_many([one.call for one in pieces], limits=limits, cancel=cancel)
        except Cancelled as error:
            for piece in pieces:
                self._fail(piece.job, error)
        except Exception:  # noqa: BLE001 - one caller's input must not fail the others: each by itself says whose it was
            for piece in pieces:
                self._score(scorer, [piece])
        else:
            for piece, scoring in zip(pieces, scorings, strict=True):
                piece.job.take(piece.slice, scoring)

    @staticmethod
    def _fail(job: Job[Any], error: BaseException) -> None:
        if not job.future.done():
            job.future.set_exception(error)
