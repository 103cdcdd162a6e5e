"""Invented tracking numbers with valid check digits, for every simulated warehouse."""

from __future__ import annotations

CARRIERS = ("UPS", "FEDEX", "USPS", "DHL")
_STRIDE = 7_368_787
"""Coprime to powers of ten: numbers repeat only after all serials; neighbours look different."""


def tracking_number(carrier: str, serial: int) -> str:
    """Build a carrier's ``serial``-th invented number, with a valid check digit.

    A number comes once for each serial. Raises KeyError for an unknown carrier.
    """
    return _BUILDERS[carrier](serial)


def _spread(serial: int, digits: int) -> str:
    return str(serial * _STRIDE % 10**digits).zfill(digits)


def _ups(serial: int) -> str:
    body = f"8W4R26{'03'}{_spread(serial, 7)}"
    values = [int(char) if char.isdigit() else (ord(char) - 63) % 10 for char in body]
    total = sum(value * (2 if place % 2 else 1) for place, value in enumerate(values))
    return f"1Z{body}{-total % 10}"


def _fedex(serial: int) -> str:
    body = f"7{_spread(serial, 10)}"
    total = sum(int(char) * (3, 1, 7)[place % 3] for place, char in enumerate(body))
    return f"{body}{total % 11 % 10}"


def _usps(serial: int) -> str:
    body = f"9400136{_spread(serial, 14)}"
    total = sum(
        int(char) * (3 if place % 2 == 0 else 1) for place, char in enumerate(reversed(body))
    )
    return f"{body}{-total % 10}"


def _dhl(serial: int) -> str:
    body = f"3{_spread(serial, 8)}"
    return f"{body}{int(body) % 7}"


_BUILDERS = {"UPS": _ups, "FEDEX": _fedex, "USPS": _usps, "DHL": _dhl}
