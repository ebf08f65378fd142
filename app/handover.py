"""Work handed to the process that owns an index, over its HTTP API."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from app.errors import AppError
from app.settings import Settings
from indexer.report import IngestOptions, IngestProgress, IngestReport
from search.plain import restore
from search.result import Result
from search.settings import SearchSettings

if TYPE_CHECKING:
    import httpx

    from rerank.models.running import Cancel
    from search.engine import DocumentRow

T = TypeVar("T")

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 120.0


class OwnerError(AppError):
    """The process that owns the index refused the work, or does not answer."""


class RunningServer:
    """The process that has an index open, reached over HTTP: a search engine with the same values as a local one."""

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self._pid = pid

    def search(self, query: str, settings: SearchSettings) -> Result:
        """What both stages did to the query there."""
        return self._restored(Result, self._ask("POST", "/api/search", {"query": query, **asdict(settings)}))

    def documents(self) -> list[DocumentRow]:
        """Every indexed document, by path."""
        from search.engine import DocumentRow  # a search that is handed over does without the engine

        return [self._restored(DocumentRow, row) for row in self._ask("GET", "/api/documents")["documents"]]

    def require_model(self, name: str) -> None:
        """Check that the owner embeds with the model of that name.

        Raises:
            OwnerError: it embeds with another one.
        """
        used = str(self._ask("GET", "/api/state")["embedder"]).split(" (", maxsplit=1)[0]
        if used != name:
            raise OwnerError(
                f"The process that owns the index ({self.url}) embeds with {used}, not {name}: stop it first, or leave "
                f"the model out."
            )

    def ingest(
        self,
        folder: Path,
        options: IngestOptions | None = None,
        *,
        progress: Callable[[IngestProgress], None] | None = None,
        cancel: Cancel | None = None,
    ) -> IngestReport:
        """What became of every file of the folder; `progress` is called as the owner gets on.

        Ctrl-C here, or `cancel`, asks the owner to stop, too.
        """
        place = str(folder.expanduser().resolve())
        run = self._ask("POST", "/api/ingest", {"folder": place, **asdict(options or IngestOptions())})
        stopping = False
        try:
            for state in self._events(f"/api/ingest/{run['id']}/events"):
                if state["progress"] and progress is not None:
                    progress(self._restored(IngestProgress, state["progress"]))
                run = state
                if cancel and not stopping:
                    stopping = True
                    self._ask("DELETE", f"/api/ingest/{run['id']}")
        except KeyboardInterrupt:
            self._ask("DELETE", f"/api/ingest/{run['id']}")
            raise
        if run["report"] is None:
            raise OwnerError(run["error"] or f"The process that owns the index ({self.url}) ended the run early.")
        return self._restored(IngestReport, run["report"])

    def _client(self) -> httpx.Client:
        import httpx

        key = os.environ.get("SECONDLOOK_API_KEY")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        timeout = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
        return httpx.Client(base_url=self.url, headers=headers, timeout=timeout, trust_env=False)

    def _ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        import httpx

        try:
            with self._client() as client:
                answer = client.request(method, path, json=body)
                found: dict[str, Any] = answer.json()
        except (httpx.HTTPError, json.JSONDecodeError) as broken:
            raise OwnerError(self._silent(broken)) from broken
        if answer.is_error:
            raise OwnerError(str(found.get("detail", f"{self.url} answered {answer.status_code}.")))
        return found

    def _events(self, path: str) -> Iterator[dict[str, Any]]:
        import httpx

        try:
            with self._client() as client, client.stream("GET", path, timeout=None) as answer:
                for line in answer.iter_lines():
                    if line.startswith("data: "):
                        yield json.loads(line.removeprefix("data: "))
        except httpx.HTTPError as broken:
            raise OwnerError(self._silent(broken)) from broken

    def _restored(self, kind: type[T], plain: object) -> T:
        try:
            return restore(kind, plain)
        except ValueError as reason:
            raise OwnerError(
                f"The process that owns the index ({self.url}) answers in another shape ({reason}): start it "
                f"again, it may be of another version."
            ) from reason

    def _silent(self, broken: Exception) -> str:
        return (
            f"The index is in use by process {self._pid} and {self.url} does not answer "
            f"({type(broken).__name__}): wait for it, or stop that process."
        )


def owner(settings: Settings) -> RunningServer | None:
    """The process that has the index open and serves it, or None if nobody does.

    A process that holds the index without serving it (another ingest) is None here; opening the index then says who.
    """
    from indexer import lock

    found = lock.owner(settings.index)
    if found is None or found.url is None or found.pid == os.getpid():
        return None
    return RunningServer(found.url, found.pid)
