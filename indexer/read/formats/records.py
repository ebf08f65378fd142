"""Files made of records: CSV, TSV, JSON and JSON Lines, each record as readable lines."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator

from indexer.read.text import Text, clean, decode

_DELIMITERS = ",;\t|"
_MAX_DEPTH = 60
_MEMBER = re.compile(r"[^\s,\]]")


def table(raw: bytes) -> Text:
    """One line per row, `column: value; column: value` where the first row names the columns.

    The delimiter is the one of comma, semicolon, tab and bar that divides the first lines most evenly.
    """
    source, note = decode(raw)
    notes = [note] if note else []
    reader = csv.reader(io.StringIO(source, newline=""), delimiter=_delimiter(source))
    rows: list[list[str]] = []
    starts: list[int] = []
    line = 1
    try:
        for row in reader:
            if any(map(str.strip, row)):
                rows.append(row)
                starts.append(line)
            line = reader.line_num + 1
    except csv.Error as reason:
        return Text(source, "", "text", (*notes, f"Read as plain text, because it is not a regular table ({reason})."))
    header = rows[0] if is_header(rows) else None
    first = 1 if header else 0
    lines = zip((row_line(row, header) for row in rows[first:]), starts[first:], strict=True)
    text, places = join((one for one in lines if one[0]), "\n")
    return Text(text, "", "csv", tuple(notes), lines=places, flattened=True)


def join(records: Iterable[tuple[str, int]], between: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The records as one text, and where each stands: (offset, line of the file)."""
    parts: list[str] = []
    places: list[tuple[int, int]] = []
    length = 0
    for record, line in records:
        parts.append(record)
        places.append((length, line))
        length += len(record) + len(between)
    return between.join(parts), tuple(places)


def _delimiter(source: str) -> str:
    lines = [line for line in source[:20_000].split("\n")[:20] if line.strip()]

    def evenness(mark: str) -> tuple[int, int]:
        counts = [line.count(mark) for line in lines]
        usual = max(set(counts), key=counts.count, default=0)
        return (sum(1 for count in counts if count == usual and count > 0), usual)

    return max(_DELIMITERS, key=evenness)


def is_header(rows: list[list[str]]) -> bool:
    """Whether the first row names the columns: short, distinct, no numbers, and rows follow."""
    if not rows:
        return False
    names = [name.strip() for name in rows[0]]
    return (
        len(rows) > 1
        and len(names) > 1
        and all(names)
        and len(set(names)) == len(names)
        and not any(name.replace(".", "", 1).replace("-", "", 1).isdigit() for name in names)
        and max(map(len, names)) <= 60  # noqa: PLR2004  longer than a column's name ever is
    )


def row_line(row: list[str], header: list[str] | None) -> str:
    """A row as `column: value; column: value`, or its values where the columns have no names."""
    values = [" ".join(value.split()) for value in row]
    if header is None:
        return "; ".join(value for value in values if value)
    pairs = [f"{' '.join(name.split())}: {value}" for name, value in zip(header, values, strict=False) if value]
    return "; ".join(pairs + [value for value in values[len(header) :] if value])


def json_document(raw: bytes) -> Text:
    """Each record as indented `key: value` lines, a blank line between records.

    The records are the members of an outermost list. What is not valid
    JSON comes back as the plain text it is, with a note.
    """
    source, note = decode(raw)
    notes = (note,) if note else ()
    try:
        value = json.loads(source)
    except (ValueError, RecursionError):
        try:
            for line in source.split("\n"):
                if line.strip():
                    json.loads(line)
        except (ValueError, RecursionError):
            return Text(source, "", "text", (*notes, "Read as plain text, because it is not valid JSON."))
        return json_lines(raw)
    if not isinstance(value, list):
        return Text(_records([(value, 1)])[0], "", "json", notes, flattened=True)
    text, places = _records(_members(source))
    return Text(text, "", "json", notes, lines=places, flattened=True)


def json_lines(raw: bytes) -> Text:
    """Each line's record as indented `key: value` lines; a broken line stays as it is, with a note."""
    source, note = decode(raw)
    notes = [note] if note else []
    values: list[tuple[object, int]] = []
    broken = 0
    for number, line in enumerate(source.split("\n"), 1):
        if not line.strip():
            continue
        try:
            values.append((json.loads(line), number))
        except (ValueError, RecursionError):
            broken += 1
            values.append((line, number))
    if broken:
        notes.append(f"{broken} lines are not valid JSON and were kept as plain text.")
    text, places = _records(values)
    return Text(text, "", "jsonl", tuple(notes), lines=places, flattened=True)


def _members(source: str) -> Iterator[tuple[object, int]]:
    """Yield the members of the list that a valid JSON text is, each with its line."""
    decoder = json.JSONDecoder()
    at, seen, line = source.index("[") + 1, 0, 1
    while found := _MEMBER.search(source, at):
        line += source.count("\n", seen, found.start())
        seen = found.start()
        value, at = decoder.raw_decode(source, found.start())
        yield value, line


def _records(values: Iterable[tuple[object, int]]) -> tuple[str, tuple[tuple[int, int], ...]]:
    found = list(values)
    plain = not any(isinstance(value, dict | list) for value, _ in found)
    records = ((clean(_scalar(value) if plain else "\n".join(_lines(value, 0))), line) for value, line in found)
    return join(records, "\n" if plain else "\n\n")


def _lines(value: object, depth: int) -> Iterator[str]:
    indent = "  " * depth
    if depth > _MAX_DEPTH:
        yield indent + "..."
    elif isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, dict | list) and inner:
                yield f"{indent}{key}:"
                yield from _lines(inner, depth + 1)
            else:
                yield f"{indent}{key}: {_scalar(inner)}"
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, dict | list) and inner:
                first, *rest = _lines(inner, depth + 1)
                yield f"{indent}- {first.lstrip()}"
                yield from rest
            else:
                yield f"{indent}- {_scalar(inner)}"
    else:
        yield indent + _scalar(value)


def _scalar(value: object) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, dict | list):
        return ""
    return str(value)
