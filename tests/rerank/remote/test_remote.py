import email.utils
import math
import socket
import threading
import time
from collections.abc import Callable

import pytest
from rerank_server import Call, rerank_server, well_behaved

from rerank.errors import BadInput, Cancelled, RemoteError
from rerank.models.running import Cancel
from rerank.remote.http import Patience
from rerank.remote.scorer import WIRES, RemoteScorer
from rerank.scorer import ScoreContract
from rerank.scores_cache import ScoreCache

pytestmark = pytest.mark.waits

KEY = "sk-very-secret-0123456789"
DOCUMENTS = ["x y", "a b", "b z", "a b c"]
CALM = Patience(request=20, total=60, tries=3)
HASTY = Patience(request=0.4, total=2, tries=3)


def scorer(url: str, shape: str = "jina", patience: Patience = CALM, **settings: object) -> RemoteScorer:
    return RemoteScorer(WIRES[shape], url, patience=patience, **settings)  # type: ignore[arg-type]


def fails(
    reply: Callable[[Call], None],
    shape: str = "jina",
    documents: list[str] | None = None,
    patience: Patience = CALM,
) -> str:
    """The one sentence with which a call to such a server fails, checked to hold no secret."""
    with rerank_server(reply) as server:
        remote = scorer(server.url, shape, patience, api_key=KEY)
        with pytest.raises(RemoteError) as raised:
            remote.score("a b", documents or DOCUMENTS)
    shown = f"{raised.value!r} {raised.value.__cause__!r} {remote!r} {remote.name} {remote.runtime}"
    assert KEY not in shown
    assert server.url in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("shape", ["jina", "cohere", "tei"])
def test_every_shape_gives_scores_in_input_order(shape: str) -> None:
    with rerank_server() as server:
        remote = scorer(server.url, shape, api_key=KEY)
        found = remote.score("a b", DOCUMENTS)
        assert [one.score for one in found.scored] == [0, 1, 0.5, 1]
        assert [one.index for one in remote.rerank("a b", DOCUMENTS)] == [1, 3, 2, 0]
        assert found.model == (remote.name if shape == "tei" else "served-model")
        call = server.calls[0]
        assert call.headers["Authorization"] == f"Bearer {KEY}"
        assert call.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        (
            "jina",
            {
                "model": "jina-reranker-v2-base-multilingual",
                "query": "q",
                "documents": ["a", "b"],
                "top_n": 2,
                "return_documents": False,
            },
        ),
        ("cohere", {"model": "rerank-v3.5", "query": "q", "documents": ["a", "b"], "top_n": 2}),
        ("tei", {"query": "q", "texts": ["a", "b"], "raw_scores": False, "return_text": False, "truncate": True}),
    ],
)
def test_requests_have_the_published_shape(shape: str, body: dict[str, object]) -> None:
    with rerank_server() as server:
        scorer(server.url, shape).score("q", ["a", "b"])
        assert server.calls[0].body == body
        assert "Authorization" not in server.calls[0].headers


def test_long_lists_go_in_requests_of_the_servers_size_and_report_progress() -> None:
    documents = [f"a {i}" if i % 3 else "b" for i in range(70)]
    done: list[tuple[int, int]] = []
    with rerank_server() as server:
        found = scorer(server.url, "tei").score("a b", documents, progress=lambda *at: done.append(at))
        assert [len(call.body["texts"]) for call in server.calls] == [32, 32, 6]
    assert [one.score for one in found.scored] == [0.5] * 70
    assert done == [(32, 70), (64, 70), (70, 70)]


def test_scores_stay_as_they_were_sent_and_a_strange_range_is_noted() -> None:
    values = [-3.25, 12.5, 0.1 + 0.2]

    def reply(call: Call) -> None:
        call.send({"results": [{"index": i, "relevance_score": value} for i, value in enumerate(values)]})

    with rerank_server(reply) as server:
        found = scorer(server.url).score("q", ["a", "b", "c"])
    assert [one.score for one in found.scored] == values
    assert [one.logit for one in found.scored] == values
    assert any("outside of 0 to 1" in note for note in found.notes)


def test_blank_passages_are_not_sent_and_come_last() -> None:
    with rerank_server() as server:
        remote = scorer(server.url)
        found = remote.score("a b", ["", "a", " \n", "\x00"])
        assert server.calls[0].body["documents"] == ["a"]
        assert [one.score for one in found.scored] == [0, 0.5, 0, 0]
        assert any("3 empty" in note for note in found.notes)
        assert [one.score for one in remote.score("a b", ["", ""]).scored] == [0, 0]
        assert len(server.calls) == 1


def test_what_was_scored_is_not_asked_again() -> None:
    with rerank_server() as server:
        remote = scorer(server.url, cache=ScoreCache())
        remote.score("a b", ["a", "x"])
        found = remote.score("a b", ["x", "b", "a"])
        assert server.calls[1].body["documents"] == ["b"]
        assert [(one.score, one.cached) for one in found.scored] == [(0, True), (0.5, False), (0.5, True)]


def test_list_relative_scores_are_asked_again_and_splitting_them_is_noted() -> None:
    contract = ScoreContract("remote", -1, 1, "cosine", 0, "cut", None, "CC-BY-NC-4.0", list_relative=True)
    with rerank_server() as server:
        remote = scorer(server.url, cache=ScoreCache(), contract=contract, per_request=2)
        remote.score("a b", ["a", "x"])
        found = remote.score("a b", ["a", "x", "b"])
        assert len(server.calls) == 3
        assert any("2 passages at a time" in note for note in found.notes)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again(status: int) -> None:
    def reply(call: Call) -> None:
        if call.number == 0:
            call.send({"detail": "later"}, status)
        else:
            well_behaved(call)

    with rerank_server(reply) as server:
        assert len(scorer(server.url).score("a b", DOCUMENTS).scored) == 4
        assert len(server.calls) == 2


def test_a_dropped_connection_is_tried_again() -> None:
    def reply(call: Call) -> None:
        if call.number:
            well_behaved(call)
        else:
            call.handler.close_connection = True

    with rerank_server(reply) as server:
        assert len(scorer(server.url).score("a b", DOCUMENTS).scored) == 4


@pytest.mark.parametrize("date", [False, True])
def test_retry_after_is_honoured(date: bool) -> None:
    at: list[float] = []

    def reply(call: Call) -> None:
        at.append(time.monotonic())
        if call.number:
            well_behaved(call)
        else:
            when = email.utils.formatdate(time.time() + 2, usegmt=True) if date else "1"
            call.send({}, 429, Retry_After=when)

    with rerank_server(reply) as server:
        scorer(server.url, patience=Patience(20, 60, 2)).score("a b", DOCUMENTS)
    assert at[1] - at[0] >= 0.9


def test_a_wait_beyond_the_limit_fails_at_once() -> None:
    assert "3600 s is beyond the 60 s" in fails(lambda call: call.send({}, 429, Retry_After="3600"))


def test_a_server_that_keeps_failing_is_given_up_with_its_own_words() -> None:
    message = fails(lambda call: call.send({"detail": f"no GPU for {KEY}"}, 503))
    assert "503" in message
    assert "no GPU for ***" in message
    assert "3 times" in message


def test_a_server_that_is_down_is_named() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(RemoteError, match=f"127.0.0.1:{port}/rerank cannot be reached"):
        scorer(f"http://127.0.0.1:{port}/rerank").score("q", ["a"])


def silence(over: threading.Event) -> None:
    """Wait until the test is over, which it is before this ends only if the caller did not wait for the answer."""
    assert over.wait(120)


def test_a_slow_server_is_not_waited_for_beyond_the_limit() -> None:
    over = threading.Event()
    assert "did not answer within 0 s" in fails(lambda _: silence(over), patience=HASTY)
    over.set()


def drip(call: Call) -> None:
    call.handler.send_response(200)
    call.handler.send_header("Content-Length", "1000000")
    call.handler.end_headers()
    for _ in range(600):
        call.handler.wfile.write(b" ")
        time.sleep(0.05)


def drip_headers(call: Call) -> None:
    for _ in range(600):
        call.handler.wfile.write(b"H")
        call.handler.wfile.flush()
        time.sleep(0.05)


@pytest.mark.parametrize("reply", [drip, drip_headers])
def test_a_server_that_answers_drop_by_drop_does_not_hang_us(reply: Callable[[Call], None]) -> None:
    assert "did not answer within" in fails(reply, patience=HASTY)  # and not what a million blanks are


@pytest.mark.parametrize(("status", "word"), [(401, "key"), (403, "key"), (404, "path"), (405, "path"), (422, "422")])
def test_refusals_say_what_to_do_and_are_not_repeated(status: int, word: str) -> None:
    seen: list[int] = []
    message = fails(lambda call: (seen.append(call.number), call.send({"detail": f"bad {KEY}"}, status))[1])  # type: ignore[func-returns-value]
    assert word in message
    assert seen == [0]


@pytest.mark.parametrize(
    ("content", "kind", "expected"),
    [
        (b"<html>Welcome</html>", "text/html", "text/html instead of JSON"),
        (b"", "application/json", "instead of JSON"),
        (b"\xff\xfe", "application/octet-stream", "instead of JSON"),
        (b'{"results": [', "application/json", "instead of JSON"),
        (b"[" * 100_000, "application/json", "instead of JSON"),
    ],
)
def test_what_is_not_json_is_named(content: bytes, kind: str, expected: str) -> None:
    assert expected in fails(lambda call: call.send(content, kind=kind))


def results(*pairs: tuple[object, object]) -> dict[str, object]:
    return {"results": [{"index": index, "relevance_score": score} for index, score in pairs]}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({}, 'no list "results"'),
        ([], 'no list "results"'),
        ("hello", 'no list "results"'),
        (None, 'no list "results"'),
        ({"results": {"0": 1}}, 'no list "results"'),
        (results((0, 0.5)), "1 results for 2 documents"),
        (results((0, 0.5), (1, 0.5), (2, 0.5)), "3 results for 2 documents"),
        (results((0, 0.5), (2, 0.5)), "index 2 is not"),
        (results((0, 0.5), (-1, 0.5)), "index -1 is not"),
        (results((0, 0.5), ("1", 0.5)), "index '1' is not"),
        (results((0, 0.5), (True, 0.5)), "index True is not"),
        (results((0, 0.5), (None, 0.5)), "index None is not"),
        (results((0, 0.5), (0, 0.5)), "index 0 appears twice"),
        (results((0, 0.5), (1, math.nan)), "not a finite number"),
        (results((0, 0.5), (1, math.inf)), "not a finite number"),
        (results((0, 0.5), (1, "0.5")), "not a finite number"),
        (results((0, 0.5), (1, None)), "not a finite number"),
        (results((0, 0.5), (1, True)), "not a finite number"),
        ({"results": [1, 2]}, "no JSON object"),
        ({"results": [{"index": 0, "relevance_score": 1}, {"index": 1}]}, "not a finite number"),
    ],
)
def test_an_answer_that_is_no_ranking_never_becomes_one(answer: object, expected: str) -> None:
    assert expected in fails(lambda call: call.send(answer), documents=["a", "b"])


def test_a_tei_server_must_answer_a_list() -> None:
    assert "not a list" in fails(lambda call: call.send({"results": []}), shape="tei")


def test_a_key_in_nonsense_is_not_shown() -> None:
    assert "***" in fails(lambda call: call.send(results((KEY, 1))), documents=["a"])


def test_a_stop_does_not_wait_for_the_server() -> None:
    cancel = Cancel()
    over = threading.Event()

    def reply(_: Call) -> None:
        cancel.request()
        silence(over)

    with rerank_server(reply) as server, pytest.raises(Cancelled):
        scorer(server.url, patience=Patience(40, 60, 1)).score("q", ["a"], cancel=cancel)
    over.set()


def test_connections_are_closed_on_release_and_opened_again() -> None:
    with rerank_server() as server:
        remote = scorer(server.url)
        remote.score("a b", ["a"])
        remote.release()
        assert remote.score("a b", ["a"]).scored[0].score == 0.5
        remote.release()
        remote.release()


@pytest.mark.parametrize(
    "url", ["", "localhost:8080/rerank", "ftp://host/rerank", "http://", "http://[::1/rerank", "file:///x"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(BadInput, match="address"):
        scorer(url)


def test_a_key_that_cannot_be_one_is_refused_without_showing_it() -> None:
    with pytest.raises(BadInput) as raised:
        scorer("http://127.0.0.1/rerank", api_key="geheimnis\nHost: evil")
    assert "geheimnis" not in str(raised.value)


def test_user_and_password_in_an_address_are_not_shown() -> None:
    remote = scorer("http://me:geheim@127.0.0.1:1/rerank?key=geheim", patience=Patience(1, 1, 1))
    with pytest.raises(RemoteError) as raised:
        remote.score("q", ["a"])
    assert "geheim" not in f"{raised.value} {remote!r} {remote.runtime}"
