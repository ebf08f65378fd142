"""The settings of a search as fields of a body: types, defaults, ranges and words as they were declared."""

from __future__ import annotations

from collections.abc import Callable
from types import NoneType
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, Field, create_model

from app.api.wire.base import whole
from search.settings import SettingField, setting_fields

LONGEST = 512
"""Characters of a setting that is a text."""

T = TypeVar("T", bound=BaseModel)


def with_settings(**bodies: type[BaseModel]) -> Callable[[type[T]], type[T]]:
    """A decorator that adds every field of `SearchSettings` to a body, behind those that it states itself.

    Args:
        bodies: the body of each setting that is itself an object, by name.
    """

    def decorate(body: type[T]) -> type[T]:
        stated: dict[str, Any] = {
            name: (_type(one, bodies.get(name)), Field(default=one.default, description=one.option.help))
            for name, one in setting_fields().items()
        }
        return create_model(body.__name__, __base__=body, __doc__=body.__doc__, __module__=body.__module__, **stated)

    return decorate


def _type(one: SettingField, body: type[BaseModel] | None) -> Any:  # noqa: ANN401 - a type or union
    """The type of a field: a number with its range, a text with its longest length, a choice, or the body."""
    parts = get_args(one.kind)
    may_be_none = NoneType in parts
    kind: Any = next(part for part in parts if part is not NoneType) if may_be_none else one.kind
    if body is not None:
        kind = body
    elif kind is str:
        kind = Annotated[str, Field(max_length=LONGEST)]
    elif kind is int:
        kind = Annotated[int, Field(ge=one.option.low, le=one.option.high), BeforeValidator(whole)]
    elif kind is float:
        kind = Annotated[float, Field(ge=one.option.low, le=one.option.high)]
    return kind | None if may_be_none else kind
