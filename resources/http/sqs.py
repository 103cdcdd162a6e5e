"""A queue of Amazon SQS, or of a server that speaks its protocol: received, then deleted.

Calls are signed with Signature Version 4 by ``httpx-auth``: three calls need none of the rest of
the vendor's SDK. Source: the Amazon SQS API reference (JSON protocol 1.0).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import urlsplit

import httpx
import msgspec
from httpx_auth import AWS4Auth
from pydantic import Field, StringConstraints, model_validator

from domain.errors import AccessRefused, PermanentError, TransientError
from domain.identity import normalised_address
from domain.policies import Config, SecretRef
from resources.http.auth import NoAuth
from resources.http.client import ApiClient
from resources.http.policy import ClientPolicy
from resources.http.rate_limit import Limiter, LocalQuota
from resources.http.reply import Reply
from resources.http.retries import RetryPolicy

MOST_MESSAGES = 10
"""Of one call: the protocol's own limit, for receiving and deleting."""
VISIBILITY_SECONDS = 60
"""For which a received message is handed to no other reader: longer than a tick of the sensor."""
TIMEOUT = 5.0
"""Seconds for one attempt, of which there are few: the sensor's next tick tries again."""
ATTEMPTS = 2
CALLS_A_SECOND = 100
_JSON = "application/x-amz-json-1.0"
_REGION = re.compile(r"(?:sqs|queue)\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)")
_VENDORS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
_THROTTLED = ("Throttl", "OverLimit", "RequestLimit")
_ACCESS = (
    "AccessDenied", "ExpiredToken", "InvalidClientTokenId", "InvalidSecurity", "MissingAuth",
    "OptInRequired", "SignatureDoesNotMatch", "UnrecognizedClient",
)  # fmt: skip


class QueueSettings(Config):
    """Where a queue is, and the credentials for it."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[^/\s?#]+/\S+$")]
    """As the queue's owner shows it: ``https://sqs.{region}.amazonaws.com/{account}/{name}``."""
    region: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$")] | None = None
    """By default the one that the URL names."""
    access_key: SecretRef = Field(default_factory=lambda: SecretRef(env="AWS_ACCESS_KEY_ID"))
    secret_key: SecretRef = Field(default_factory=lambda: SecretRef(env="AWS_SECRET_ACCESS_KEY"))
    session_token: SecretRef | None = None
    """Of temporary credentials."""

    @model_validator(mode="after")
    def _has_region(self) -> QueueSettings:
        if not self.signed_for:
            raise ValueError("name the queue's region: its URL does not")
        return self

    @property
    def signed_for(self) -> str:
        """Return the region that requests are signed for."""
        found = _REGION.fullmatch(urlsplit(self.url).hostname or "")
        return self.region or (found[1] if found else "")

    @property
    def name(self) -> str:
        """Return region, account and name, which are the same however the URL names the queue."""
        parts = urlsplit(self.url)
        if (parts.hostname or "").endswith(_VENDORS):
            return f"{self.signed_for}{parts.path.rstrip('/')}"
        return normalised_address(self.url)

    @property
    def host(self) -> str:
        """Return where requests go."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


class SqsMessage(msgspec.Struct, rename="pascal"):
    """A received message."""

    message_id: str
    receipt_handle: str
    body: str


class _Received(msgspec.Struct, rename="pascal"):
    messages: list[SqsMessage] = []


class _Failure(msgspec.Struct, rename="pascal"):
    code: str = ""


class _Deleted(msgspec.Struct, rename="pascal"):
    failed: list[_Failure] = []


class _Described(msgspec.Struct, rename="pascal"):
    attributes: dict[str, str] = {}


_RECEIVED = msgspec.json.Decoder(_Received)
_DELETED = msgspec.json.Decoder(_Deleted)
_DESCRIBED = msgspec.json.Decoder(_Described)


class SqsQueue:
    """One queue; used from several threads."""

    def __init__(
        self,
        settings: QueueSettings,
        access_key: str,
        secret_key: str,
        session_token: str | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._url = settings.url
        policy = ClientPolicy(
            system=f"queue {self._url.rpartition('/')[2]}",
            base_url=settings.host,
            auth=NoAuth(),
            limiter=Limiter(
                LocalQuota(), f"sqs:{self._url}", quota=CALLS_A_SECOND, window_seconds=1.0
            ),
            retry=RetryPolicy(attempts=ATTEMPTS, total_seconds=TIMEOUT),
            timeout=TIMEOUT,
        )
        signed = AWS4Auth(
            access_key, secret_key, settings.signed_for, "sqs", security_token=session_token
        )
        self._http = ApiClient(policy, connections=2, transport=transport, auth=signed)

    def receive(self) -> Sequence[SqsMessage]:
        """Return up to ten messages that wait, without waiting for any.

        For ``VISIBILITY_SECONDS`` nothing else receives them; then they come again unless deleted.
        """
        body = {"MaxNumberOfMessages": MOST_MESSAGES, "VisibilityTimeout": VISIBILITY_SECONDS}
        received: _Received = self._call("ReceiveMessage", body, _RECEIVED)
        return received.messages

    def delete(self, receipts: Sequence[str]) -> None:
        """Take messages off the queue. Raises ``TransientError`` if some of them stay on it."""
        failed: list[_Failure] = []
        for start in range(0, len(receipts), MOST_MESSAGES):
            entries = [
                {"Id": str(number), "ReceiptHandle": receipt}
                for number, receipt in enumerate(receipts[start : start + MOST_MESSAGES])
            ]
            deleted: _Deleted = self._call("DeleteMessageBatch", {"Entries": entries}, _DELETED)
            failed += deleted.failed
        if failed:
            raise TransientError(
                f"{self._http.policy.system}: {len(failed)} of {len(receipts)} messages could not "
                f"be deleted ({failed[0].code}); they will arrive again, and are recognised by "
                "their ids"
            )

    def attributes(self) -> Mapping[str, str]:
        """Return what the queue states of itself, such as how many messages wait."""
        described: _Described = self._call(
            "GetQueueAttributes", {"AttributeNames": ["All"]}, _DESCRIBED
        )
        return described.attributes

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _call(
        self, action: str, body: Mapping[str, Any], decoder: msgspec.json.Decoder[Any]
    ) -> Any:
        reply = self._http.request(
            "POST",
            "/",
            json={"QueueUrl": self._url, **body},
            headers={"X-Amz-Target": f"AmazonSQS.{action}", "Content-Type": _JSON},
            idempotent=True,  # a message is handed out again, and one that is gone stays gone
            has_effect=False,
            decode=lambda answer: decoder.decode(answer or b"{}"),  # what is empty is left out
        )
        if not reply.ok:
            raise _error(action, reply)
        return decoder.decode(b"{}") if reply.value is None else reply.value


def _error(action: str, reply: Reply) -> AccessRefused | PermanentError | TransientError:
    """Return what an answer that is not a success means; codes come as JSON, and as XML."""
    summary = f"{action}: {reply.error_summary()}"
    text = reply.body.decode(errors="replace")
    if any(code in text for code in _THROTTLED):
        return TransientError(f"{summary}; trying again later may help")
    if reply.status in (401, 403) or any(code in text for code in _ACCESS):
        return AccessRefused(
            f"{summary}; check the queue's credentials, its region and the right "
            f"sqs:{action.removesuffix('Batch')}"
        )
    return PermanentError(f"{summary}; check the queue's URL")
