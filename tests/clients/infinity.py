"""infinity_client, with the root and with /infinity and /v1 as base."""

from checks import BEST, DOCUMENTS, QUERY, address, claim
from infinity_client import Client
from infinity_client.api.default import rerank
from infinity_client.models import RerankInput

for base in ("", "/infinity", "/v1"):
    client = Client(base_url=address() + base)
    body = RerankInput(query=QUERY, documents=DOCUMENTS, return_documents=True, raw_scores=False, model="x", top_n=2)
    found = rerank.sync(client=client, body=body)
    claim(f"{base or '/'} best first", found.results[0].index == BEST)
    claim(f"{base or '/'} document is text", found.results[0].document == DOCUMENTS[BEST])
    claim(f"{base or '/'} usage", found.usage.prompt_tokens == found.usage.total_tokens > 0)
    empty = rerank.sync_detailed(client=client, body=RerankInput(query=QUERY, documents=[], model="x"))
    claim(f"{base or '/'} no documents is an error that the client survives", empty.status_code == 400)
