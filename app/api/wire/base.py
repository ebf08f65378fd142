"""What all wire shapes have in common: strict fields, unknown ones ignored, and the error body."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class WireModel(BaseModel):
    """A body whose fields must have exactly the types stated; unknown fields are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore")


def whole(value: object) -> object:
    """3 for 3.0, which is an integer in JSON Schema but a float to the parser."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Integer = Annotated[int, BeforeValidator(whole)]
Natural = Annotated[int, Field(ge=0), BeforeValidator(whole)]
Positive = Annotated[int, Field(ge=1), BeforeValidator(whole)]
Query = Annotated[str, Field(min_length=1, pattern=r"\S", description="What to look for.")]
TopN = Annotated[Natural | None, Field(description="How many to return; null and 0 mean all.")]
ModelName = Annotated[str | None, Field(max_length=512, description="Empty: the server's default.")]


class Usage(BaseModel):
    """Tokens as the model's own tokenizer counts them."""

    prompt_tokens: int
    total_tokens: int

    @classmethod
    def of(cls, tokens: int) -> Usage:
        """The usage of a call that read so many tokens and wrote none."""
        return cls(prompt_tokens=tokens, total_tokens=tokens)


class ErrorDetails(BaseModel):
    """The error as OpenAI's clients read it."""

    message: str
    type: str
    param: str | None
    code: str


class FieldError(BaseModel):
    """One field that is not valid."""

    field: str
    message: str
    type: str
    input: str


class ErrorBody(BaseModel):
    """Every error; `detail` and `message` hold the same sentence."""

    detail: str
    code: str
    request_id: str
    message: str
    error: ErrorDetails
    errors: list[FieldError] | None = None


class TeiErrorBody(BaseModel):
    """The same for a request in the shape of text-embeddings-inference."""

    detail: str
    code: str
    request_id: str
    message: str
    error: str
    error_type: str
    errors: list[FieldError] | None = None


_MEANING = {
    400: "The request cannot be served: an unknown model, or input beyond a limit.",
    401: "An API key is needed, or this one is not valid.",
    404: "No such thing.",
    405: "Another method is needed.",
    409: "Another operation is in the way.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    421: "Without a key the server answers to local names only.",
    422: "A field is missing or has another type.",
    429: "Too many calls are waiting; Retry-After says how many seconds to wait.",
    499: "The caller closed the connection.",
    500: "The server failed.",
    503: "A model cannot be served at the moment.",
    504: "The call took too long.",
}


def errors(*statuses: int, body: Any = ErrorBody) -> dict[int | str, dict[str, Any]]:  # noqa: ANN401 - a type or union
    """The OpenAPI entries of the statuses that a route can answer with, besides those that every route can."""
    return {status: {"model": body, "description": _MEANING[status]} for status in sorted({401, 421, 500, *statuses})}


COSTLY = (400, 413, 415, 422, 429, 499, 503, 504)
"""What a route that runs a model can answer besides."""
