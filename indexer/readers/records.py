"""Files made of records: CSV, TSV, JSON and JSON Lines, each record as readable lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

from indexer.text import Text, decode

_DELIMITERS = ",;\t|"
_MAX_DEPTH = 60


def table(raw: bytes) -> Text:
    """Return one line per row, `column: value; column: value` where the first row names the columns.

    The delimiter is the one of comma, semicolon, tab and bar that divides the first lines most evenly.
    """
    source, note = decode(raw)
    notes = [note] if note else []
    try:
        rows = [
            row for row in csv.reader(io.StringIO(source), delimiter=_delimiter(source)) if any(map(str.strip, row))
        ]
    except csv.Error as reason:
        return Text(source, "", "csv", (*notes, f"Read as plain text, because it is not a regular table ({reason})."))
    if not rows:
        return Text("", "", "csv", tuple(notes))
    header = rows[0] if _is_header(rows) else None
    lines = [_row(row, header) for row in (rows[1:] if header else rows)]
    return Text("\n".join(line for line in lines if line), "", "csv", tuple(notes))


def _delimiter(source: str) -> str:
    lines = [line for line in source[:20_000].split("\n")[:20] if line.strip()]

    def evenness(mark: str) -> tuple[int, int]:
        counts = [line.count(mark) for line in lines]
        usual = max(set(counts), key=counts.count, default=0)
        return (sum(1 for count in counts if count == usual and count > 0), usual)

    return max(_DELIMITERS, key=evenness)


def _is_header(rows: list[list[str]]) -> bool:
    names = [name.strip() for name in rows[0]]
    return (
        len(rows) > 1
        and len(names) > 1
        and all(names)
        and len(set(names)) == len(names)
        and not any(name.replace(".", "", 1).replace("-", "", 1).isdigit() for name in names)
        and max(map(len, names)) <= 60  # noqa: PLR2004  longer than a column's name ever is
    )


def _row(row: list[str], header: list[str] | None) -> str:
    values = [" ".join(value.split()) for value in row]
    if header is None:
        return "; ".join(value for value in values if value)
    pairs = [f"{' '.join(name.split())}: {value}" for name, value in zip(header, values, strict=False) if value]
    return "; ".join(pairs + [value for value in values[len(header) :] if value])


def json_document(raw: bytes) -> Text:
    """Return each record as indented `key: value` lines, a blank line between records.

    What is not valid JSON comes back as the plain text it is, with a note.
    """
    source, note = decode(raw)
    notes = (note,) if note else ()
    try:
        value = json.loads(source)
    except (ValueError, RecursionError):
        try:
            values = [json.loads(line) for line in source.split("\n") if line.strip()]
        except (ValueError, RecursionError):
            return Text(source, "", "json", (*notes, "Read as plain text, because it is not valid JSON."))
        return Text(_records(values), "", "jsonl", notes)
    return Text(_records(value if isinstance(value, list) else [value]), "", "json", notes)


def json_lines(raw: bytes) -> Text:
    """Return each line's record as indented `key: value` lines; a broken line stays as it is, with a note."""
    source, note = decode(raw)
    notes = [note] if note else []
    values: list[object] = []
    broken = 0
    for line in source.split("\n"):
        if not line.strip():
            continue
        try:
            values.append(json.loads(line))
        except (ValueError, RecursionError):
            broken += 1
            values.append(line)
    if broken:
        notes.append(f"{broken} lines are not valid JSON and were kept as plain text.")
    return Text(_records(values), "", "jsonl", tuple(notes))


def _records(values: list[object]) -> str:
    from indexer.text import clean

    if not any(isinstance(value, dict | list) for value in values):
        return clean("\n".join(_scalar(value) for value in values))
    return clean("\n\n".join("\n".join(_lines(value, 0)) for value in values))


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
