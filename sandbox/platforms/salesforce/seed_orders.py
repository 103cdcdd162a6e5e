"""Reads a seed's orders (sandbox/seed/documents.py), as a merchant's import would write them here.

What the vendor has no field for is written the way that its documentation suggests: shipping is an
item of the type Delivery Charge, handling, gift wrap and gift certificates are fees, a pick-up and
a download have delivery methods of their own. The amounts are the seed's, so that an order that
does not add up there does not add up here. One that is not one can't be written: ``ValueError``.
"""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any

from sandbox.platforms.salesforce.clock import written

Json = dict[str, Any]
STATUSES = {
    0: "Created", 1: "Created", 2: "Fulfilled", 3: "Partially Fulfilled", 4: "Returned",
    5: "Canceled", 6: "Created", 7: "Created", 8: "In Fulfillment", 9: "In Fulfillment",
    10: "Delivered", 11: "Approved", 12: "Created", 13: "Created", 14: "Delivered",
}  # fmt: skip
"""Status of the seed -> status of the order summary."""
DIGITAL_METHOD, METHODS = "Electronic Delivery", {"store_credit": "Store Credit"}
PRODUCT, DELIVERY, FEE = "Order Product", "Delivery Charge", "Fee"


def order_of(seed: Json) -> Json:
    """Return a seed's order in the form of the control call ``orders``."""
    included = bool(seed.get("is_tax_inclusive_pricing"))
    billing = seed["billing_address"]
    places = [_group(each) for each in seed.get("shipping_addresses") or ()]
    places += [_pickup(each, billing) for each in seed.get("pickups") or ()]
    lines = [each for each in seed.get("products") or () if each["type"] != "giftcertificate"]
    if any(each["type"] == "digital" for each in lines) or not places:
        places.append(_group(billing) | {"method": DIGITAL_METHOD})
    order: Json = {
        "OrderNumber": str(seed["id"]),
        "Status": STATUSES[int(seed["status_id"])],
        "OrderedDate": _moment(seed, "date_created"),
        "at": _moment(seed, "date_modified"),
        "CurrencyIsoCode": seed.get("default_currency_code") or seed.get("currency_code") or "USD",
        "TaxLocaleType": "Gross" if included else "Net",
        "GrandTotalAmount": amount(seed, "total_inc_tax"),
        "TotalTaxAmount": amount(seed, "total_tax"),
        "name": " ".join(billing.get(n) or "" for n in ("first_name", "last_name")).strip(),
        "BillingEmailAddress": billing.get("email") or None,
        "BillingPhoneNumber": billing.get("phone") or None,
        "Description": seed.get("customer_message") or None,
        "groups": places,
        "items": [_line(each, included=included, places=places) for each in lines],
        "payments": _payments(seed),
    }
    order |= {f"Billing{name}": value for name, value in _address(billing).items()}
    order["items"] += _charges(seed, included=included)
    return order


def change_of(change: Json) -> Json:
    """Return a change of a seed's order as fields of the order summary."""
    changed: Json = {}
    if "status_id" in change:
        changed["Status"] = STATUSES[int(change["status_id"])]
    if "customer_message" in change:
        changed["Description"] = change["customer_message"]
    if unknown := sorted(change.keys() - {"status_id", "customer_message"}):
        raise ValueError(f"a seed's order can't be changed in {', '.join(unknown)}")
    return changed


def products_of(rows: list[Json]) -> list[Json]:
    """Return the products of a seed in the form of the control call ``catalog``."""
    return [
        {"sku": each["sku"], "name": row["name"]}
        for row in rows
        for each in (row.get("variants") or [row])
    ]


def customers_of(rows: list[Json]) -> list[Json]:
    """Return the registered customers of a seed in the form of the control call ``customers``."""
    names = {
        "first_name": "first_name", "last_name": "last_name", "company": "company",
        "address1": "street_1", "address2": "street_2", "city": "city",
        "state_or_province": "state", "postal_code": "zip", "country_code": "country_iso2",
    }  # fmt: skip
    return [
        {
            "FirstName": row["first_name"],
            "LastName": row["last_name"],
            "Email": row["email"],
            "company": row["company"],
            "addresses": [
                _address({new: each.get(old, "") for old, new in names.items()})
                | {
                    "Name": f"{each.get('first_name', '')} {each.get('last_name', '')}".strip()
                    or "-"
                }
                for each in row["addresses"]
            ],
        }
        for row in rows
    ]


def amount(values: Json, name: str) -> float:
    """Return an amount; zero if there is none."""
    value = values.get(name, 0)
    try:
        return float(Decimal(str(value)))
    except InvalidOperation:
        raise ValueError(f"{name}: {value!r} is not an amount") from None


def _moment(seed: Json, name: str) -> str:
    value = seed.get(name)
    try:
        moment = parsedate_to_datetime(str(value))
    except ValueError:
        raise ValueError(f"{name}: {value!r} is not a date") from None
    return written(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _address(given: Json) -> Json:
    street = "\n".join(line for n in ("street_1", "street_2") if (line := given.get(n)))
    names = {"City": "city", "State": "state", "PostalCode": "zip", "Country": "country_iso2"}
    return {"Street": street or None} | {new: given.get(old) or None for new, old in names.items()}


def _group(given: Json) -> Json:
    group: Json = {f"DeliverTo{name}": value for name, value in _address(given).items()}
    name = " ".join(given.get(n) or "" for n in ("first_name", "last_name")).strip()
    return group | {
        "DeliverToName": name or None,
        "EmailAddress": given.get("email") or None,
        "PhoneNumber": given.get("phone") or None,
        "method": given.get("shipping_method") or "",
    }


def _pickup(given: Json, billing: Json) -> Json:
    method = given["pickup_method_display_name"]
    return _group(billing) | {
        "method": method,
        "Lockstep_Pickup_Location__c": given["location"]["code"],
    }


def _line(each: Json, *, included: bool, places: list[Json]) -> Json:
    index = each.get("address_index")
    if each["type"] == "digital" or index is None:
        is_download = each["type"] == "digital" or each.get("pickup_index") != 0
        index = len(places) - 1 if is_download else 0
    taken = [_adjustment(part, included=included) for part in each.get("applied_discounts") or ()]
    off = sum(part["Amount"] for part in taken)
    net, gross = amount(each, "total_ex_tax"), amount(each, "total_inc_tax")
    tax = amount(each, "total_tax")
    return {
        "sku": each["sku"],
        "Name": each["name"],
        "Type": PRODUCT,
        "Quantity": float(int(each["quantity"])),
        "UnitPrice": amount(each, "price_ex_tax") if included else amount(each, "base_price"),
        "GrossUnitPrice": amount(each, "base_price") if included else amount(each, "price_inc_tax"),
        "TotalLineAmount": net,
        "TotalLineAmountWithTax": gross,
        "TotalPrice": round(net + off, 4),
        "TotalTaxAmount": tax,
        "TotalAmtWithTax": round(gross + off if included else net + off + tax, 4),
        "group": index,
        "adjustments": taken,
    }


def _adjustment(part: Json, *, included: bool) -> Json:
    del included  # what is off is stated on the basis of the prices
    off = -amount(part, "amount")
    found: Json = {"Name": part.get("name") or "Discount", "Amount": off, "TotalAmtWithTax": off}
    return found | {"Description": part.get("code")}


def _charges(seed: Json, *, included: bool) -> list[Json]:
    found = []
    for each in seed.get("products") or ():
        if each["type"] == "giftcertificate":
            found.append(_charge(each, "total", "Gift certificate", FEE, 0, included=included))
        found.append(_charge(each, "wrapping_cost", "Gift wrap", FEE, 0, included=included))
    for n, each in enumerate(seed.get("shipping_addresses") or ()):
        found.append(_charge(each, "cost", "Shipping", DELIVERY, n, included=included))
        found.append(_charge(each, "handling_cost", "Handling", FEE, n, included=included))
    for each in seed.get("fees") or ():
        name = each["display_name_customer"]
        found.append(_charge(each, "cost", name, FEE, 0, included=included))
    return [each for each in found if each["TotalAmtWithTax"]]


def _charge(values: Json, name: str, title: str, kind: str, group: int, *, included: bool) -> Json:
    net, gross = amount(values, f"{name}_ex_tax"), amount(values, f"{name}_inc_tax")
    tax = amount(values, f"{name}_tax")
    taken = values.get("applied_discounts") or () if name == "total" else ()
    off = -sum(amount(part, "amount") for part in taken)
    return {
        "sku": title,
        "Name": title,
        "Type": kind,
        "Quantity": 1.0,
        "UnitPrice": net,
        "GrossUnitPrice": gross,
        "TotalLineAmount": net,
        "TotalLineAmountWithTax": gross,
        "TotalPrice": round(net + off, 4),
        "TotalTaxAmount": tax,
        "TotalAmtWithTax": round(gross + off if included else net + off + tax, 4),
        "group": group,
        "adjustments": [],
    }


def _payments(seed: Json) -> list[Json]:
    made = []
    for each in seed.get("transactions") or ():
        paid = amount(each, "amount")
        is_captured = each["event"] != "authorization"
        method = METHODS.get(each["method"]) or seed.get("payment_method") or each["method"]
        state = "Failed" if each.get("status") == "error" else "Processed"
        event = {
            "GatewayRefNumber": each.get("gateway_transaction_id") or None,
            "Amount": paid,
            "Status": state,
            "EffectiveDate": each["date_created"],
        }
        made.append(
            {
                "Method": method,
                "AuthorizationAmount": 0.0 if is_captured else paid,
                "CapturedAmount": paid if is_captured else 0.0,
                "captures" if is_captured else "authorizations": [event],
            }
        )
    if not made and (method := seed.get("payment_method")):
        made.append({"Method": method, "AuthorizationAmount": amount(seed, "total_inc_tax")})
    return made
