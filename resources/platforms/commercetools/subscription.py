"""The subscription by which a project writes its events to the connection's queue.

Source: raml/types/subscription. A subscription is known by its key. Creating one, and changing its
destination, sends a test notification, and is refused where that can't be delivered.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from domain.connections import SecretRef
from domain.errors import AccessRefused, PermanentError, TransientError
from domain.exchange import Check
from resources.http.attempts import Reply
from resources.http.client import ApiClient
from resources.http.sqs import QueueSettings
from resources.platforms.commercetools.answers_payload import SUBSCRIPTIONS, Subscription
from resources.platforms.commercetools.client import CONFLICT, MISSING, code_of, document_of
from resources.platforms.commercetools.settings import SubscriptionSettings

PATH = "/subscriptions"
DUPLICATE = "DuplicateField"
BROKEN = frozenset({"ConfigurationError", "ConfigurationErrorDeliveryStopped"})
"""Health that ends when the destination is set once more and can be written to."""
SUSPENDED = "ManuallySuspended"
TRIES = 3
"""Versions of the subscription that may change under our hands."""
CONNECT = "'lockstep connect' creates or corrects it, and the heartbeat while the daemon runs"
Action = Mapping[str, Any]


class QueueSubscription:
    """The subscription of one connection, which sends changes of resources to its queue."""

    def __init__(
        self,
        http: ApiClient,
        queue: QueueSettings,
        settings: SubscriptionSettings,
        kinds: Collection[str],
        secrets: Callable[[SecretRef], str],
    ) -> None:
        """``kinds`` are the resources that the connection's streams need events of."""
        self._http, self._queue, self._settings = http, queue, settings
        self._kinds, self._secrets = sorted(kinds), secrets
        self._key = settings.key or queue.default_key

    def state(self) -> list[Check]:
        """Return whether the project sends the events; changes nothing."""
        name = f"subscription {self._key}"
        found = self._find()
        if found is None:
            return [Check(name, False, "missing", CONNECT)]
        if problem := self._elsewhere(found):
            return [Check(name, False, problem, "set platform.queue.subscription.key")]
        if lacking := self._lacking(found):
            return [Check(name, False, f"sends nothing of {', '.join(lacking)}", CONNECT)]
        status = found.status or "no status"
        advice = "ask commercetools' support" if status == SUSPENDED else CONNECT
        return [Check(name, status not in (*BROKEN, SUSPENDED), status, advice)]

    def ensure(self) -> list[str]:
        """Create the subscription or correct it; return a line for each change.

        Raises ``PermanentError`` where its key is of a subscription to another queue.
        """
        for _ in range(TRIES):
            found = self._find()
            if found is None:
                if self._create():
                    return [f"subscription {self._key}: created"]
                continue  # another process was first, or the answer to ours was lost
            if problem := self._elsewhere(found):
                raise PermanentError(
                    f"commercetools: the subscription {self._key} {problem}: set "
                    "platform.queue.subscription.key to another one"
                )
            actions = self._corrections(found)
            if not actions:
                return []
            if self._update(found, actions):
                return [f"subscription {self._key}: corrected ({', '.join(sorted(actions))})"]
        raise TransientError(
            f"commercetools: the subscription {self._key} changed {TRIES} times while it was "
            "corrected; a later try may help"
        )

    def _find(self) -> Subscription | None:
        reply = self._http.request("GET", f"{PATH}/key={self._key}")
        if reply.status == MISSING:
            return None
        if not reply.ok:
            raise _error(reply)
        return document_of(reply.where, reply.body, SUBSCRIPTIONS)

    def _create(self) -> bool:
        """Create it; return whether it is ours, and not there already."""
        draft = {
            "key": self._key,
            "destination": self._destination(),
            "changes": [{"resourceTypeId": kind} for kind in self._kinds],
        }
        reply = self._http.request("POST", PATH, json=draft, idempotent=True)
        if not reply.ok and code_of(reply) != DUPLICATE:
            raise _error(reply)
        return reply.ok

    def _update(self, found: Subscription, actions: Mapping[str, Action]) -> bool:
        """Correct it; return whether it still had the version that was read."""
        body = {"version": found.version, "actions": list(actions.values())}
        reply = self._http.request("POST", f"{PATH}/key={self._key}", json=body, idempotent=True)
        if not reply.ok and reply.status not in (CONFLICT, MISSING):
            raise _error(reply)
        return reply.ok

    def _corrections(self, found: Subscription) -> dict[str, Action]:
        """Return what is wrong -> the update that corrects it; what others added stays."""
        actions: dict[str, Action] = {}
        if lacking := self._lacking(found):
            kinds = sorted({*(c.resource_type_id for c in found.sent() if c.resource_type_id),
                            *lacking})  # fmt: skip
            changes = [{"resourceTypeId": kind} for kind in kinds]
            actions["resources"] = {"action": "setChanges", "changes": changes}
        if found.status in BROKEN:
            actions["destination"] = {
                "action": "changeDestination",
                "destination": self._destination(),
            }
        return actions

    def _lacking(self, found: Subscription) -> list[str]:
        """Return the resources that it sends neither changes of, nor all messages."""
        sent = {change.resource_type_id for change in found.sent()}
        sent |= {
            one.resource_type_id
            for one in found.messages or ()
            if one is not None and not one.types
        }
        return [kind for kind in self._kinds if kind not in sent]

    def _elsewhere(self, found: Subscription) -> str:
        """Return what it sends to in place of the connection's queue; empty if it does not."""
        place = found.destination
        if place is None or place.type != "SQS":
            kind = "an unknown destination" if place is None else place.type
            return f"sends to {kind}, and the connection's queue is of Amazon SQS"
        if place.queue_url != self._queue.url:
            return "sends to another queue than the connection's"
        return ""

    def _destination(self) -> dict[str, str]:
        place = {"type": "SQS", "queueUrl": self._queue.url, "region": self._queue.signed_for}
        access, secret = self._settings.access_key, self._settings.secret_key
        if access is None or secret is None:
            return place | {"authenticationMode": "IAM"}
        keys = {"accessKey": self._secrets(access), "accessSecret": self._secrets(secret)}
        return place | keys | {"authenticationMode": "Credentials"}


def _error(reply: Reply) -> AccessRefused | PermanentError:
    summary = reply.error_summary()
    if reply.status in (401, 403):
        return AccessRefused(f"{summary}; give the API client the scope manage_subscriptions")
    return PermanentError(
        f"{summary}; check that commercetools may write to the queue: by IAM, or with the keys of "
        "platform.queue.subscription"
    )
