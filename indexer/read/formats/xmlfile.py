"""XML of any kind, as readable lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from indexer.read.formats.package import local, parse
from indexer.read.text import Text, clean, decode

_NAMED = 80
"""Characters: a longer text speaks for itself, a shorter one needs its element's name."""
_FIRST = 50
"""Elements among which a title is looked for."""
_TOLD = re.compile(rb">\s*[^<\s]")
_UNTOLD = frozenset({"id", "xmlns", "space", "lang", "style", "class", "schemaLocation"})


def xml(raw: bytes) -> Text:
    """One line per element that holds text or attributes: `name: text`, running text without the name.

    What cannot be parsed at all comes back as the plain text it is, with a note.
    """
    decode(raw[:65_536])  # refuses binary files that merely carry the ending
    root = parse(raw)
    if root is None:
        return _plain(raw)
    lines: list[str] = []
    places: list[tuple[int, int]] = []
    length = 0
    for place, line in _lines(root):
        lines.append(clean(line).replace("\n", " "))
        places.append((length, place))
        length += len(lines[-1]) + 1
    if not lines and _TOLD.search(raw):
        return _plain(raw)
    return Text("\n".join(lines), _title(root), "xml", lines=tuple(places), flattened=True)


def _plain(raw: bytes) -> Text:
    source, note = decode(raw)
    notes = [note] if note else []
    return Text(source, "", "text", (*notes, "Read as plain text, because it is not valid XML."))


def _title(root: Any) -> str:  # noqa: ANN401  lxml ships no types
    for element in (one for outer in (root, *root[:_FIRST]) for one in outer[:_FIRST]):
        if local(element) == "title":
            return clean(" ".join("".join(element.itertext()).split()))
    return ""


def _lines(root: Any) -> Iterator[tuple[int, str]]:  # noqa: ANN401  lxml ships no types
    """Yield (line of the file, text), depth first without recursion: XML may be nested thousands deep."""
    waiting = [root]
    while waiting:
        element = waiting.pop()
        name = local(element)
        if not name:
            continue
        place = element.sourceline or 1
        told = "; ".join(f"{key.rpartition('}')[2]}={value}" for key, value in element.attrib.items() if _tells(key))
        children = list(element)
        mixed = any((child.tail or "").strip() for child in children)
        if mixed or not children:
            text = " ".join("".join(element.itertext()).split())
            if text:
                lead = f"{name} ({told})" if told else name
                yield place, f"{lead}: {text}" if told or len(text) <= _NAMED else text
            elif told:
                yield place, f"{name}: {told}"
            if mixed:
                continue
        else:
            lead = " ".join((element.text or "").split())
            if told or lead:
                yield place, f"{name}: {'; '.join(part for part in (told, lead) if part)}"
        waiting.extend(reversed(children))


def _tells(key: str) -> bool:
    return key.rpartition("}")[2] not in _UNTOLD
