"""Files attached to messages: read like any other file, into the text of the message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath

from indexer.errors import ReadError
from indexer.read.text import Text, clean

NAMELESS = "without a name"

ReadsBytes = Callable[[bytes, str], Text]
"""Content and lower-case ending to text: `indexer.read.by_name.read_bytes`, which knows every format and hands itself
to those that hold other files."""


class Attachments:
    """The attachments of one message: their texts, and what a person should know of them."""

    def __init__(self, read: ReadsBytes) -> None:
        self._read = read
        self.notes: list[str] = []

    def text(self, name: str, raw: bytes) -> str:
        """An attachment's text below its name, empty where there is none.

        An attachment that cannot be read costs only itself: `notes` says why.
        """
        label = clean(name).strip() or NAMELESS
        try:
            text = self._read(raw, PurePosixPath(label).suffix.lower())
        except ReadError as reason:
            self.notes.append(f"The attachment {label} was not read: {reason}")
            return ""
        except MemoryError:
            raise
        except Exception as reason:  # noqa: BLE001  whatever a parser does costs this attachment, not the message
            self.notes.append(f"The attachment {label} was not read: its reader failed ({type(reason).__name__}).")
            return ""
        self.notes += [f"The attachment {label}: {note}" for note in text.notes]
        body = text.text.strip()
        return f"Attachment: {label}\n\n{body}" if body else ""
