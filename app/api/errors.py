"""Every refusal as one value and one table: which status, which code, which body.

The body satisfies every client at once: Jina's read a string `detail`, OpenAI's an object `error`, Cohere's a
`message`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from starlette.exceptions import HTTPException

from indexer import errors as indexing
from rerank import errors as reranking
from search import errors as searching

CODES: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        400: ("INPUT_INVALID", "invalid_request_error"),
        401: ("AUTH_MISSING_API_KEY", "authentication_error"),
        403: ("AUTHZ_FORBIDDEN", "permission_error"),
        404: ("RESOURCE_NOT_FOUND", "not_found_error"),
        405: ("METHOD_NOT_ALLOWED", "invalid_request_error"),
        409: ("CONFLICT_RESOURCE_BUSY", "conflict_error"),
        413: ("INPUT_TOO_LARGE", "invalid_request_error"),
        415: ("INPUT_MEDIA_TYPE", "invalid_request_error"),
        421: ("HOST_NOT_ALLOWED", "permission_error"),
        422: ("INPUT_VALIDATION_FAILED", "invalid_request_error"),
        429: ("RATE_CONCURRENCY_LIMIT_EXCEEDED", "rate_limit_error"),
        499: ("CLIENT_CLOSED_REQUEST", "invalid_request_error"),
        500: ("INTERNAL_ERROR", "server_error"),
        503: ("SERVICE_UNAVAILABLE", "server_error"),
        504: ("SERVICE_TIMEOUT", "server_error"),
    }
)
"""Status to (code, type): the codes are Jina's where it has one, the types OpenAI's."""

TEI_TYPES: Mapping[int, str] = MappingProxyType({429: "Overloaded", 500: "Backend", 503: "Unhealthy", 504: "Backend"})
"""Status to `error_type` of text-embeddings-inference; every other status is "Validation"."""


class Refusal(HTTPException):
    """A call that is answered with an error; an HTTPException, since that is what the framework passes on untouched."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str = "",
        *,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
        fields: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Say what is wrong.

        Args:
            status: the HTTP status.
            message: one sentence that names the thing and the next step.
            code: empty for the usual code of the status.
            param: the field that is to blame.
            headers: sent with the answer.
            fields: one entry per invalid field: field, message, type, input.
        """
        super().__init__(status, message, dict(headers or {}))
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.fields = tuple(fields)

    def body(self, request_id: str, *, tei: bool = False) -> dict[str, Any]:
        """The JSON body; `tei` gives `error` as the text that TEI clients expect, with an `error_type`."""
        code, kind = CODES.get(self.status, CODES[500 if self.status >= 500 else 400])  # noqa: PLR2004 - HTTP classes
        code = self.code or code
        body: dict[str, Any] = {
            "detail": self.message,
            "code": code,
            "request_id": request_id,
            "message": self.message,
        }
        if tei:
            body |= {"error": self.message, "error_type": TEI_TYPES.get(self.status, "Validation")}
        else:
            body["error"] = {"message": self.message, "type": kind, "param": self.param, "code": code}
        if self.fields:
            body["errors"] = [dict(one) for one in self.fields]
        return body


_TABLE: tuple[tuple[type[Exception], int, str], ...] = (
    (reranking.ModelNotFound, 400, "INPUT_MODEL_NOT_FOUND"),
    (reranking.BadInput, 400, ""),
    (reranking.OutOfMemory, 413, ""),
    (reranking.Cancelled, 504, ""),
    (reranking.RerankError, 503, ""),
    (searching.EmptyIndex, 409, "INDEX_EMPTY"),
    (searching.SearchError, 400, ""),
    (indexing.FolderError, 400, "INPUT_FOLDER"),
    (indexing.FingerprintMismatch, 409, "INDEX_FINGERPRINT_MISMATCH"),
    (indexing.StoreLocked, 409, ""),
    (indexing.IndexerError, 503, ""),
)
"""Error to (status, code), the narrower class first."""

OWN_ERRORS = (reranking.RerankError, searching.SearchError, indexing.IndexerError)
"""The roots of the trees whose messages are written for people."""


def refusal(error: BaseException) -> Refusal:
    """How an error is answered; what is not of our trees becomes a 500 that gives nothing away."""
    if isinstance(error, Refusal):
        return error
    for kind, status, code in _TABLE:
        if isinstance(error, kind):
            return Refusal(status, str(error) or kind.__name__, code)
    return Refusal(500, "The server failed on this request: its log has the reason under this request id.")
