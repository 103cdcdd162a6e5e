"""Bad requests of agents: in Lockstep's own form, in files, and as Salesforce's records."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from domain.addressing.addresses import AddressRules
from domain.builders.actions import encode, to_request
from domain.errors import LockstepError
from domain.exchange import RawRecord
from domain.identity import is_id
from domain.records.actions import ActionOutcome
from domain.schemas.actions import action_problems
from resources import action_folder
from resources.action_folder import FolderRequests
from resources.platforms.commercetools.actions.mapping import capture_of, to_action
from resources.platforms.commercetools.actions.source import ActionsSource
from resources.platforms.salesforce.actions.mapping import to_request as of_salesforce
from resources.platforms.salesforce.actions.source import ActionsSource as OrgActions
from resources.platforms.salesforce.answers_payload import ROWS
from tests.bad_input.counts import REQUEST_FILES, REQUESTS_EACH
from tests.bad_input.mutations import Mutator
from tests.bad_input.outcomes import assert_is_bounded, outcome_of, run
from tests.bad_input.test_files import CELLS
from tests.resources.platforms.commercetools.projects import connection
from tests.resources.platforms.commercetools.projects import settings as commercetools

pytestmark = pytest.mark.slow(seconds=25)

Json = dict[str, Any]
PERSONAL = ("Brightwater", "kingfisher", "5125550142")
RULES = AddressRules()
BASE: Json = {
    "action_id": "A1",
    "order": "1001",
    "requested_by": "agent-7",
    "permission_set": "phone",
    "requested_at": "2026-11-27T12:00:00Z",
}
PLACE = {
    "first_name": "Ada", "last_name": "Brightwater", "street_1": "9 Kingfisher Lane",
    "city": "Dallas", "state": "Texas", "postcode": "75201", "country_code": "US",
    "phone": "512-555-0142",
}  # fmt: skip
OWN = [
    encode(BASE | change)
    for change in (
        {"kind": "cancel"},
        {"kind": "cancel", "line": "101", "quantity": 2, "comment": "Ada Brightwater called"},
        {"kind": "hold", "hold": "VIP"},
        {"kind": "reroute", "address": PLACE},
        {"kind": "reroute", "node": "DC2"},
    )
]
RECORD: Json = {
    "attributes": {"type": "Lockstep_Action__c", "url": "/services/data/v66.0/sobjects/x/y"},
    "Id": "a02Lk0000000001IAA", "CreatedById": "005Lk0000000001AAA",
    "CreatedBy": {"attributes": {"type": "User"}, "Profile": {"Name": "Support"}},
    "CreatedDate": "2026-11-27T12:00:00.000+0000", "SystemModstamp": "2026-11-27T12:00:00.000+0000",
    "Order_Summary__c": "1OsLk0000000001KAA", "Kind__c": "cancel", "Line__c": None,
    "Quantity__c": None, "Hold__c": None, "Node__c": None, "Comment__c": None,
}  # fmt: skip
ORDER = "0a1b2c3d-0000-4000-8000-000000000001"
SALESFORCE = [
    orjson.dumps(RECORD | change)
    for change in (
        {},
        {"Line__c": "10uLk0000000001AAA", "Quantity__c": 2.0},
        {"Kind__c": "hold", "Hold__c": "VIP"},
        {
            "Kind__c": "reroute", "Street__c": "9 Kingfisher Lane", "City__c": "Dallas",
            "State__c": "Texas", "Postal_Code__c": "75201", "Country__c": "US",
            "Last_Name__c": "Brightwater", "Phone__c": "512-555-0142",
        },
    )
]  # fmt: skip


def of_commercetools(text: bytes) -> Any:
    """Map the text of a custom field; the order's id is the project's."""
    return to_action(capture_of(ORDER, text.decode(errors="replace")), RULES)


@pytest.mark.parametrize(
    ("read", "documents", "seed"),
    [
        (lambda payload: to_request(payload, RULES), OWN, 9_100_000),
        (lambda payload: of_salesforce(payload, RULES), SALESFORCE, 9_200_000),
        (of_commercetools, OWN, 9_300_000),
    ],
    ids=["own form", "salesforce", "commercetools"],
)
def test_every_spoilt_request_is_mapped_or_rejected(
    read: Any, documents: list[bytes], seed: int
) -> None:
    """No crash, no personal value shown; what is mapped passes the checks of its batch."""
    mapped: list[Any] = []

    def reading(payload: bytes) -> Any:
        found = read(payload)
        mapped.append(found.record)
        return found

    outcomes = run(reading, Mutator(documents).payloads(REQUESTS_EACH, seed), PERSONAL)
    assert outcomes.total() == REQUESTS_EACH
    assert outcomes["mapped"] > REQUESTS_EACH // 10
    assert len(outcomes) > 5, "and reach the rules"
    for start in range(0, len(mapped), 2_000):
        found = action_problems(mapped[start : start + 2_000])
        assert {p.code for some in found.values() for p in some} <= {"action_id_duplicate"}


FIELDS = {"request": "lockstepAction", "outcome": "lockstepOutcome"}


def test_every_spoilt_order_of_commercetools_has_a_request_of_its_own_or_none() -> None:
    """A request has an id that it keeps; an order that can't be read is the orders' affair."""
    chosen: Any = commercetools(actions=FIELDS)
    source = ActionsSource(None, None, chosen, connection())  # type: ignore[arg-type]
    document = {
        "id": ORDER, "version": 3, "custom": {
            "fields": {"lockstepAction": OWN[1].decode(), "lockstepOutcome": '{"id": "other"}'},
        },
    }  # fmt: skip
    now, outcomes = datetime(2026, 11, 27, tzinfo=UTC), Counter[str]()
    for payload in Mutator([orjson.dumps(document)]).payloads(REQUESTS_EACH, 9_400_000):
        found = list(source._new([RawRecord(ORDER, now, payload.body)]))
        assert [one.source_id for one in source._new([RawRecord(ORDER, now, payload.body)])] == [
            one.source_id for one in found
        ]
        for one in found:
            outcome, fault = outcome_of(source.to_canonical, one.payload)
            assert is_id(one.source_id), payload
            assert fault == "", (payload, fault)
            outcomes[outcome] += 1
        outcomes["none"] += not found
    assert outcomes["mapped"] > REQUESTS_EACH // 10
    assert len(outcomes) > 4, "and reach the rules"


def test_a_spoilt_answer_to_outcomes_shows_none_that_the_org_did_not_take() -> None:
    """Row by row: what is not taken is shown again."""
    asked = [ActionOutcome(action_id=f"a02Lk000000000{n}IAA", state="done") for n in range(3)]
    rows = [
        {"id": asked[0].action_id, "success": True, "errors": []},
        {"id": None, "success": False, "errors": [{"statusCode": "UNABLE_TO_LOCK_ROW"}]},
        {"id": None, "success": False, "errors": [{"statusCode": "ENTITY_IS_DELETED"}]},
    ]
    outcomes: Counter[str] = Counter()
    for payload in Mutator([orjson.dumps(rows)]).payloads(REQUESTS_EACH, 9_600_000):
        try:
            found = ROWS.decode(payload.body)
        except (ValueError, RecursionError):
            outcomes["unreadable"] += 1
            continue
        if len(found) != len(asked):
            outcomes["other rows"] += 1
            continue
        try:
            known = OrgActions._known(asked, found)
        except LockstepError as error:
            assert_is_bounded(str(error))
            outcomes[type(error).__name__] += 1
            continue
        for one, row in zip(asked, found, strict=True):
            gone = bool(row.errors) and row.errors[0].statusCode == "ENTITY_IS_DELETED"
            assert (one.action_id in known) >= row.success
            assert (one.action_id in known) <= (row.success or gone or bool(row.errors)), payload
        outcomes["known"] += 1
    assert outcomes.total() == REQUESTS_EACH
    assert outcomes["known"] > REQUESTS_EACH // 10
    assert {"unreadable", "other rows"} <= outcomes.keys()


def test_every_row_of_a_spoilt_file_is_a_request_or_a_rejection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No row is lost, and each has an id of its own that it keeps."""
    monkeypatch.setattr(action_folder, "QUIET_SECONDS", 0.0)
    random = Random(93)
    header = "action_id,order,kind,line,quantity,requested_by,permission_set,address_city"
    good = ["", "1001", "hold", "", "", "agent-7", "phone", ""]
    folder = FolderRequests(tmp_path)
    outcomes: Counter[str] = Counter()
    for number in range(REQUEST_FILES // 4):
        lines = []
        for place in range(4):
            cells = [f"N{number}-{place}", *good[1:]]
            for _ in range(random.randrange(3)):
                cells[random.randrange(len(cells))] = random.choice(CELLS).replace("\n", " ")
            lines.append(",".join(cells))
        text = "\n".join([header, *lines])
        body = text.encode(errors="surrogatepass")
        cut = body[: random.randrange(len(body))] if random.random() < 0.1 else body
        (tmp_path / "a.csv").write_bytes(cut)
        rows = [row for some in folder.read() for row in some]
        again = [row for some in folder.read() for row in some]
        assert [row.source_id for row in again] == [row.source_id for row in rows]
        assert cut is not body or len(rows) in (1, *range(3, 5)), rows
        for row in rows:
            assert is_id(row.source_id)
            code, _ = outcome_of(lambda payload: to_request(payload, RULES), row.payload)
            outcomes[code] += 1
    assert outcomes["mapped"] > REQUEST_FILES // 10
    assert len(outcomes) > 4
