"""A third-party server that speaks the protocol of Amazon SQS: moto's, a process of its own.

It verifies the signature of each request with the vendor's own SDK, and its access policies.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from httpx_auth import AWS4Auth

from resources.http.sqs import QueueSettings, SqsQueue
from tests import loopback

Json = dict[str, Any]
REGION = "eu-central-1"
ANONYMOUS_CALLS = "3"
"""Before signatures are verified: the user, its key and its policy are made by them."""
READER = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
"""What the connector's README asks for."""
_SERVER = """
import logging, sys
logging.getLogger("werkzeug").setLevel(logging.ERROR)
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Sqs:
    """The running server, with the keys of one user."""

    url: str
    access_key: str
    secret_key: str

    def call(self, action: str, **body: Any) -> Json:
        """Make a signed call of the protocol that must succeed."""
        auth = AWS4Auth(self.access_key, self.secret_key, REGION, "sqs")
        headers = {
            "X-Amz-Target": f"AmazonSQS.{action}",
            "Content-Type": "application/x-amz-json-1.0",
        }
        content = json.dumps(body).encode()
        answer = loopback.request(
            "POST", f"{self.url}/", content=content, headers=headers, auth=auth
        )
        assert answer.is_success, answer.text
        found: Json = answer.json() if answer.content else {}
        return found

    def queue(self) -> Waiting:
        """Make a queue."""
        return Waiting(self, self.call("CreateQueue", QueueName=f"q{uuid4().hex}")["QueueUrl"])


@dataclass(frozen=True)
class Waiting:
    """One queue."""

    server: Sqs
    url: str

    def send(self, *bodies: str | Json) -> None:
        """Send messages, as a subscription does."""
        for body in bodies:
            text = body if isinstance(body, str) else json.dumps(body)
            self.server.call("SendMessage", QueueUrl=self.url, MessageBody=text)

    def counts(self) -> tuple[int, int]:
        """Return how many messages wait, and how many were handed out and not deleted."""
        found = self.server.call("GetQueueAttributes", QueueUrl=self.url, AttributeNames=["All"])
        held = found["Attributes"]
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        waiting, handed_out = (int(held[name]) for name in names)
        return waiting, handed_out

    def settings(self, **changes: Any) -> QueueSettings:
        """Return the settings by which a connector finds the queue."""
        return QueueSettings.model_validate({"url": self.url, "region": REGION} | changes)

    def opened(self, secret_key: str = "", **changes: Any) -> SqsQueue:
        """Open the queue as a connector does."""
        keys = self.server.access_key, secret_key or self.server.secret_key
        return SqsQueue(self.settings(**changes), *keys)


@contextmanager
def running_sqs() -> Iterator[Sqs]:
    """Start the server on a free port of 127.0.0.1, with a user who may read and fill queues."""
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"INITIAL_NO_AUTH_ACTION_COUNT": ANONYMOUS_CALLS},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port.isdigit(), "moto's server did not start"
        url = f"http://127.0.0.1:{port}"
        try:
            yield Sqs(url, *_user(url))
        finally:
            process.stdin.close()
            process.wait(timeout=30)


def _user(url: str) -> tuple[str, str]:
    """Make a user with the rights of the README, and those of the test itself."""
    # At the vendor, sqs:DeleteMessage is the right for its batches, too.
    allowed = [*READER, "sqs:DeleteMessageBatch", "sqs:CreateQueue", "sqs:SendMessage"]
    statement = {"Effect": "Allow", "Action": allowed, "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    _iam(url, "CreateUser", UserName="reader")
    made = _iam(url, "CreateAccessKey", UserName="reader")
    _iam(url, "PutUserPolicy", UserName="reader", PolicyName="queues", PolicyDocument=policy)
    access_key, secret_key = (
        made.partition(f"<{name}>")[2].partition("<")[0]
        for name in ("AccessKeyId", "SecretAccessKey")
    )
    return access_key, secret_key


def _iam(url: str, action: str, **fields: str) -> str:
    auth = AWS4Auth("any", "any", REGION, "iam")
    form = {"Action": action, "Version": "2010-05-08", **fields}
    answer = loopback.request("POST", f"{url}/", data=form, auth=auth)
    assert answer.is_success, answer.text
    return answer.text
