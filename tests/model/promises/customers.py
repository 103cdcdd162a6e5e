"""Customers: the OMS has each registered one once, as the store has them."""

from __future__ import annotations

from collections.abc import Iterator

from tests.model.life import OPEN, Json, Life

CONSENT, LOCALE = "AcceptsMarketing", "Locale"
HIDDEN = ("email", "first_name", "last_name")


def check(life: Life) -> Iterator[str]:
    """Return each customer that is lost, doubled, other than in the store, or not let go."""
    facts = life.facts
    if not facts.people:
        return
    world = life.world
    store = {row["id"]: row for row in world.ask_store("truth")["customers"]}
    held = {row["id"]: row for row in world.ask_oms("truth")["customers"]}
    creates = world.ask_oms("counts")["customer_creates"]
    ids = {prefix + name for prefix in world.prefixes for name in facts.people}
    if creates > len(ids) or held.keys() - ids:
        yield f"customer_doubled: {creates} were created of {len(ids)} people"
    excused = {name for stream, name, _ in world.database.rows(OPEN) if stream == "customers"}
    excused |= {name for stream, name in facts.discarded if stream == "customers"}
    for name in sorted(facts.people.keys() - excused - facts.forgotten_people):
        for prefix in world.prefixes:
            there = held.get(prefix + name)
            yield from _compared(prefix + name, store.get(name), there)
            if name in store and there is not None:
                yield from _attributes(life, name, prefix + name)


def _compared(name: str, here: Json | None, there: Json | None) -> Iterator[str]:
    if here is None:
        if there is not None and (there["active"] or any(there[field] for field in HIDDEN)):
            yield f"customer_kept: {name} was deleted in the store, and is known at the OMS"
    elif there is None:
        yield f"customer_lost: {name} is in the store only"
    elif fields := [field for field in here if field != "id" and here[field] != there[field]]:
        yield f"customer_differs: {name}: {', '.join(sorted(fields))}"


def _attributes(life: Life, name: str, oms_id: str) -> Iterator[str]:
    """Return what a customer has agreed to, or their language, where the OMS has another one."""
    store, document = life.world.store, life.world.tenant._state.customers[oms_id].document
    if life.world.pair.store == "bigcommerce":
        customer = store.customers.customers[int(name)]
        agrees = customer["accepts_product_review_abandoned_cart_emails"]
        if bool(document.get(CONSENT)) != agrees:
            yield f"consent_differs: {name}: {agrees} in the store, {document.get(CONSENT)} there"
    elif life.world.pair.store == "commercetools":
        locale = store.customers.need(name).get("locale")
        if (document.get(LOCALE) or None) != locale:
            yield f"locale_differs: {name}: {locale} in the store, {document.get(LOCALE)} there"
