"""Zip packages that documents come in (Office, OpenDocument, EPUB), and XML that is read without trust in it."""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from typing import Any, Self

from indexer.errors import ReadError

MAX_UNPACKED = 512 * 1024 * 1024
"""Bytes that the members of a package may unpack to: a decompression bomb is refused before it is unpacked."""
_ENCRYPTED = 0x1
"""Bit of a zip member's flags, APPNOTE.TXT 4.4.4."""


class Package:
    """An open zip package; member names are as they stand in it.

    Args:
        raw: the file's content.
        what: what a person calls it, for messages: "Word document".
        most: bytes that all members together may unpack to.

    Raises:
        ReadError: it is no package, is encrypted, or unpacks to more than `most` bytes.
    """

    def __init__(self, raw: bytes, what: str, most: int = MAX_UNPACKED) -> None:
        self._what = what
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(raw))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as reason:
            raise self.broken() from reason
        members = self._zip.infolist()
        if sum(member.file_size for member in members) > most:
            raise ReadError(f"The {what} unpacks to an unreasonable size (a decompression bomb?).")
        if any(member.flag_bits & _ENCRYPTED for member in members):
            raise ReadError(f"The {what} is encrypted: save a copy without a password.")
        self.names = {member.filename: member for member in members}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def broken(self) -> ReadError:
        """The error to raise where the content makes no sense."""
        return ReadError(f"The {self._what} is broken and cannot be opened: save it again.")

    def read(self, name: str) -> bytes:
        """A member's bytes; never more than its entry says, so that a lying entry is no bomb either."""
        try:
            with self._zip.open(name) as member:
                return member.read(self.names[name].file_size)
        except (
            KeyError,
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            NotImplementedError,
            OSError,
            RuntimeError,
        ) as reason:
            raise self.broken() from reason

    def xml(self, name: str) -> Any:  # noqa: ANN401  lxml ships no types
        """The root element of an XML member."""
        root = parse(self.read(name))
        if root is None:
            raise self.broken()
        return root

    def related(self, name: str) -> dict[str, str]:
        """By id, the member names that an Office part points to."""
        folder, base = posixpath.split(name)
        relations = posixpath.join(folder, "_rels", f"{base}.rels")
        if relations not in self.names:
            return {}
        found = {}
        for one in self.xml(relations):
            target = one.get("Target") or ""
            if one.get("Id") and one.get("TargetMode") != "External":
                joined = target[1:] if target.startswith("/") else posixpath.join(folder, target)
                found[one.get("Id")] = posixpath.normpath(joined)
        return {key: target for key, target in found.items() if target in self.names}


def parse(raw: bytes) -> Any:  # noqa: ANN401  lxml ships no types
    """The root element of XML, mended where it is not well-formed, or None where nothing can be made of it.

    Entities are not expanded and nothing outside is fetched.
    """
    from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

    parser = etree.XMLParser(
        recover=True, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True, remove_comments=True
    )
    try:
        return etree.fromstring(raw, parser)
    except (etree.LxmlError, ValueError):
        return None


def local(element: Any) -> str:  # noqa: ANN401  lxml ships no types
    """An element's name without its namespace; empty for entities and instructions."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Any, name: str) -> str:  # noqa: ANN401  lxml ships no types
    """An attribute's value whatever its namespace (strict and transitional Office files differ), else empty."""
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == name:
            return str(value)
    return ""
