"""Webhooks with malformed bodies, signed and forged: an event or a refusal without content."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import orjson
import pytest

from domain.exchange import WebhookRefused
from domain.ports import WebhookReceiver
from resources.systems import build_receivers
from tests.assets.scene import NAME
from tests.bad_input.counts import WEBHOOKS
from tests.bad_input.mutations import Mutator, smallest
from tests.bad_input.outcomes import assert_is_bounded
from tests.orchestration.webhooks.senders import event, listening, pushed, signed
from tests.resources.oms.manhattan.samples import published

pytestmark = pytest.mark.slow

FORGERIES = (
    "other secret",
    "other body",
    "stale",
    "early",
    "no signature",
    "malformed signature",
    "malformed time",
)
UNWELCOME = {"unsigned", "stale", "forged"}
MALFORMED = (
    "",
    " ",
    "v1,",
    "v1",
    "sha256=",
    "sha256=zz",
    "v1," + "A" * 9_000,
    "\u00e9",
    "v1,=====",
    "v2,AAAA",
    "NaN",
    "-1",
    "9" * 400,
    "1e9",
    "1.5",
    "0x1",
)


@pytest.fixture
def receivers(tmp_path: Path) -> dict[str, WebhookReceiver]:
    """The receivers of the store's webhooks and the tenant's pushes."""
    return build_receivers(listening(tmp_path).connections[NAME])


def headers_of(side: str, body: bytes, forgery: str, random: Random) -> dict[str, str]:
    """Sign a body, well or badly."""
    age = {"stale": 3_600.0, "early": -3_600.0}.get(forgery, 0.0)
    content = body + b" " if forgery == "other body" else body
    secret = {"secret": "not the secret"} if forgery == "other secret" else {}
    headers = (
        signed(content, age=age, **secret)
        if side == "platform"
        else pushed(content, age=age, **secret)
    )
    signature, stamp = (
        ("webhook-signature", "webhook-timestamp")
        if side == "platform"
        else ("X-Signature", "X-Timestamp")
    )
    if forgery == "no signature":
        del headers[signature]
    elif forgery in ("malformed signature", "malformed time"):
        headers[signature if forgery == "malformed signature" else stamp] = random.choice(MALFORMED)
    return {name.lower(): value for name, value in headers.items()}


def outcome(receiver: WebhookReceiver, headers: dict[str, str], body: bytes) -> str:
    """Hand a request to a receiver; return its outcome."""
    try:
        events = receiver.receive(headers, body)
    except WebhookRefused as refused:
        assert_is_bounded(str(refused))
        return refused.reason
    for one in events:
        texts = (one.event_id, one.stream, one.source_id, one.scope)
        assert all(
            text.isascii() and text.isprintable() and 0 < len(text) <= 250 for text in texts
        ), one
        assert one.occurred_at is None or one.occurred_at.tzinfo is not None
    return "taken" if events else "of no stream"


@pytest.mark.parametrize("side", ["platform", "oms"])
def test_every_spoilt_body_is_an_event_or_a_refusal_and_no_forgery_is_taken(
    receivers: dict[str, WebhookReceiver], side: str
) -> None:
    """Half of them are signed, so that the parser is reached; the others are forged."""
    documents = {
        "platform": [
            event(),
            event(scope="store/shipment/created", orderId=250),
            event(scope="store/product/updated"),
        ],
        "oms": [
            orjson.dumps(document)
            for document in (
                published(),
                {"OriginalPayload": published()},
                {"data": [published("T-2"), {"ItemId": "A"}]},
            )
        ],
    }[side]
    receiver, outcomes = receivers[side], Counter[str]()
    for payload in Mutator(documents).payloads(WEBHOOKS // 2, seed=10_000_000):
        random = Random(payload.seed)
        forgery = random.choice(FORGERIES) if random.random() < 0.5 else ""
        headers = headers_of(side, payload.body, forgery, random)
        try:
            became = outcome(receiver, headers, payload.body)
        except BaseException as error:
            reduced = smallest(payload.body, lambda body, side=side: _breaks(receiver, side, body))
            raise AssertionError(
                f"seed {payload.seed} ({payload.kinds}), {forgery}: {error}\n"
                f"smallest payload: {reduced!r}"
            ) from error
        assert not forgery or became in UNWELCOME, f"seed {payload.seed}: {forgery} was {became}"
        assert forgery or became not in UNWELCOME or not _is_text(payload.body), (
            f"seed {payload.seed}: a good signature was {became}"
        )
        outcomes[became] += 1
    assert outcomes.total() == WEBHOOKS // 2
    assert {"taken", "malformed", "unsigned", "stale", "forged"} <= outcomes.keys()


def _is_text(body: bytes) -> bool:
    """Return whether a body is text, as Standard Webhooks requires."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _breaks(receiver: WebhookReceiver, side: str, body: bytes) -> bool:
    try:
        outcome(receiver, headers_of(side, body, "", Random(0)), body)
    except BaseException:  # noqa: BLE001 - whatever it is, it is what is looked for
        return True
    return False
