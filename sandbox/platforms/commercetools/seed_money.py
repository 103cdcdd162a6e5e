"""The amounts of a seed's order in the vendor's form: minor units, net, gross and tax."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from sandbox.platforms.commercetools.money import cents, digits_of, rounded

Json = dict[str, Any]
PRECISE_DIGITS = 8


class Pricing(NamedTuple):
    """Currency and taxes of an order: whether prices contain their tax, and its rates."""

    currency: str
    included: bool
    rates: tuple[tuple[str, Decimal], ...]
    country: str

    @classmethod
    def of(cls, seed: Json) -> Pricing:
        """Return the pricing of a seed's order."""
        named = {
            (str(each["name"]), Decimal(str(each["rate"]))) for each in seed.get("taxes") or ()
        }
        currency = seed.get("default_currency_code") or seed.get("currency_code") or "USD"
        country = str(seed["billing_address"].get("country_iso2") or "US")
        return cls(
            currency, bool(seed.get("is_tax_inclusive_pricing")), tuple(sorted(named)), country
        )

    def amount(self, values: Json, name: str) -> Decimal:
        """Return an amount; zero if there is none."""
        value = values.get(name, 0)
        try:
            return Decimal(str(value))
        except InvalidOperation:
            raise ValueError(f"{name}: {value!r} is not an amount") from None

    def stated(self, values: Json, name: str) -> Decimal:
        """Return the amount that a price states: with its tax where prices contain it."""
        return self.amount(values, f"{name}_inc_tax" if self.included else f"{name}_ex_tax")

    def minor(self, amount: Decimal) -> int:
        """Return an amount in minor units."""
        return rounded(amount.scaleb(digits_of(self.currency)))

    def price(self, amount: Decimal) -> Json:
        """Return a price; of high precision if it is not a whole number of minor units."""
        whole = self.minor(amount)
        made = cents(whole, self.currency)
        if Decimal(whole).scaleb(-digits_of(self.currency)) == amount:
            return made
        precise = rounded(amount.scaleb(PRECISE_DIGITS))
        more = {"type": "highPrecision", "preciseAmount": precise, "fractionDigits": PRECISE_DIGITS}
        return made | more

    def charge(self, values: Json, name: str) -> Json:
        """Return price, tax rate and taxed price of a charge."""
        stated = self.stated(values, name)
        return {"price": cents(self.minor(stated), self.currency)} | self.taxed(
            stated, self.amount(values, f"{name}_tax")
        )

    def line(self, line: Json) -> Json:
        """Return price, tax rate and taxed price of a whole line, after its discounts."""
        stated = self.stated(line, "total") - discount_of(line)
        return {"price": cents(self.minor(stated), self.currency)} | self.taxed(
            stated, self.amount(line, "total_tax")
        )

    def taxed(self, stated: Decimal, tax: Decimal) -> Json:
        """Return tax rate and taxed price of an amount, if it is taxed."""
        if not self.rates:
            return {}
        net, gross = (stated - tax, stated) if self.included else (stated, stated + tax)
        found: Json = {"taxedPrice": self._taxed_price(net, gross, tax)}
        if tax:
            found["taxRate"] = self._rate()
        return found

    def totals(self, seed: Json) -> Json:
        """Return the order's totals as the seed states them."""
        stated = self.stated(seed, "total")
        found: Json = {"totalPrice": cents(self.minor(stated), self.currency)}
        if self.rates:
            net, gross = (self.amount(seed, f"total_{name}_tax") for name in ("ex", "inc"))
            found["taxedPrice"] = self._taxed_price(net, gross, self.amount(seed, "total_tax"))
        return found

    def _taxed_price(self, net: Decimal, gross: Decimal, tax: Decimal) -> Json:
        share = float(sum((rate for _, rate in self.rates), Decimal(0)) / 100)
        total = cents(self.minor(tax), self.currency)
        return {
            "totalNet": cents(self.minor(net), self.currency),
            "totalGross": cents(self.minor(gross), self.currency),
            "taxPortions": [{"rate": share, "name": "Tax", "amount": total}],
            "totalTax": total,
        }

    def _rate(self) -> Json:
        whole = sum((rate for _, rate in self.rates), Decimal(0)) / 100
        parts = [{"name": name, "amount": float(rate / 100)} for name, rate in self.rates]
        return {
            "name": " + ".join(name for name, _ in self.rates),
            "amount": float(whole),
            "includedInPrice": self.included,
            "country": self.country,
            "subRates": parts if len(parts) > 1 else [],
        }


def discount_of(line: Json) -> Decimal:
    """Return what was taken off a line."""
    parts = line.get("applied_discounts") or ()
    return sum((Decimal(str(part["amount"])) for part in parts), Decimal(0))
