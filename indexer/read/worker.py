"""Files read in a process of their own: what a parser does there, it does to one file.

The process is kept from file to file and started anew after a crash, a file that took too long or too much memory,
and after a number of files. It gets a file's bytes and answers its text; torch is never imported there.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import platform
import struct
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self

from indexer.errors import ReadError
from indexer.read.text import NotText, Text

SECONDS = 60.0
"""Time for one file."""
MEMORY = 1024 * 1024 * 1024
"""Bytes of memory for one file, beside what the interpreter itself takes; enforced on Linux."""
FILES = 500
"""Files after which the process is started anew, so that what parsers leak does not add up."""
LONGEST = 128 * 1024 * 1024
"""Bytes of text that a file may hold, in UTF-8."""

LENGTHS = struct.Struct("<QQ")
_LOOK = 0.1
"""Seconds between two looks at the clock."""
OUT_OF_MEMORY = 77
"""Exit status of a process that ran out of memory and could not say so."""
_TOO_MUCH_MEMORY = "Reading it took more memory than one file may take (a decompression bomb?)."
_START = "from indexer.read.worker_process import serve; serve()"


class Worker:
    """Reads one file at a time in another process, which is started with the first; `close` ends it.

    Args:
        seconds: time for one file, the start of the process not counted.
        memory: bytes for one file; 0 for no limit. See `memory_limit`.
        files: files after which the process is started anew.
        readers: further readers, by lower-case ending with the dot, as `module:function` from bytes to `Text`.
    """

    def __init__(
        self,
        *,
        seconds: float = SECONDS,
        memory: int = MEMORY,
        files: int = FILES,
        readers: Mapping[str, str] | None = None,
    ) -> None:
        self._seconds = seconds
        self._files = files
        self._settings = {"memory": memory, "seconds": seconds, "readers": dict(readers or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._watch = _Watch()
        self._end: Callable[[], object] | None = None
        self._read = 0
        self._turn = threading.Lock()
        self.starts = 0
        """How often a process was started."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process; the next `read` would start another. Closing twice is fine."""
        with self._turn:
            self._stop()

    def read(self, raw: bytes, suffix: str) -> Text:
        """The text of a file's content; `suffix` is its lower-case ending with the dot.

        Raises:
            NotText: the content is no document (a `ReadError`).
            ReadError: the content is encrypted or broken, or reading it crashed, hung or took too much memory.
        """
        with self._turn:
            process = self._started()
            watch = self._watch
            watch.deadline = time.monotonic() + self._seconds
            try:
                answer = self._ask(process, raw, suffix)
            except (OSError, EOFError):
                answer = None
            except BaseException:
                self._stop()
                raise
            finally:
                watch.deadline = math.inf
            self._read += 1
            if answer is None:
                raise self._ended(process, late=watch.late)
            if watch.late or answer.get("again") or self._read >= self._files:
                self._stop()
        return _text(answer)

    def _ask(self, process: subprocess.Popen[bytes], raw: bytes, suffix: str) -> dict[str, Any]:
        send(process.stdin, suffix.encode("utf-8", "replace"), raw)
        about, text = receive(process.stdout)
        found: dict[str, Any] = json.loads(about)
        found["text"] = text.decode()
        return found

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._stop()
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(path or str(Path.cwd()) for path in sys.path))
        process = subprocess.Popen(  # noqa: S603  our own interpreter and our own code
            [sys.executable, "-P", "-c", _START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        self._process, self._read = process, 0
        self._watch = _Watch()
        self._end = weakref.finalize(self, _kill, process, self._watch)
        threading.Thread(target=self._watch.over, args=(process,), name="reading-time", daemon=True).start()
        self.starts += 1
        try:
            send(process.stdin, json.dumps(self._settings).encode())
            receive(process.stdout)
        except (OSError, EOFError) as reason:
            code = process.wait()
            self._stop()
            raise ReadError(f"The process that reads files cannot be started (it ended with {code}).") from reason
        return process

    def _stop(self) -> None:
        if self._end is not None:
            self._process = None
            self._end()
            self._end = None

    def _ended(self, process: subprocess.Popen[bytes], *, late: bool) -> ReadError:
        code = process.wait()
        self._stop()
        if late:
            return ReadError(f"Reading it took more than {self._seconds:g} s and was stopped.")
        if code == OUT_OF_MEMORY:
            return ReadError(_TOO_MUCH_MEMORY)
        return ReadError(f"Its reader crashed (the process ended with {code}).")


def memory_limit(memory: int = MEMORY) -> str:
    """How memory is limited on this platform, as one sentence."""
    if platform.system() == "Linux":
        return f"Reading a file may take {memory / 2**20:,.0f} MiB of memory."
    return f"Reading a file has no memory limit on {platform.system()}; time and size are limited."


def send(pipe: IO[bytes] | None, about: bytes, content: bytes = b"") -> None:
    """Write a message: two lengths, then both parts."""
    assert pipe is not None  # noqa: S101  opened as a pipe
    pipe.write(LENGTHS.pack(len(about), len(content)) + about)
    pipe.write(content)
    pipe.flush()


def receive(pipe: IO[bytes] | None) -> tuple[bytes, bytes]:
    """The next message.

    Raises:
        EOFError: the other side ended, or a part has more than `LONGEST` bytes.
    """
    assert pipe is not None  # noqa: S101  opened as a pipe
    lengths = LENGTHS.unpack(_exactly(pipe, LENGTHS.size))
    if max(lengths) > LONGEST:
        raise EOFError
    return _exactly(pipe, lengths[0]), _exactly(pipe, lengths[1])


def _exactly(pipe: IO[bytes], length: int) -> bytes:
    content = pipe.read(length)
    if len(content) < length:
        raise EOFError
    return content


def _text(answer: dict[str, Any]) -> Text:
    if "error" in answer:
        if answer["error"] == "memory":
            raise ReadError(_TOO_MUCH_MEMORY)
        raise (NotText if answer["error"] == "not text" else ReadError)(answer["reason"])
    return Text(
        text=answer["text"],
        title=answer["title"],
        kind=answer["kind"],
        notes=tuple(answer["notes"]),
        pages=tuple(answer["pages"]),
        lines=tuple((offset, line) for offset, line in answer["lines"]),
        flattened=answer["flattened"],
    )


@dataclass(slots=True)
class _Watch:
    """Ends a process that is over its time: one thread as long as the process lives."""

    deadline: float = math.inf
    late: bool = False
    ended: threading.Event = field(default_factory=threading.Event)

    def over(self, process: subprocess.Popen[bytes]) -> None:
        """Look at the clock until the process has ended."""
        while not self.ended.wait(_LOOK):
            if time.monotonic() > self.deadline:
                self.late = True
                process.kill()
                return


def _kill(process: subprocess.Popen[bytes], watch: _Watch) -> None:
    watch.ended.set()
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):  # the rest of a message to a process that is gone
                pipe.close()
    process.wait()
