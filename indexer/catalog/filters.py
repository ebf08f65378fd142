"""Which documents a search may look into: by collection, path, type and date."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

_DAY = 10
"""Characters of a date without a time: 2026-01-31."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What a document must have to be searched; None asks for nothing."""

    collection: str | None = None
    """Name of the collection that the document's folder belongs to; empty for those in none."""
    path: str | None = None
    """Glob in the syntax of .gitignore, against the path within the folder: `*.pdf`, `notes/`, `notes/**/*.md`."""
    kind: str | None = None
    """What the document was read as (`markdown`, `pdf`), or the ending of its name (`md`, `.md`)."""
    since: str | None = None
    """Earliest time of last change: an ISO 8601 date or time, local where it states no zone."""
    until: str | None = None
    """Latest time of last change; a date includes its whole day."""

    @property
    def empty(self) -> bool:
        """Whether nothing is asked for."""
        return (self.collection, self.path, self.kind, self.since, self.until) == (None,) * 5

    def check(self) -> None:
        """Check that all values can be understood.

        Raises:
            ValueError: one cannot; the message is a sentence that names it.
        """
        for name in ("since", "until"):
            _nanoseconds(name, getattr(self, name))
        if self.path is not None:
            _pattern(self.path)

    def query(self) -> Any:  # noqa: ANN401  a Select
        """The query for (name, label of its folder) of what all filters but the path leave in, by name."""
        from sqlalchemy import func, or_, select

        from indexer.catalog import (
            tables,  # with the database, costs a command its half second only where there are filters
        )

        d, r = tables.documents.c, tables.roots.c
        found = select(d.name, r.label).join(tables.roots, r.id == d.root_id).order_by(d.name)
        if self.collection is not None:
            found = found.where(r.collection == self.collection)
        if self.kind is not None:
            kind = self.kind.lower().removeprefix(".")
            found = found.where(or_(d.kind == kind, func.lower(d.name).endswith(f".{kind}", autoescape=True)))
        since, until = _nanoseconds("since", self.since), _nanoseconds("until", self.until)
        if since is not None:
            found = found.where(d.mtime_ns >= since)
        if until is not None:
            found = found.where(d.mtime_ns < until)
        return found

    def takes(self, name: str, label: str) -> bool:
        """Whether the path filter leaves a document in; the folder's label is not part of its path."""
        if self.path is None:
            return True
        file = name.removeprefix(f"{label}:") if label else name
        return _pattern(self.path).match(file) is not None


@lru_cache(maxsize=64)
def _pattern(glob: str) -> re.Pattern[str]:
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    try:
        found = GitIgnoreSpecPattern(glob)
    except ValueError as reason:
        raise ValueError(f"The path filter {glob!r} cannot be read ({reason}).") from reason
    if found.regex is None or not found.include:
        raise ValueError(f"The path filter {glob!r} names no file: write a glob such as *.pdf or notes/**.")
    made: re.Pattern[str] = found.regex
    return made


def _nanoseconds(name: str, stated: str | None) -> int | None:
    """Nanoseconds since the epoch: for `until` the first one that is too late."""
    if stated is None:
        return None
    late = name == "until"
    try:
        if len(stated) == _DAY:
            day = date.fromisoformat(stated) + timedelta(days=late)
            moment = datetime(day.year, day.month, day.day).astimezone()
        else:
            moment = datetime.fromisoformat(stated).astimezone()
        return int(moment.timestamp()) * 10**9 + moment.microsecond * 1000 + (late and len(stated) > _DAY)
    except (ValueError, OverflowError, OSError) as reason:
        raise ValueError(f"{name} is an ISO 8601 date or time such as 2026-01-31, not {stated!r}.") from reason
