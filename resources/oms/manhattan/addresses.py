"""An address in Manhattan's form, of an order or of a customer. Pure."""

from __future__ import annotations

from domain.addressing.addresses import Address


def to_address(address: Address, company: str | None, email: str = "") -> dict[str, object]:
    """Return all attributes of an address; ``company`` names the one for the company, if any."""
    country = address.country
    result: dict[str, object] = {
        "FirstName": address.first_name,
        "LastName": address.last_name,
        "Address1": address.line_1,
        "Address2": address.line_2,
        "City": address.city,
        "State": address.subdivision.removeprefix(f"{country}-"),
        "PostalCode": address.postcode,
        "Country": country,
        "Phone": _phone(address),
        "Email": email or address.email,
    }
    if address.company and company:
        result[company] = address.company
    return result


def _phone(address: Address) -> str:
    if not address.phone_e164:
        return address.phone_raw
    if not address.phone_extension:
        return address.phone_e164
    return f"{address.phone_e164} x{address.phone_extension}"
