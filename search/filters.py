"""Filters between a person and the index: from what was typed, and back into words."""

from __future__ import annotations

from indexer.catalog.filters import Filters

NO_COLLECTION = " in none "
"""What is typed for the documents in no collection; no collection is called so: names have no blanks at an end."""


def typed(collection: str | None, path: str | None, kind: str | None, since: str | None, until: str | None) -> Filters:
    """The filters from fields as a person fills them in: a blank field asks for nothing.

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
