"""The openai SDK: base64 and float embeddings, models, typed errors."""

import openai
from checks import DOCUMENTS, TOLERANCE, UNKNOWN, address, claim, raises

client = openai.OpenAI(api_key="any", base_url=f"{address()}/v1")

packed = client.embeddings.create(model="text-embedding-3-small", input=DOCUMENTS)
plain = client.embeddings.create(model="text-embedding-3-small", input=DOCUMENTS, encoding_format="float")
claim("base64 in order", [one.index for one in packed.data] == [0, 1, 2, 3])
pairs = [(a, b) for one, other in zip(packed.data, plain.data) for a, b in zip(one.embedding, other.embedding)]  # noqa: B905
claim("base64 equals float", all(abs(a - b) < TOLERANCE for a, b in pairs) and len(pairs) > len(DOCUMENTS))
claim("length 1", abs(sum(a * a for a in plain.data[0].embedding) - 1) < 1e-4)
claim("usage", packed.usage.prompt_tokens == packed.usage.total_tokens > len(DOCUMENTS))
claim("one text", len(client.embeddings.create(model="x", input=DOCUMENTS[0]).data) == 1)
claim("models", any(one.id == "x" for one in client.models.list().data))

raises(lambda: client.embeddings.create(model=UNKNOWN, input="x"), UNKNOWN)
error = raises(lambda: client.embeddings.create(model="x", input=[1, 2, 3]), "token ids")
claim("token ids are a BadRequestError", isinstance(error, openai.BadRequestError) and error.code == "INPUT_TOKEN_IDS")
error = raises(lambda: client.embeddings.create(model="x", input="x", dimensions=3), "dimensions")
claim("dimensions are a BadRequestError", isinstance(error, openai.BadRequestError) and error.param == "dimensions")
