"""Uploads of many stock levels of a location at once, as a file that the org imports later.

A file is one call where batches are one for every hundred levels. Each record has a ``recordId``,
with which it is imported once, however often the file is sent. The answer states counts and no
rows, so that what an import left out is found by looking at the levels.

Source: Connect REST API (Availability Records, Upload). UNVERIFIED: the words of ``status``; the
counts decide where they add up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias
from uuid import uuid4

import msgspec
import orjson

from domain.errors import PermanentError
from domain.parsing.answers import CONTRACT
from resources.http.async_client import AsyncApiClient
from resources.platforms.salesforce.client import refuse_access

PATH = "/commerce/oci/availability-records/uploads"
PART = "fileUpload"
ENDED = frozenset({"completed", "complete", "success", "failed", "error", "completedwitherrors"})
"""Words of ``status`` for an import that has ended, letters only, in any case."""
WAIT_SECONDS = 60.0
"""For how long a run waits for an import to end."""
FIRST_LOOK, LONGEST_LOOK = 1.0, 8.0
"""Seconds before the first look at an import, and the longest between two."""
ACTS_FOR = 900.0
"""UNVERIFIED: seconds after which an import that was accepted has ended."""
MOST_LEVELS = 5_000
"""Levels of a file: with the longest SKUs it stays below the vendor's 10 MB."""
Ended: TypeAlias = Literal["whole", "in part", "not yet", "refused"]
"""What is known of an import: all was taken; some was not; it may still act; there is none."""


class Accepted(msgspec.Struct):
    """The answer to an upload."""

    uploadId: str  # noqa: N815 - the vendor's name


class Status(msgspec.Struct):
    """How far an import is."""

    status: str = ""
    recordsProcessedCount: int = 0  # noqa: N815
    recordsSkippedCount: int = 0  # noqa: N815
    validationErrors: list[object] | None = None  # noqa: N815


_ACCEPTED = msgspec.json.Decoder(Accepted)
_STATUSES = msgspec.json.Decoder(Status)


async def upload(client: AsyncApiClient, location: str, levels: Mapping[str, int]) -> Ended:
    """Upload SKU -> ``onHand`` of a location, and wait for the import.

    ``refused``: the org does not take the file. Raises the errors of calls.
    """
    body, kind = as_form(location, levels, datetime.now(UTC))
    reply = await client.request(
        "POST",
        PATH,
        body=body,
        headers={"Content-Type": kind},
        idempotent=True,
        decode=_ACCEPTED.decode,
    )
    if not reply.ok:
        refuse_access(reply)
        return "refused"
    accepted: Accepted = reply.value
    if not accepted.uploadId.replace("-", "").isalnum():
        raise PermanentError(f"{reply.where} gave an id that is none: {CONTRACT}")
    waited, pause = 0.0, FIRST_LOOK
    while waited < WAIT_SECONDS:
        await asyncio.sleep(pause)
        waited, pause = waited + pause, min(2 * pause, LONGEST_LOOK)
        found = await _status(client, accepted.uploadId)
        if (ended := outcome_of(found, len(levels))) != "not yet":
            return ended
    return "not yet"


async def _status(client: AsyncApiClient, upload_id: str) -> Status:
    reply = await client.request("GET", f"{PATH}/{upload_id}", decode=_STATUSES.decode)
    if not reply.ok:
        refuse_access(reply)
    found: Status | None = reply.value if reply.ok else None
    return found or Status()  # it is looked at again, until its time is over


def outcome_of(found: Status, count: int) -> Ended:
    """Return what a status says about an import of some levels. Pure."""
    problems = bool(found.recordsSkippedCount or found.validationErrors)
    if found.recordsProcessedCount >= count and not problems:
        return "whole"
    word = "".join(filter(str.isalpha, found.status.casefold()))
    has_ended = found.recordsProcessedCount + found.recordsSkippedCount >= count
    return "in part" if has_ended or word in ENDED else "not yet"


def as_form(location: str, levels: Mapping[str, int], now: datetime) -> tuple[bytes, str]:
    """Return a form with the file, and its content type. Pure but for the ids.

    A line for the location, then one for each level; what is not named of a level stays.
    """
    lines: Sequence[dict[str, Any]] = [
        {"location": location, "mode": "UPDATE"},
        *(
            {
                "recordId": str(uuid4()),
                "sku": sku,
                "onHand": on_hand,
                "effectiveDate": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            }
            for sku, on_hand in levels.items()
        ),
    ]
    mark = uuid4().hex
    head = (
        f'--{mark}\r\nContent-Disposition: form-data; name="{PART}"; filename="levels.json"\r\n'
        "Content-Type: application/json\r\n\r\n"
    )
    file = b"\n".join(map(orjson.dumps, lines))
    body = head.encode() + file + f"\r\n--{mark}--\r\n".encode()
    return body, f"multipart/form-data; boundary={mark}"
