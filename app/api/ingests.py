"""Ingest runs that callers started: one at a time, each with its progress, its outcome and a way to stop it."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from app.api.answer import log_bug
from app.api.errors import OWN_ERRORS, Refusal
from indexer.report import IngestOptions, IngestProgress, IngestReport
from rerank.models.running import Cancel

Status = Literal["running", "done", "cancelled", "failed"]
KEPT = 20
"""Ended runs that can still be asked about."""


class SyncFolder(Protocol):
    """What brings a folder into an index: `SearchEngine.ingest`."""

    def __call__(
        self,
        folder: Path,
        options: IngestOptions,
        *,
        progress: Callable[[IngestProgress], None],
        cancel: Cancel,
    ) -> IngestReport:
        """What became of every file."""
        ...


@dataclass(frozen=True, slots=True)
class RunState:
    """How far a run is, as plain JSON types."""

    id: str
    folder: str
    status: Status
    version: int
    """Grows with every change."""
    started: float
    """Seconds since the epoch."""
    progress: dict[str, Any] | None = None
    report: dict[str, Any] | None = None
    error: str | None = None


class IngestRun:
    """One ingest in a thread of its own."""

    def __init__(self, folder: Path, sync: SyncFolder, options: IngestOptions) -> None:
        self.id = uuid.uuid4().hex
        self._folder = folder
        self._sync = sync
        self._options = options
        self._cancel = Cancel()
        self._guard = threading.Lock()
        self._state = RunState(self.id, str(folder), "running", 0, time.time())
        self._thread = threading.Thread(target=self._work, name=f"secondlook-ingest-{self.id[:8]}", daemon=True)
        self._thread.start()

    @property
    def state(self) -> RunState:
        """How far it is."""
        with self._guard:
            return self._state

    def cancel(self) -> None:
        """Ask it to stop after the files at hand."""
        self._cancel.request()

    def join(self) -> None:
        """Wait until it has ended."""
        self._thread.join()

    def _work(self) -> None:
        try:
            report = self._sync(self._folder, self._options, progress=self._advance, cancel=self._cancel)
        except OWN_ERRORS as error:
            self._change("failed", error=str(error))
        except Exception as error:  # noqa: BLE001 - the thread's boundary: whoever follows the run must see its end
            log_bug(f"ingest {self.id}", error)
            said = f"The ingest failed ({type(error).__name__}): the server's log has the reason."
            self._change("failed", error=said)
        else:
            plain = {**asdict(report), "counts": dict(report.counts)}
            self._change("cancelled" if report.cancelled else "done", report=plain)

    def _advance(self, progress: IngestProgress) -> None:
        self._change("running", progress=asdict(progress))

    def _change(
        self,
        status: Status,
        *,
        progress: dict[str, Any] | None = None,
        report: dict[str, Any] | None = None,
        error: str | None = None,
    ) -> None:
        with self._guard:
            before = self._state
            self._state = RunState(
                before.id,
                before.folder,
                status,
                before.version + 1,
                before.started,
                progress or before.progress,
                report,
                error,
            )


class Ingests:
    """The runs of one server."""

    def __init__(self, sync: SyncFolder, roots: tuple[Path, ...]) -> None:
        self._sync = sync
        self._roots = tuple(root.expanduser().resolve() for root in roots)
        self._runs: dict[str, IngestRun] = {}
        self._guard = threading.Lock()

    def start(self, folder: str, options: IngestOptions) -> IngestRun:
        """A new run over the folder.

        Raises:
            Refusal: 400 for a folder that is none or lies outside the roots, 409 while another run is on.
        """
        place = self._place(folder)
        with self._guard:
            current = next((run for run in self._runs.values() if run.state.status == "running"), None)
            if current is not None:
                raise Refusal(409, f"Ingest {current.id} is running: wait for it, or cancel it first.")
            run = IngestRun(place, self._sync, options)
            self._runs[run.id] = run
            for old in list(self._runs)[:-KEPT]:
                del self._runs[old]
        return run

    def get(self, identity: str) -> IngestRun:
        """The run of that id.

        Raises:
            Refusal: 404 if there is none.
        """
        with self._guard:
            run = self._runs.get(identity)
        if run is None:
            raise Refusal(404, "There is no ingest of that id: the last 20 are kept.")
        return run

    def close(self) -> None:
        """Cancel what runs and return once it has ended."""
        with self._guard:
            runs = tuple(self._runs.values())
        for run in runs:
            run.cancel()
        for run in runs:
            run.join()

    def _place(self, folder: str) -> Path:
        if "\x00" in folder:
            raise Refusal(400, "The folder's name holds a NUL character: check it.", param="folder")
        place = Path(folder)
        try:
            found = place.is_absolute() and place.is_dir()
        except OSError:
            found = False
        if not found:
            raise Refusal(
                400, "The folder is not there: send the absolute path of a folder on the server.", param="folder"
            )
        resolved = place.resolve()
        if self._roots and not any(resolved.is_relative_to(root) for root in self._roots):
            raise Refusal(400, "The folder lies outside of what this server may index.", param="folder")
        return place
