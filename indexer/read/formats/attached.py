"""Files attached to messages: read like any other file, into the text of the message."""

from __future__ import annotations

from pathlib import PurePosixPath

from indexer.errors import ReadError
from indexer.read.text import clean

NAMELESS = "without a name"


def attached(name: str, raw: bytes) -> tuple[str, tuple[str, ...]]:
    """Return an attachment's text below its name, empty where there is none, and what a person should know of it.

    An attachment that cannot be read costs only itself.
    """
    from indexer.read.by_name import read_bytes  # it knows every reader, those of messages too

    label = clean(name).strip() or NAMELESS
    try:
        text = read_bytes(raw, PurePosixPath(label).suffix.lower())
    except ReadError as reason:
        return "", (f"The attachment {label} was not read: {reason}",)
    except MemoryError:
        raise
    except Exception as reason:  # noqa: BLE001  whatever a parser does costs this attachment, not the message
        return "", (f"The attachment {label} was not read: its reader failed ({type(reason).__name__}).",)
    body = text.text.strip()
    notes = tuple(f"The attachment {label}: {note}" for note in text.notes)
    return (f"Attachment: {label}\n\n{body}" if body else ""), notes
