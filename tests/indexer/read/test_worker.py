from __future__ import annotations

import gc
import io
import os
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.errors import ReadError
from indexer.ingest.scan import scan
from indexer.read.by_name import Loaded, load, read_bytes
from indexer.read.text import NotText
from indexer.read.worker import Worker, memory_limit

HOSTILE = {
    f".{name}": f"hostile_readers:{name}"
    for name in ("hang", "spin", "crash", "leave", "hog", "fail", "chatter", "who")
}
pytestmark = pytest.mark.process
HASTE = 1.5
"""Seconds that a file may take that never ends."""
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited on Linux only")


@pytest.fixture
def worker() -> Iterator[Worker]:
    with Worker(seconds=60, memory=256 * 2**20, readers=HOSTILE) as made:
        yield made


@pytest.fixture
def hasty() -> Iterator[Worker]:
    """A worker that `in_time` and `too_slowly` set the limit of."""
    with Worker(seconds=HASTE, readers=HOSTILE) as made:
        yield made


def in_time(worker: Worker, raw: bytes) -> str:
    """The text of a harmless file, which may take as long as a busy machine needs."""
    worker._seconds = 60.0
    return worker.read(raw, ".txt").text


def too_slowly(worker: Worker, raw: bytes, suffix: str) -> None:
    worker._seconds = HASTE
    with pytest.raises(ReadError, match=rf"more than {re.escape(f'{HASTE:g}')} s"):
        worker.read(raw, suffix)


def package(**members: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        for name, content in members.items():
            package.writestr(name.replace("__", "/").replace("_DOT_", "."), content)
    return made.getvalue()


def test_the_worker_answers_what_reading_here_would(worker: Worker) -> None:
    files = [
        (b"# A title\n\nbody", ".md"),
        ("東京 ".encode() * 50, ".txt"),
        (b"item,price\nlamp,12\nchair,40\n", ".csv"),
        (b"Die Stra\xdfe und das Caf\xe9 an der Ecke", ".txt"),
        (b"", ".txt"),
    ]
    for raw, suffix in files:
        assert worker.read(raw, suffix) == read_bytes(raw, suffix)


def test_refusals_come_through_with_their_kind_and_reason(worker: Worker) -> None:
    with pytest.raises(NotText, match="an image"):
        worker.read(b"\x89PNG\r\n\x1a\n" + bytes(100), ".png")
    with pytest.raises(ReadError, match="PDF is broken"):
        worker.read(b"%PDF-1.4 and no more", ".pdf")


def test_one_process_is_kept_and_torch_is_not_in_it(worker: Worker) -> None:
    first, torch = worker.read(b"x", ".who").text.split()
    assert worker.read(b"x", ".who").text.split()[0] == first != str(os.getpid())
    assert torch == "False"
    assert worker.starts == 1


def test_the_process_is_started_anew_after_a_number_of_files() -> None:
    with Worker(files=2) as worker:
        for _ in range(4):
            worker.read(b"text", ".txt")
        assert worker.starts == 2


@pytest.mark.parametrize("suffix", [".hang", ".spin"])
def test_a_hanging_reader_costs_its_file_only(hasty: Worker, suffix: str) -> None:
    assert in_time(hasty, b"before") == "before"
    too_slowly(hasty, b"x", suffix)
    assert in_time(hasty, b"after") == "after"


def test_a_crashing_reader_costs_its_file_only(worker: Worker) -> None:
    with pytest.raises(ReadError, match="crashed"):
        worker.read(b"x", ".crash")
    with pytest.raises(ReadError, match=r"crashed \(the process ended with 5\)"):
        worker.read(b"12345", ".leave")
    assert worker.read(b"after", ".txt").text == "after"


def test_whatever_a_reader_raises_is_a_reason(worker: Worker) -> None:
    with pytest.raises(ReadError, match=r"SystemExit: 3 bytes"):
        worker.read(b"abc", ".fail")
    assert worker.starts == 1


@LINUX
def test_a_reader_that_takes_all_memory_costs_its_file_only(worker: Worker) -> None:
    with pytest.raises(ReadError, match="more memory than one file may take"):
        worker.read(b"x", ".hog")
    assert worker.read(b"after", ".txt").text == "after"


def test_the_memory_limit_is_stated() -> None:
    assert ("1,024 MiB" if sys.platform.startswith("linux") else "no memory limit") in memory_limit()


def test_a_reader_that_prints_and_listens_disturbs_nothing(worker: Worker) -> None:
    assert worker.read(b"quiet", ".chatter").text == "quiet"


@LINUX
def test_the_process_ends_with_its_owner() -> None:
    worker = Worker(readers=HOSTILE)
    number = int(worker.read(b"x", ".who").text.split()[0])
    assert Path(f"/proc/{number}").exists()
    del worker
    gc.collect()
    assert not Path(f"/proc/{number}").exists()


def test_a_closed_worker_starts_again_when_asked() -> None:
    worker = Worker()
    worker.read(b"one", ".txt")
    worker.close()
    worker.close()
    assert worker.read(b"two", ".txt").text == "two"
    worker.close()


def bomb(name: str, content: bytes, declared: int) -> bytes:
    """A package whose directory says that its one member unpacks to `declared` bytes."""
    raw = bytearray(package(**{name: content}))
    at = raw.rindex(b"PK\x01\x02")
    raw[at + 24 : at + 28] = declared.to_bytes(4, "little")
    return bytes(raw)


@pytest.mark.parametrize(
    ("suffix", "member"),
    [
        (".docx", "word__document_DOT_xml"),
        (".xlsx", "xl__workbook_DOT_xml"),
        (".pptx", "ppt__presentation_DOT_xml"),
        (".odt", "content_DOT_xml"),
        (".epub", "META-INF__container_DOT_xml"),
    ],
)
def test_a_package_that_says_it_is_a_bomb_is_refused(worker: Worker, suffix: str, member: str) -> None:
    with pytest.raises(ReadError, match="bomb") as refused:
        worker.read(bomb(member, b"<x>", 600 * 2**20), suffix)
    assert not isinstance(refused.value, NotText)
    assert worker.starts == 1


def test_a_package_that_is_a_bomb_is_refused_before_it_is_unpacked(worker: Worker) -> None:
    with pytest.raises(ReadError, match="bomb"):
        worker.read(package(word__document_DOT_xml=bytes(600 * 2**20)), ".docx")
    assert worker.starts == 1


def test_a_bomb_that_lies_about_its_size_is_read_only_so_far(worker: Worker) -> None:
    with pytest.raises(ReadError, match="broken"):
        worker.read(bomb("word__document_DOT_xml", b"<x>" + b" " * (40 * 2**20), 100), ".docx")


def test_expanding_entities_are_not_expanded(worker: Worker) -> None:
    lines = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    raw = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "ha">{lines}]><x><y>start &e11; end</y></x>'.encode()
    assert len(worker.read(raw, ".xml").text) < 1000


def test_outside_entities_are_not_fetched(worker: Worker, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret", encoding="utf-8")
    raw = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]><x><y>a &e; b</y></x>'.encode()
    assert "secret" not in worker.read(raw, ".xml").text


def test_one_enormous_line_is_read(worker: Worker) -> None:
    assert len(worker.read(b"word " * 4_000_000, ".txt").text) == 20_000_000


def test_a_real_reader_on_its_slow_path_is_stopped(hasty: Worker) -> None:
    too_slowly(hasty, b"<div>" * 100_000 + b"x", ".html")  # nested that deep, the tree takes minutes
    assert in_time(hasty, b"after") == "after"


@pytest.mark.parametrize(
    ("raw", "suffix"),
    [(b"<a>" * 100_000 + b"x", ".xml"), (b"[" * 100_000, ".json"), (b"{\\rtf1 " + b"{" * 100_000, ".rtf")],
)
def test_deep_nesting_crashes_nothing(worker: Worker, raw: bytes, suffix: str) -> None:
    try:
        assert worker.read(raw, suffix).text
    except ReadError as reason:
        assert "too deeply" in str(reason)  # noqa: PT017  either end is right
    assert worker.starts == 1


@LINUX
def test_a_two_gigabyte_line_is_refused_without_being_read(tmp_path: Path) -> None:
    big = tmp_path / "line.txt"
    with big.open("wb") as file:
        file.truncate(2 * 2**30)
    with pytest.raises(ReadError, match="2,048 MiB, over the limit"):
        load(big)


def test_a_file_that_grows_while_it_is_read_is_left_for_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    growing = tmp_path / "log.txt"
    growing.write_bytes(b"x" * 8_000)
    looked = os.fstat

    def look_and_write(number: int) -> os.stat_result:
        found = looked(number)
        with growing.open("ab") as file:
            file.write(b"more ")
        return found

    with monkeypatch.context() as patched:
        patched.setattr("indexer.read.by_name.os.fstat", look_and_write)
        with pytest.raises(ReadError, match="written to while it was read"):
            load(growing)
    assert load(growing).raw == growing.read_bytes()


def test_a_file_that_changes_once_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "log.txt"
    file.write_text("one", encoding="utf-8")
    looked, writes = os.fstat, [", two"]

    def look_and_write(number: int) -> os.stat_result:
        found = looked(number)
        if writes:
            with file.open("a", encoding="utf-8") as stream:
                stream.write(writes.pop())
        return found

    with monkeypatch.context() as patched:
        patched.setattr("indexer.read.by_name.os.fstat", look_and_write)
        seen = load(file)
    assert seen == Loaded(b"one, two", 8, file.stat().st_mtime_ns)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the administrator may read everything")
def test_an_unreadable_file_says_so(tmp_path: Path) -> None:
    closed = tmp_path / "closed.txt"
    closed.write_text("text", encoding="utf-8")
    closed.chmod(0)
    with pytest.raises(ReadError, match="cannot be opened"):
        load(closed)


def test_a_folder_in_the_place_of_a_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="cannot be opened"):
        load(tmp_path)


@LINUX
@pytest.mark.parametrize("name", [b"two\nlines.md", b"not \xff utf-8.md", b"n" * 252 + b".md", b"*?[.md", b"- -.md"])
def test_odd_names_are_walked_and_read(worker: Worker, tmp_path: Path, name: bytes) -> None:
    path = os.path.join(os.fsencode(tmp_path), name)  # noqa: PTH118  a name that is not text
    with open(path, "wb") as file:  # noqa: PTH123  the same
        file.write(b"# Odd\n")
    (found,), skipped = scan(tmp_path)
    assert worker.read(load(found.path).raw, found.path.suffix.lower()).title == "Odd"
    assert not skipped
    found.file.encode()  # what is shown can be written anywhere


@LINUX
def test_links_that_go_in_circles_end(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "up").symlink_to(tmp_path)
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "outside").symlink_to("/etc/hostname")
    found, skipped = scan(tmp_path)
    assert not found
    assert sorted(one.file for one in skipped) == ["a", "b", "inner/up", "outside"]
    assert all(one.reason for one in skipped)
