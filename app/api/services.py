"""What the routes share: the engine, the worker, the counters and the operator's decisions."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fastapi import Request

from app.api.batcher import Batcher
from app.api.errors import Refusal
from app.api.jobs import Job
from app.api.metrics import Metrics
from app.api.names import KnownName, resolve
from app.api.settings import ApiSettings
from rerank.errors import Cancelled
from search.engine import SearchEngine
from search.scorers import NO_SCORER
from search.scripts import Literacy

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that a route needs."""

    engine: SearchEngine
    settings: ApiSettings
    batcher: Batcher
    metrics: Metrics
    literacy: Literacy = field(default_factory=Literacy)
    """Which scripts the second stages read, as far as it was asked."""

    def scorers(self) -> list[KnownName]:
        """Every second stage that callers may name."""
        return [
            KnownName(one.name, one.available, one.reason) for one in self.engine.scorers() if one.name != NO_SCORER
        ]

    def scorer(self, wanted: str | None) -> str:
        """The name of the second stage that answers for `wanted`.

        Raises:
            ModelNotFound: none does.
        """
        return resolve(wanted, self.scorers(), self.engine.registry.default, self.settings.aliases, "rerank model")

    def embedder(self, wanted: str | None) -> str:
        """The embedding model's name if it answers for `wanted`.

        Raises:
            ModelNotFound: it does not.
        """
        name = self.engine.embedder.name
        bare = name.partition("@")[0]
        scorers = {one.name.lower() for one in self.scorers()}
        # an alias for a second stage by name ("*=minilm-maxsim") is none for the embedding model
        ours = {key: target for key, target in self.settings.aliases.items() if target.lower() not in scorers}
        return resolve(wanted, [KnownName(name, available=True, aliases=(bare,))], name, ours, "embedding model")

    def deadline(self) -> float:
        """When a call that starts now must be answered, in `time.monotonic()` seconds."""
        return time.monotonic() + self.settings.deadline_seconds

    async def answer(self, request: Request, job: Job[T]) -> T:
        """What the worker made of the job.

        Raises:
            Refusal: 429 when the queue is full, 504 when the time is up, 499 when the caller left.
        """
        self.batcher.submit(job)
        future = asyncio.wrap_future(job.future)
        left = asyncio.ensure_future(_disconnected(request))
        either: set[asyncio.Future[Any]] = {future, left}
        try:
            done, _ = await asyncio.wait(
                either, timeout=max(0.0, job.deadline - time.monotonic()), return_when=asyncio.FIRST_COMPLETED
            )
            if future in done:
                return await future
            if left in done:
                raise Refusal(499, "The caller closed the connection.")
            raise self._out_of_time()
        except Cancelled as error:  # the worker saw that the time was up before the wait here did
            raise self._out_of_time() from error
        finally:
            job.cancel.request()
            left.cancel()
            future.add_done_callback(_retrieve)

    def _out_of_time(self) -> Refusal:
        limit = self.settings.deadline_seconds
        return Refusal(504, f"The call took longer than {limit:g} s: send fewer or shorter documents.")


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _retrieve(future: asyncio.Future[Any]) -> None:
    """Look at the outcome that nobody waits for, so that asyncio does not warn about it."""
    if not future.cancelled():
        future.exception()
