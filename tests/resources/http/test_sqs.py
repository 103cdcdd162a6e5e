"""Queues of Amazon SQS, against a server of others that verifies signatures and rights."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest
from pydantic import ValidationError

from domain.errors import AccessRefused, PermanentError, TransientError
from resources.http import sqs
from resources.http.retries import RetryPolicy
from resources.http.sqs import QueueSettings, SqsQueue
from tests.queues import Sqs, Waiting, running_sqs

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("sqs")]


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the waits between attempts to hundredths of a second."""
    monkeypatch.setattr(RetryPolicy, "backoff", lambda _self, failures: 0.01 * failures)


@pytest.fixture(scope="module")
def server() -> Iterator[Sqs]:
    """One server for the module: each test has a queue of its own."""
    with running_sqs() as found:
        yield found


@pytest.fixture
def waiting(server: Sqs) -> Waiting:
    """A queue of its own."""
    return server.queue()


def test_messages_are_received_and_deleted(waiting: Waiting) -> None:
    """Ten at a time; a queue that is empty is not an error."""
    waiting.send(*(f"body {n}" for n in range(13)))
    queue, bodies = waiting.opened(), list[str]()
    while received := queue.receive():
        assert len(received) <= 10
        bodies += [message.body for message in received]
        queue.delete([message.receipt_handle for message in received])
    assert sorted(bodies) == sorted(f"body {n}" for n in range(13))
    assert waiting.counts() == (0, 0)
    assert queue.attributes()["ApproximateNumberOfMessages"] == "0"
    queue.close()


def test_a_message_that_was_not_deleted_comes_again(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its visibility time-out, and under the same id; until then, no reader has it."""
    monkeypatch.setattr(sqs, "VISIBILITY_SECONDS", 1)
    waiting.send("once")
    queue, other = waiting.opened(), waiting.opened()
    [first] = queue.receive()
    assert other.receive() == []
    time.sleep(1.1)
    [again] = other.receive()
    assert (again.message_id, again.body) == (first.message_id, "once")
    other.delete([again.receipt_handle])
    time.sleep(1.1)
    assert queue.receive() == []


def test_a_wrong_secret_is_refused_as_such(waiting: Waiting) -> None:
    """And is not repeated: no answer of the server would change."""
    with pytest.raises(AccessRefused, match=r"ReceiveMessage.*403.*credentials"):
        waiting.opened(secret_key="wrong").receive()


def test_another_region_is_no_valid_signature(waiting: Waiting) -> None:
    """The region is signed."""
    queue = waiting.opened(region="us-east-1")
    with pytest.raises(PermanentError):
        queue.receive()


def test_a_queue_that_does_not_exist_is_named_by_the_error(waiting: Waiting) -> None:
    """With what to check."""
    missing = QueueSettings.model_validate({"url": f"{waiting.url}x", "region": "eu-central-1"})
    queue = SqsQueue(missing, waiting.server.access_key, waiting.server.secret_key)
    with pytest.raises(PermanentError, match=r"QueueDoesNotExist|does not exist"):
        queue.receive()


def test_a_message_that_stays_on_the_queue_is_an_error_after_the_others(waiting: Waiting) -> None:
    """Those that could be deleted are; a repetition of them is harmless."""
    waiting.send("one", "two")
    queue = waiting.opened()
    receipts = [message.receipt_handle for message in queue.receive()]
    with pytest.raises(TransientError, match="1 of 3 messages"):
        queue.delete([receipts[0], "no-such-receipt", receipts[1]])
    assert waiting.counts() == (0, 0)


@pytest.mark.parametrize(
    ("url", "region", "expected"),
    [
        ("https://sqs.eu-west-1.amazonaws.com/1/q", None, "eu-west-1"),
        ("https://sqs.cn-north-1.amazonaws.com.cn/1/q", None, "cn-north-1"),
        ("https://sqs.eu-west-1.amazonaws.com/1/q", "us-east-1", "us-east-1"),
        ("https://vpce-1.sqs.example.com/1/q", "eu-west-1", "eu-west-1"),
    ],
)
def test_the_region_is_the_urls_unless_it_is_named(
    url: str, region: str | None, expected: str
) -> None:
    """A private endpoint names none."""
    settings = QueueSettings.model_validate({"url": url, "region": region})
    assert settings.signed_for == expected
    assert settings.access_key.env == "AWS_ACCESS_KEY_ID"


@pytest.mark.parametrize(
    "section",
    [
        {"url": "https://vpce-1.sqs.example.com/1/q"},
        {"url": "sqs://eu-west-1/q"},
        {"url": "https://sqs.eu-west-1.amazonaws.com"},
        {"url": "https://sqs.eu-west-1.amazonaws.com/1/q?x=1 "},
    ],
)
def test_an_address_that_can_not_be_used_is_refused(section: dict[str, str]) -> None:
    """Before a call."""
    with pytest.raises(ValidationError):
        QueueSettings.model_validate(section)


def test_credentials_are_not_sent_unencrypted() -> None:
    """Only loopback may be called without TLS."""
    settings = QueueSettings.model_validate({"url": "http://sqs.example.com/1/q", "region": "x"})
    with pytest.raises(PermanentError, match="must be https"):
        SqsQueue(settings, "key", "secret")


ERROR = '{"__type": "com.amazonaws.sqs#%s", "message": "x"}'


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, ERROR % "RequestThrottled", TransientError),
        (403, ERROR % "OverLimit", TransientError),
        (400, ERROR % "ExpiredTokenException", AccessRefused),
        (400, ERROR % "InvalidAddress", PermanentError),
        (500, "", TransientError),
        (200, "<html>", TransientError),
        (200, '{"Messages": [{"Body": 5}]}', TransientError),
        (200, '{"Messages": 5}', TransientError),
        (302, "", PermanentError),
    ],
)
def test_an_answer_that_is_no_success_has_its_kind_of_error(
    status: int, body: str, expected: type[Exception]
) -> None:
    """None of them shows the secret."""
    sent: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(status, text=body, headers={"Location": "https://other.example"})

    settings = QueueSettings.model_validate({"url": "https://sqs.eu-west-1.amazonaws.com/1/q"})
    queue = SqsQueue(settings, "key", "very-secret", "token-1", httpx.MockTransport(handle))
    with pytest.raises(expected) as raised:
        queue.receive()
    assert "very-secret" not in str(raised.value)
    assert sent[0].headers["x-amz-security-token"] == "token-1"
    assert "x-amz-security-token" in sent[0].headers["authorization"]
    assert sent[0].url.host == "sqs.eu-west-1.amazonaws.com"


def test_an_empty_answer_is_no_message() -> None:
    """Servers leave out what is empty."""
    settings = QueueSettings.model_validate({"url": "https://sqs.eu-west-1.amazonaws.com/1/q"})
    answer = httpx.MockTransport(lambda _: httpx.Response(200))
    assert SqsQueue(settings, "key", "secret", None, answer).receive() == []
