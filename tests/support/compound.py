"""A writer of compound files (OLE), small enough to make an Outlook message for a test: [MS-CFB]."""

from __future__ import annotations

import struct
from collections.abc import Mapping

SECTOR = 512
FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
SMALLEST = 4096
"""Streams below this would go to the mini stream; they are padded with zeros instead."""


def compound(streams: Mapping[str, bytes | Mapping[str, bytes]]) -> bytes:
    """Return a compound file whose root holds these streams and folders of streams, some dozens of kilobytes in all."""
    count = 1 + sum(1 + len(content) if isinstance(content, Mapping) else 1 for content in streams.values())
    directory = -(-count // 4)
    table = [FAT, *_chain(1, directory)]
    body = b""
    entries = [_entry("Root Entry", 5, END, 0, child=1)]
    waiting: list[tuple[int, Mapping[str, bytes]]] = []

    def add(members: Mapping[str, bytes | Mapping[str, bytes]]) -> None:
        nonlocal body
        names = sorted(members, key=lambda name: (len(name), name.upper()))
        for name in names:
            content = members[name]
            right = FREE if name == names[-1] else len(entries) + 1
            if isinstance(content, Mapping):
                waiting.append((len(entries), content))
                entries.append(_entry(name, 1, 0, 0, right=right))
                continue
            padded = content.ljust(SMALLEST, b"\0")
            sectors = -(-len(padded) // SECTOR)
            entries.append(_entry(name, 2, len(table), len(padded), right=right))
            table.extend(_chain(len(table), sectors))
            body += padded.ljust(sectors * SECTOR, b"\0")

    add(streams)
    for place, members in waiting:
        entries[place] = entries[place][:76] + struct.pack("<I", len(entries)) + entries[place][80:]
        add(dict(members))
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    head += struct.pack("<HHHHH6xIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1)
    head += struct.pack("<IIIIII", 0, SMALLEST, END, 0, END, 0) + struct.pack("<I", 0) + b"\xff" * (108 * 4)
    listed = b"".join(entries).ljust(directory * SECTOR, b"\0")
    return head + struct.pack(f"<{len(table)}I", *table).ljust(SECTOR, b"\xff") + listed + body


def _chain(first: int, count: int) -> list[int]:
    return [*range(first + 1, first + count), END]


def _entry(name: str, kind: int, start: int, size: int, *, child: int = FREE, right: int = FREE) -> bytes:
    written = name.encode("utf-16-le") + b"\0\0"
    links = struct.pack("<III", FREE, right, child)
    return (
        written.ljust(64, b"\0")
        + struct.pack("<HBB", len(written), kind, 1)
        + links
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )
