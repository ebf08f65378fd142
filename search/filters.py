"""Filters between a person and the index: from what was typed, and back into words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from indexer.catalog.filters import Filters
from search.settings import Option

NO_COLLECTION = " in none "
"""What is typed for the documents in no collection; no collection is called so: names have no blanks at an end."""
FILTER_OPTIONS: Mapping[str, Option] = MappingProxyType(
    {
        "collection": Option(label="Collection", help='Only folders in this collection ("": in none).'),
        "path": Option(
            label="Path", help="Only paths like this glob: *.pdf, notes/, notes/**/*.md.", example="*.pdf or notes/"
        ),
        "kind": Option(label="Type", help="Only this type: pdf, markdown, md, ..."),
        "since": Option(
            label="Changed since", help="Only files changed at this date or later: 2026-01-31.", example="2026-01-31"
        ),
        "until": Option(
            label="Changed until", help="Only files changed at this date or earlier.", example="2026-12-31"
        ),
    }
)
"""What every surface says about each field of `Filters`, in the order in which they are shown."""


def typed(collection: str | None, path: str | None, kind: str | None, since: str | None, until: str | None) -> Filters:
    """The filters of fields as a person fills them in: a blank field asks for nothing.

    `NO_COLLECTION` asks for the documents that are in no collection.
    """
    alone = collection == NO_COLLECTION
    collection, path, kind, since, until = (
        (value or "").strip() or None for value in (collection, path, kind, since, until)
    )
    return Filters("" if alone else collection, path, kind, since, until)


def in_words(filters: Filters | None) -> tuple[str, ...]:
    """What each filter asks for in a few words, for a line beside the query; empty without filters."""
    if filters is None:
        return ()
    said = (
        ("in no collection" if filters.collection == "" else "in collection {}", filters.collection),
        ("path {}", filters.path),
        ("type {}", filters.kind),
        ("changed since {}", filters.since),
        ("changed until {}", filters.until),
    )
    return tuple(words.format(value) for words, value in said if value is not None)
