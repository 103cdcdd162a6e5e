"""The simulated Manhattan tenant keeps the public contract: tokens, saves, holds, cancels."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.sandbox.manhattan_caller import (
    BY_ID,
    SAVE,
    SEARCH,
    Caller,
    codes_of,
    order_of,
)


@pytest.fixture
def caller() -> Caller:
    """A separate tenant for each test."""
    return Caller()


def test_a_token_needs_the_right_client_and_user(caller: Caller) -> None:
    """Wrong credentials are a 401, and both grants lead to a token."""
    assert caller.ask_token(secret="wrong").status == 401
    assert caller.ask_token("grant_type=password&username=sync&password=wrong").status == 401
    assert caller.ask_token("grant_type=refresh_token").status == 400
    answer = orjson.loads(caller.ask_token("grant_type=client_credentials").body)
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 3600)


def test_an_expired_token_is_answered_with_the_envelope(caller: Caller) -> None:
    """401 and the code invalid_token mean that the caller must fetch a new token."""
    caller.control("tokens/expire")
    status, envelope = caller.call("POST", SAVE, order_of())
    assert (status, envelope["success"], codes_of(envelope)) == (401, False, ["invalid_token"])
    assert caller.effects() == {}


def test_a_save_is_an_upsert_by_order_id(caller: Caller) -> None:
    """A repeated create changes only the time of change, which strictly increases."""
    first = caller.save(order_of())
    second = caller.save(order_of())
    effect = caller.effects()["1001"]
    assert (effect["creates"], effect["saves"], effect["total"]) == (1, 2, "25.65")
    assert first["MinFulfillmentStatusId"] == "1000"
    assert second["UpdatedTimestamp"] > first["UpdatedTimestamp"]
    assert len(first["UpdatedTimestamp"]) == len("2025-08-07T11:19:10.307")


def test_local_stamps_go_back_when_clocks_do(caller: Caller) -> None:
    """They name no zone: 02:50 is followed by 02:10, which a search compares as written."""
    caller.control("settings", {"time_zone": "Europe/Berlin"})
    stamps = []
    for moment in ("2026-10-25T00:50:00", "2026-10-25T01:10:00"):
        caller.control("clock", {"now": moment, "freeze": True})
        stamps.append(caller.save(order_of())["UpdatedTimestamp"])
    assert stamps == ["2026-10-25T02:50:00.000", "2026-10-25T02:10:00.000"]
    query = "UpdatedTimestamp >= '2026-10-25T02:30:00'"
    assert caller.ok("POST", SEARCH, {"Query": query, "Page": 0, "Size": 10}) == []


def test_a_partial_save_changes_only_what_it_names(caller: Caller) -> None:
    """Lines, charges and taxes are matched by their ids; the rest is unchanged."""
    caller.save(order_of(quantities=(2, 1)))
    lines = [
        {
            "OrderLineId": "2",
            "UnitPrice": 7,
            "OrderLineTaxDetail": [{"TaxDetailId": "vat", "TaxAmount": 0.3}],
        }
    ]
    caller.save(
        {
            "OrderId": "1001",
            "OrderChargeDetail": [{"ChargeDetailId": "gift", "ChargeTotal": -1}],
            "OrderLine": lines,
        }
    )
    order = caller.read("1001")
    assert [charge["ChargeTotal"] for charge in order["OrderChargeDetail"]] == [5.05, -1]
    assert [(line["UnitPrice"], line["Quantity"]) for line in order["OrderLine"]] == [
        (10.10, 2),
        (7, 1),
    ]
    assert caller.effects()["1001"]["total"] == "31.95"


def test_one_locked_line_blocks_the_whole_update(caller: Caller) -> None:
    """A released line refuses quantity, price and address; the other changes are dropped, too."""
    caller.save(order_of(quantities=(2, 1)))
    caller.advance("release")
    before = caller.read("1001")
    status, envelope = caller.call(
        "POST",
        SAVE,
        {
            "OrderId": "1001",
            "CustomerEmail": "new@example.com",
            "OrderLine": [{"OrderLineId": "2", "Quantity": 3}],
        },
    )
    assert (status, envelope["success"]) == (400, False)
    assert envelope["messages"]["Message"][0]["BusinessKeys"] == {
        "OrderId": "1001",
        "OrderLineId": "2",
    }
    assert caller.read("1001") == before
    caller.save(
        {
            "OrderId": "1001",
            "CustomerEmail": "new@example.com",
            "OrderLine": [{"OrderLineId": "2", "Quantity": "1.0"}],
        }
    )
    assert caller.read("1001")["CustomerEmail"] == "new@example.com"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ItemId": "NOPE"}, "ITEM_NOT_FOUND"),
        ({"Quantity": 0}, "INVALID_ATTRIBUTE"),
        ({"Quantity": -1}, "INVALID_ATTRIBUTE"),
        ({"Quantity": None}, "MISSING_ATTRIBUTE"),
        ({"UOM": ""}, "MISSING_ATTRIBUTE"),
        ({"ItemId": None}, "MISSING_ATTRIBUTE"),
        ({"UOM": "PALLET"}, "INVALID_UOM"),
    ],
)
def test_a_wrong_line_is_refused_with_its_keys(
    caller: Caller, change: dict[str, Any], code: str
) -> None:
    """The error identifies the line, and nothing is stored."""
    order = order_of()
    order["OrderLine"][0].update(change)
    status, envelope = caller.call("POST", SAVE, order)
    assert (status, envelope["success"]) == (400, False)
    assert code in codes_of(envelope)
    assert envelope["messages"]["Message"][0]["BusinessKeys"]["OrderLineId"] == "1"
    assert caller.effects() == {}


def test_currency_and_card_numbers_are_checked(caller: Caller) -> None:
    """An unknown currency or a card number is refused, and the number is not repeated."""
    assert codes_of(caller.call("POST", SAVE, order_of(CurrencyCode="ZZZ"))[1]) == [
        "INVALID_CURRENCY"
    ]
    payment = [
        {"PaymentMethod": [{"PaymentMethodId": "p", "AccountDisplayNumber": "4111 1111 1111 1111"}]}
    ]
    _, envelope = caller.call("POST", SAVE, order_of(Payment=payment))
    assert codes_of(envelope) == ["CARD_NUMBER_REFUSED"]
    assert "1111" not in str(envelope["messages"])


def test_an_amount_that_is_not_a_number_is_refused(caller: Caller) -> None:
    """Neither text nor NaN gets into a total, and a refused update leaves the order unchanged."""
    caller.save(order_of())
    for amount in ("ten", "NaN"):
        change = {
            "OrderId": "1001",
            "OrderChargeDetail": [{"ChargeDetailId": "shipping", "ChargeTotal": amount}],
        }
        assert codes_of(caller.call("POST", SAVE, change)[1]) == ["INVALID_ATTRIBUTE"]
    assert caller.effects()["1001"]["total"] == "25.65"


def test_an_attribute_of_the_wrong_shape_is_refused_without_a_crash(caller: Caller) -> None:
    """An unreadable body is a permanent error of the caller: a 5xx would be retried forever."""
    for attributes in (
        {"OrderHold": [None]},
        {"Payment": {}},
        {"DoNotReleaseBefore": "soon"},
        {"CurrencyCode": ["EUR"]},
        {"OrderLine": ["x"]},
    ):
        status, envelope = caller.call("POST", SAVE, order_of(**attributes))
        assert (status, codes_of(envelope)) == (400, ["MALFORMED_ATTRIBUTE"])


def test_success_may_carry_problems_in_its_messages(caller: Caller) -> None:
    """An unknown shipping method (WARNING) or payment type (ERROR) does not undo the save."""
    order = order_of(
        Payment=[
            {
                "PaymentMethod": [
                    {"PaymentMethodId": "p", "PaymentType": {"PaymentTypeId": "Barter"}}
                ]
            }
        ]
    )
    order["OrderLine"][0]["ShippingMethodId"] = "Pigeon"
    status, envelope = caller.call("POST", SAVE, order)
    entries = envelope["messages"]["Message"]
    assert (status, envelope["success"], envelope["messages"]["Size"]) == (200, True, 2)
    assert [(entry["Type"], entry["Code"]) for entry in entries] == [
        ("WARNING", "UNKNOWN_SHIPPING_METHOD"),
        ("ERROR", "PAYMENT_TYPE_NOT_FOUND"),
    ]
    assert "1001" in caller.effects()


def test_an_order_id_with_url_characters_is_accepted_and_counted(caller: Caller) -> None:
    """The vendor accepts it silently; the sandbox does, too, and counts it."""
    caller.save(order_of("A#1/2"))
    assert caller.control("counts", method="GET")["url_special_order_ids"] == 1
    assert caller.call("GET", f"{BY_ID}A#1/2")[0] == 404
    assert caller.control("effects/order/A#1/2", method="GET")["OrderId"] == "A#1/2"


def test_bulk_import_creates_only_and_fails_by_row(caller: Caller) -> None:
    """An existing order fails alone; the others are created."""
    caller.save(order_of())
    status, envelope = caller.call(
        "POST",
        "/order/api/order/order/bulkImport",
        {"Data": [order_of(), order_of("1002"), {"OrderLine": []}]},
    )
    assert (status, envelope["data"]["SuccessCount"], envelope["data"]["FailedCount"]) == (
        200,
        1,
        2,
    )
    assert codes_of(envelope) == ["ORDER_EXISTS", "MISSING_ATTRIBUTE"]
    assert caller.effects()["1001"]["saves"] == 1


def test_a_hold_keeps_an_order_until_it_is_resolved(caller: Caller) -> None:
    """Holds come and go through the save, and a held order is not allocated."""
    caller.save(order_of(OrderHold=[{"HoldTypeId": "Fraud"}]))
    assert caller.advance("release") == {"held": 1}
    caller.save(
        {
            "OrderId": "1001",
            "OrderHold": [
                {"HoldTypeId": "Fraud", "StatusId": "2000", "ResolveReasonId": "Checked"}
            ],
        }
    )
    assert caller.read("1001")["IsOnHold"] is False
    assert caller.advance("release")["release"] == 1


def test_a_cancel_before_release_takes_effect_at_once(caller: Caller) -> None:
    """Quantity, charges and taxes become 0; the history keeps what was canceled."""
    caller.save(order_of(quantities=(2, 1)))
    caller.ok(
        "POST",
        f"{BY_ID}1001/orderLine/cancel",
        {"CancelReason": {"ReasonId": "Out Of Stock"}, "OrderLine": [{"OrderLineId": "1"}]},
    )
    order = caller.read("1001")
    assert order["OrderLine"][0]["OrderLineCancelHistory"][0]["CancelQuantity"] == 2
    assert (
        order["OrderLine"][0]["Quantity"],
        order["OrderLine"][0]["MaxFulfillmentStatusId"],
        order["IsCancelled"],
    ) == (0, "9000", False)
    assert caller.effects()["1001"]["total"] == "15.55"
    caller.ok("POST", "/order/api/order/order/cancel", [{"OrderId": "1001"}])
    effect = caller.effects()["1001"]
    assert (effect["canceled"], effect["total"], effect["saved_total"], effect["min_status"]) == (
        True,
        "0.00",
        "36.15",
        9000,
    )


def test_a_cancel_after_release_is_refused_or_a_request(caller: Caller) -> None:
    """Late cancellation is off by default; if on, the outcome comes later and may be a refusal."""
    caller.save(order_of())
    caller.save(order_of("1002"))
    caller.advance("release")
    assert codes_of(caller.call("POST", f"{BY_ID}1001/cancel", {})[1]) == ["CANCEL_NOT_ALLOWED"]
    caller.control("settings", {"late_cancellation": True})
    for order_id, accepted in (("1001", True), ("1002", False)):
        data = caller.ok("POST", f"{BY_ID}{order_id}/cancel", {})
        assert (
            data["PostReleaseModificationStatus"],
            data["OrderLine"][0]["cancellationRequestStatus"],
        ) == ("Requested", "Requested")
        assert data["IsCancelled"] is False
        caller.control(f"orders/{order_id}/cancel_outcome", {"accepted": accepted})
    assert (
        caller.read("1001")["PostReleaseModificationStatus"],
        caller.read("1001")["IsCancelled"],
    ) == ("Accepted", True)
    assert (
        caller.read("1002")["PostReleaseModificationStatus"],
        caller.read("1002")["IsCancelled"],
    ) == ("Rejected", False)
