"""Order products to lines: SKU, quantity, prices by the order's tax basis, discounts, gift wrap."""

from __future__ import annotations

from decimal import Decimal

from domain.builders.orders import LineDraft
from domain.currencies import rounding_of
from domain.memo import remembered
from domain.parsing.payload import Scalar
from domain.parsing.problems import LOOK, DocumentProblems
from domain.parsing.scalars import ZERO, amount_of
from domain.parsing.text import clean_name, clean_text, has_controls
from domain.records.orders import Charge, ChargeKind, Discount, LineKind
from resources.platforms.bigcommerce.orders.texts import gift_message, options_of
from resources.platforms.bigcommerce.payload import Line

KINDS = {
    "physical": LineKind.PHYSICAL,
    "digital": LineKind.DIGITAL,
    "giftcertificate": LineKind.GIFT_CERTIFICATE,
}
PlacedLine = tuple[Line, str, str]
"""A line, its path and the group that it goes with."""
MAX_SKU = 255
MAX_QUANTITY = 10**9
DIGITS = 12
"""Of a quantity that is written as a text; a longer one is too large in any case."""


def to_line(
    placed: PlacedLine, problems: DocumentProblems, minor: Decimal, *, included: bool
) -> LineDraft | None:
    """Map one order product; ``None`` if it is unclear what was sold.

    ``minor`` is the currency's minor unit; ``included`` chooses the prices that contain their tax.
    """
    raw, where, group_id = placed
    if not raw.id:
        problems.missing("line_id_missing", f"{where}id", "the line has no id")
        return None
    written = raw.type if isinstance(raw.type, str) else "not a text"
    if (kind := KINDS.get(written)) is None:
        message = "this isn't a type of line"
        problems.reject("line_type_unknown", f"{where}type", message, LOOK, written)
        return None
    sku = _sku(raw, kind, where, problems)
    quantity = _quantity(raw, where, problems)
    price, total = _prices(raw, where, quantity, minor, problems, included=included)
    draft = LineDraft(
        where,
        str(raw.id),
        group_id,
        kind,
        sku,
        clean_name(raw.name) if raw.name else "",
        quantity,
        price,
        total,
        amount_of(raw.total_tax),
        str(raw.variant_id) if raw.variant_id else None,
        str(raw.parent_order_product_id) if raw.parent_order_product_id else None,
        gift_message=gift_message(raw, where, problems) if raw.wrapping_message else "",
    )
    if raw.product_options or raw.configurable_fields:
        draft.options, draft.texts = options_of(raw, where, problems)
    if raw.applied_discounts:
        draft.discounts = _discounts(raw, where, problems)
    if wrap := _gift_wrap(raw, draft.line_id, included=included):
        draft.charges = [wrap]
    return draft


def _gift_wrap(raw: Line, line_id: str, *, included: bool) -> Charge | None:
    cost = amount_of(raw.wrapping_cost_inc_tax if included else raw.wrapping_cost_ex_tax)
    tax = amount_of(raw.wrapping_cost_tax)
    if not cost and not tax:
        return None
    name = clean_text(raw.wrapping_name or "") or "Gift wrap"
    kind = ChargeKind.GIFT_WRAP
    return Charge(charge_id=f"wrap-{line_id}", kind=kind, name=name, amount=cost, tax=tax)


def _sku(raw: Line, kind: LineKind, where: str, problems: DocumentProblems) -> str:
    sku = (raw.sku or "").strip()
    field, advice = f"{where}sku", "type the SKU again in the store"
    if not sku and kind is not LineKind.GIFT_CERTIFICATE:
        custom = "a product" if raw.product_id else "a custom product"
        name = clean_text(raw.name or "", 60)
        advice = "give the line's product a SKU in the store, or handle the order by hand"
        message = f"line {raw.id} is {custom} without SKU ({name})"
        problems.reject("sku_missing", field, message, advice)
    elif has_controls(sku):
        message = "the SKU holds a control character"
        problems.reject("sku_invalid", field, message, advice, sku)
    elif len(sku) > MAX_SKU:
        message, advice = f"the SKU has {len(sku)} characters", f"shorten it to {MAX_SKU}"
        problems.reject("sku_too_long", field, message, advice, sku)
    return sku


def whole_number(value: Scalar) -> int | None:
    """Return a number of units, 0 if none is given, ``None`` if it can't be one."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:DIGITS])
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None or value == "":
        return 0
    return value if type(value) is int and 0 <= value < MAX_QUANTITY else None


def _quantity(raw: Line, where: str, problems: DocumentProblems) -> Decimal:
    value = raw.quantity
    if type(value) is int and 0 < value < MAX_QUANTITY:
        return _units(value)
    if number := whole_number(value):
        return _units(number)
    shown = value if isinstance(value, (int, float)) else "not a number"
    message, advice = "the quantity must be a whole number above 0", "correct it in the store"
    problems.reject("quantity_invalid", f"{where}quantity", message, advice, shown)
    return ZERO


@remembered(1024)
def _units(number: int) -> Decimal:
    return Decimal(number)


def _prices(
    raw: Line,
    where: str,
    quantity: Decimal,
    minor: Decimal,
    problems: DocumentProblems,
    *,
    included: bool,
) -> tuple[Decimal, Decimal]:
    """Return unit price and line total, which must agree but for the rounding of the price."""
    written = raw.price_inc_tax if included else raw.price_ex_tax
    written_total = raw.total_inc_tax if included else raw.total_ex_tax
    basis = "inc_tax" if included else "ex_tax"
    if written is None or written == "":
        problems.missing("amount_missing", f"{where}price_{basis}", "the amount is missing")
    if written_total is None or written_total == "":
        problems.missing("amount_missing", f"{where}total_{basis}", "the amount is missing")
    price, total = amount_of(written), amount_of(written_total)
    computed = price * quantity
    if computed != total and quantity and abs(total - computed) > rounding_of(minor, quantity):
        message = (
            f"{quantity} times {price} is {computed}, but the line's total is {total}, "
            f"a difference of {total - computed}"
        )
        path, advice = f"{where}total_{basis}", "correct the line's price or total in the store"
        problems.reject("line_total_mismatch", path, message, advice, total)
    return price, total


def _discounts(raw: Line, where: str, problems: DocumentProblems) -> list[Discount]:
    discounts = []
    for i, entry in enumerate(raw.applied_discounts or ()):
        amount = amount_of(entry.amount) if entry is not None else ZERO
        if entry is None or not amount:
            continue
        if amount < 0:
            path, message = f"{where}applied_discounts[{i}].amount", "a discount can't be negative"
            problems.reject("discount_negative", path, message, LOOK, amount)
        discounts.append(
            Discount(
                discount_id=str(entry.id or "") or f"discount-{i}",
                name=clean_name(entry.name) if entry.name else "",
                amount=amount,
                code=(entry.code or "").strip() or None,
            )
        )
    return discounts
