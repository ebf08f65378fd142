"""The embedding body of OpenAI, with Jina's and LlamaIndex's fields; and the list of models."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, Field
from pydantic.json_schema import SkipJsonSchema

from app.api.errors import Refusal
from app.api.wire.base import Integer, ModelName, Positive, Usage, WireModel
from indexer.embed.contract import Vectors

MAX_INPUTS = 2048
"""Most inputs of one call, as at OpenAI."""
MAX_TOTAL_TOKENS = 300_000
"""Most tokens of one call, as at OpenAI."""

Encoding = Literal["float", "base64", "binary", "ubinary"]
Encodings = Encoding | Annotated[list[Encoding], Field(min_length=1, max_length=4)] | None


class TextInput(WireModel):
    """Jina's form of a text."""

    text: str


TextsInput = Annotated[list[str | TextInput], Field(min_length=1, max_length=MAX_INPUTS)]
TokensInput = Annotated[list[Integer], Field(min_length=1)]
TokenListsInput = Annotated[list[TokensInput], Field(min_length=1)]


class EmbeddingRequest(WireModel):
    """Texts to be turned into vectors."""

    input: str | TextInput | TextsInput | SkipJsonSchema[TokensInput | TokenListsInput]
    """Token ids are known, and refused with a hint; the description leaves them out."""
    model: ModelName = None
    encoding_format: Literal["float", "base64"] | None = None
    embedding_type: Encodings = None
    """Jina's name of the same, with two packed forms more."""
    encoding_type: Encodings = None
    """LlamaIndex's name of the same."""
    dimensions: Positive | None = None
    task: str | None = None
    """Jina's: "retrieval.query" embeds as a query, everything else as a passage."""
    truncate: bool | None = None
    """True reads the first part of a text that is too long; otherwise such a text is refused."""
    late_chunking: bool | None = None
    normalized: bool | None = None
    """Accepted either way: the vectors have length 1."""

    def texts(self) -> list[str]:
        """The texts.

        Raises:
            Refusal: 400 for token ids, which only the tokenizer that made them can read.
        """
        given: Sequence[Any] = self.input if isinstance(self.input, list) else [self.input]
        if any(isinstance(one, int | list) for one in given):
            raise Refusal(
                400,
                "The input holds token ids of another model's tokenizer: send text. "
                "(LangChain: OpenAIEmbeddings(check_embedding_ctx_length=False))",
                "INPUT_TOKEN_IDS",
                param="input",
            )
        return [one.text if isinstance(one, TextInput) else one for one in given]

    def encoding(self) -> Encoding:
        """The one encoding that is asked for.

        Raises:
            Refusal: 400 for several at once.
        """
        asked: set[Encoding] = set()
        for wish in (self.encoding_format, self.embedding_type, self.encoding_type):
            asked |= set(wish) if isinstance(wish, list) else {wish} if wish else set()
        if len(asked) > 1:
            raise Refusal(400, f"Several encodings are asked for ({', '.join(sorted(asked))}): choose one.")
        return asked.pop() if asked else "float"


class EmbeddingItem(BaseModel):
    """One text's vector: numbers, or base64 of little-endian 32-bit floats."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | list[int] | str


class EmbeddingResponse(BaseModel):
    """The vectors in input order."""

    object: Literal["list"] = "list"
    data: list[EmbeddingItem]
    model: str
    usage: Usage


def encode(vectors: Vectors, encoding: Encoding) -> list[list[float] | list[int] | str]:
    """Each row (d,) in the encoding.

    "base64" is little-endian float32; "ubinary" packs the signs of eight numbers into a byte, the first in its highest
    bit; "binary" is the same less 128.
    """
    if encoding == "base64":
        return [base64.b64encode(row.astype("<f4").tobytes()).decode("ascii") for row in vectors]
    if encoding == "float":
        return [row.tolist() for row in vectors]
    packed = np.packbits(vectors > 0, axis=1)  # (n, d / 8)
    offset = 128 if encoding == "binary" else 0
    return [(row.astype(np.int16) - offset).tolist() for row in packed]


class Model(BaseModel):
    """A name that callers can use."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "secondlook"
    kind: Literal["rerank", "embedding", "alias"]
    licence: str | None = None
    answers_for: str | None = None
    """What an alias stands for."""


class ModelList(BaseModel):
    """Every name that callers can use."""

    object: Literal["list"] = "list"
    data: list[Model]
