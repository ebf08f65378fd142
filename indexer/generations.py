"""The generations of an index folder: one that answers, and while a rebuild runs, the next one beside it.

index folder
 ├── current          the number of the generation that answers
 ├── owner.lock       held by the process that has the index open (see `lock`)
 └── generation-1     catalog.sqlite, vectors/
"""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from indexer.catalog.catalog import Catalog
from indexer.errors import FingerprintMismatch, StoreError
from indexer.generation import Generation
from indexer.vectors.contract import VectorStore

CURRENT = "current"
FIRST = 1
REBUILD = "`secondlook ingest FOLDER --rebuild`"


class Generations:
    """The open generations of one index folder.

    Args:
        path: the index folder, locked by the caller.
        wanted: the fingerprint that is asked for.
        connect: opens the vectors of the generation of that number in that folder.
        shared: whether the vectors live outside the generation's folder, on a server.
    """

    def __init__(
        self, path: Path, wanted: dict[str, str], connect: Callable[[int, Path], VectorStore], *, shared: bool
    ) -> None:
        self._path = path
        self._wanted = wanted
        self._connect = connect
        self._shared = shared
        self._state = threading.Lock()
        self._number = 0
        self._current: Generation | None = None
        self._why_not: StoreError | FingerprintMismatch = StoreError("")
        self._readers: Counter[int] = Counter()
        self._retired: dict[int, Generation] = {}

    def open(self, *, tolerate_mismatch: bool) -> None:
        """Open the current generation, or make the first one.

        Raises:
            FingerprintMismatch: it was built with other settings; where that is tolerated, `reading` says so instead.
            StoreError: it is damaged or cannot be opened.
        """
        try:
            self._number = int((self._path / CURRENT).read_text(encoding="utf-8"))
        except FileNotFoundError:
            self.switch(FIRST, self.begin(FIRST))
            return
        except (OSError, ValueError) as reason:
            raise StoreError(
                f"The index {self._path} is damaged ({reason}): remove that folder, ingest again."
            ) from reason
        folder = self._folder(self._number)
        if not folder.is_dir():
            raise StoreError(
                f"The index {self._path} is damaged: {folder.name} is gone; remove the rest, ingest again."
            )
        catalog = Catalog.in_folder(folder)
        stored = catalog.get("fingerprint", {})
        if stored == self._wanted:
            self._current = Generation(folder, catalog, self._connect(self._number, folder))
            return
        catalog.close()
        self._why_not = FingerprintMismatch(_differences(self._path, stored, self._wanted))
        if not tolerate_mismatch:
            raise self._why_not

    @property
    def matches(self) -> bool:
        """Whether there is a generation that answers with the settings asked for."""
        return self._current is not None

    @property
    def next(self) -> int:
        """The number of the generation that a rebuild makes."""
        return self._number + 1

    def roots(self) -> dict[Path, str]:
        """The folders that were ingested into the current generation, and the collection of each.

        They are found whatever it was built with; one whose tables are of an earlier format had no collections.
        """
        if not self._number:
            return {}
        catalog = Catalog.in_folder(self._folder(self._number))
        try:
            same = catalog.get("fingerprint", {}).get("format") == self._wanted["format"]
            collections = catalog.collections() if same else {}
            return {Path(root): collections.get(root, "") for root in catalog.roots()}
        finally:
            catalog.close()

    def begin(self, number: int) -> Generation:
        """Open a generation beside the current one: what an interrupted rebuild with the same settings left, or new."""
        folder = self._folder(number)
        if folder.exists():
            catalog = Catalog.in_folder(folder)
            left = catalog.get("fingerprint")
            catalog.close()
            if left != self._wanted:
                shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        generation = Generation(folder, Catalog.in_folder(folder), self._connect(number, folder))
        generation.catalog.put(fingerprint=self._wanted)
        return generation

    def switch(self, number: int, generation: Generation) -> None:
        """Let another generation answer from now on; the old one goes when its last reader is done."""
        part = self._path / f"{CURRENT}.part"
        part.write_text(str(number), encoding="utf-8")
        with self._state:
            part.replace(self._path / CURRENT)
            old, old_number = self._current, self._number
            self._current, self._number = generation, number
            if old is not None:
                self._retired[old_number] = old
        if old is not None:
            self._discard(old_number)
        elif old_number:
            shutil.rmtree(self._folder(old_number), ignore_errors=True)

    @contextmanager
    def reading(self) -> Iterator[Generation]:
        """The generation that answers, kept open until the reader is done with it.

        Raises:
            FingerprintMismatch: there is none with the settings asked for.
            StoreError: the index is closed.
        """
        with self._state:
            if self._current is None:
                raise self._why_not
            now, number = self._current, self._number
            self._readers[number] += 1
        try:
            yield now
        finally:
            with self._state:
                self._readers[number] -= 1
            self._discard(number)

    def close(self) -> None:
        """Close everything; readers that come later are refused."""
        with self._state:
            for generation in [*self._retired.values(), *([self._current] if self._current else [])]:
                generation.close()
            self._retired.clear()
            self._current, self._why_not = None, StoreError(f"The index {self._path} is closed: open it again.")

    def _discard(self, number: int) -> None:
        """Delete a replaced generation that nobody reads any more."""
        with self._state:
            old = None if self._readers[number] else self._retired.pop(number, None)
        if old is not None:
            if self._shared:
                old.store.delete(list(old.store.ids()))
            old.close()
            shutil.rmtree(old.folder, ignore_errors=True)

    def _folder(self, number: int) -> Path:
        return self._path / f"generation-{number}"


def _differences(path: Path, stored: dict[str, str], wanted: dict[str, str]) -> str:
    keys = [key for key in {**stored, **wanted} if stored.get(key) != wanted.get(key)]
    was = ", ".join(f"{key} {stored.get(key, 'unknown')}" for key in keys)
    now = ", ".join(f"{key} {wanted.get(key, 'unknown')}" for key in keys)
    return f"The index {path} was built with {was}, but asked for is {now}: use those, or rebuild it with {REBUILD}."
