"""Cohere's envelope, the same in both of its versions."""

from __future__ import annotations

from pydantic import BaseModel

from app.api.ask import Answer

API_VERSION = "2"


class ApiVersion(BaseModel):
    """The wire version."""

    version: str = API_VERSION


class BilledUnits(BaseModel):
    """Cohere's units."""

    search_units: int
    input_tokens: int


class Meta(BaseModel):
    """Cohere's envelope."""

    api_version: ApiVersion
    billed_units: BilledUnits
    warnings: list[str] | None = None


def meta(answer: Answer) -> Meta:
    """Cohere's envelope for an answer."""
    return Meta(
        api_version=ApiVersion(),
        billed_units=BilledUnits(search_units=answer.search_units, input_tokens=answer.tokens),
        warnings=list(answer.warnings) or None,
    )
