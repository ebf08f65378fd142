"""Values that came as plain JSON types, made themselves again: the way back from `dataclasses.asdict`."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")


def restore(kind: type[T], plain: object) -> T:
    """The dataclass value that `dataclasses.asdict` and JSON made these plain types of.

    Keys that it has no field for are left out. Strings may hold lone surrogates, as file names and texts do.

    Raises:
        ValueError: the shape is another one: a field without a default is missing, or no object, list or None is where
            one has to be.
    """
    if not isinstance(plain, Mapping):
        raise ValueError(f"{kind.__name__} is an object, not {type(plain).__name__}")  # noqa: TRY004 - one error a shape
    hints, required = _shape(cast("Hashable", kind))
    missing = required - plain.keys()
    if missing:
        raise ValueError(f"{kind.__name__} has no {', '.join(sorted(missing))}")
    return kind(**{name: _value(hint, plain[name]) for name, hint in hints.items() if name in plain})


def _value(hint: Any, plain: Any) -> Any:  # noqa: ANN401 - any type, and any of JSON's six
    origin, parts = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        (other,) = (one for one in parts if one is not NoneType)
        return None if plain is None else _value(other, plain)
    if is_dataclass(hint) and isinstance(hint, type):
        return restore(hint, plain)
    if origin is tuple:
        if not isinstance(plain, (list, tuple)):
            raise ValueError(f"a list has to be where {plain!r:.40} is")
        if parts[-1] is Ellipsis:
            return tuple(_value(parts[0], one) for one in plain)
        return tuple(_value(part, one) for part, one in zip(parts, plain, strict=True))
    return plain


@cache
def _shape(kind: Any) -> tuple[dict[str, Any], frozenset[str]]:  # noqa: ANN401 - a dataclass
    """Each field's type, and the fields that have no default."""
    required = (one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING)
    hints = get_type_hints(kind)
    return {one.name: hints[one.name] for one in fields(kind)}, frozenset(required)
