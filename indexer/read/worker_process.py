"""What runs in the process that reads files: a loop from bytes to text, under a memory limit."""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import IO

from indexer.errors import ReadError
from indexer.read.by_name import FormatReader, read_bytes
from indexer.read.text import NotText
from indexer.read.worker import LONGEST, OUT_OF_MEMORY, receive, send

_LATER = 10.0
"""Seconds after the time is up when the process ends itself: it must not outlive a parent that was killed."""


def serve() -> None:
    """Answer files until the other side closes; parsers that print do it to nowhere."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    source, answers = _pipes()
    settings = json.loads(receive(source)[0])
    readers = {suffix: _function(name) for suffix, name in settings["readers"].items()}
    limit_memory(settings["memory"])
    send(answers, b"ready")
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123  faulthandler wants a file
        while True:
            try:
                suffix, raw = receive(source)
            except EOFError:
                return
            faulthandler.dump_traceback_later(settings["seconds"] + _LATER, exit=True, file=nowhere)
            about, text = _answer(raw, suffix.decode(), readers)
            faulthandler.cancel_dump_traceback_later()
            del raw
            try:
                send(answers, about, text)
            except OSError:
                return


def limit_memory(memory: int) -> bool:
    """Limit what this process may allocate on top of what it has now; returns whether the platform does that."""
    if not memory or not sys.platform.startswith("linux"):
        return False
    import resource

    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123  a file of the kernel
        pages = int(file.read().split()[5])  # data and stack
    most = pages * resource.getpagesize() + memory
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    return True


def _answer(raw: bytes, suffix: str, readers: Mapping[str, FormatReader]) -> tuple[bytes, bytes]:
    """What became of the file, as JSON, and its text where there is one."""
    try:
        reader = readers.get(suffix)
        text = reader(raw) if reader else read_bytes(raw, suffix)
        content = text.text.encode("utf-8", "replace")
        if len(content) <= LONGEST:
            return json.dumps(asdict(replace(text, text=""))).encode(), content
        found = {"error": "read", "reason": f"It holds more than {LONGEST // 2**20} MiB of text."}
    except NotText as reason:
        found = {"error": "not text", "reason": str(reason)}
    except ReadError as reason:
        found = {"error": "read", "reason": str(reason)}
    except MemoryError:
        found = {"error": "memory", "again": "a process that has little memory left is not kept"}
    except BaseException as reason:  # noqa: BLE001  the per-file sandbox: whatever a parser does costs this file only
        cause = " ".join(str(reason).split())[:200] or "no message"
        found = {"error": "read", "reason": f"Its reader failed ({type(reason).__name__}: {cause})."}
    try:
        return json.dumps(found).encode(), b""
    except MemoryError:
        os._exit(OUT_OF_MEMORY)


def _function(name: str) -> FormatReader:
    module, _, function = name.partition(":")
    found: FormatReader = getattr(importlib.import_module(module), function)
    return found


def _pipes() -> tuple[IO[bytes], IO[bytes]]:
    """The two pipes, out of a parser's reach: standard input and output lead nowhere from here on."""
    source = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    if sys.platform == "win32":
        import msvcrt

        for pipe in (source, answers):
            msvcrt.setmode(pipe.fileno(), os.O_BINARY)
    return source, answers
