"""What a list of customers does not show, and what not every store has: consent, language, events.

A BigCommerce store announces deletions and changes of addresses by webhooks only; one may be lost.
"""

from __future__ import annotations

from typing import Any

from domain.connections import CUSTOMERS
from domain.exchange import WebhookEvent
from resources.ledger.captures import inbox
from tests.model.life import Life, NotPossibleError
from tests.model.operations.customers import WHO, change_person, home_of, known_person
from tests.model.operations.registry import among, at, between
from tests.model.world import AT_STORE

Json = dict[str, Any]
bigcommerce = at("bigcommerce/manhattan")
LOCALES = among("de-DE", "en-US")


@bigcommerce("shopper", 2, who=WHO, agrees=among(True, False))
def give_consent(life: Life, who: int, agrees: bool) -> None:
    """Agree to messages, or take that back."""
    change_person(life, who, {"accepts_product_review_abandoned_cart_emails": agrees})


@at("commercetools/manhattan")("shopper", 2, who=WHO, locale=LOCALES)
def choose_language(life: Life, who: int, locale: str) -> None:
    """Choose the language of the account."""
    name = known_person(life, who)
    life.world.to_store("customers", [{"id": name, "locale": locale}])


@bigcommerce("shopper", 2, who=WHO)
def close_account(life: Life, who: int) -> None:
    """Delete a customer."""
    name = known_person(life, who)
    life.world.to_store(f"customers/{name}", {}, "DELETE")
    del life.facts.customers[who]
    _announce(life, name, "store/customer/deleted")


@bigcommerce("shopper", 3, who=WHO, place=between(0, 2), city=among("Austin", "Waco", "Reno", ""))
def change_address(life: Life, who: int, place: int, city: str) -> None:
    """Add an address, move it to another town, or remove it."""
    name = known_person(life, who)
    document = life.facts.people[name]
    home = home_of(document["id"], place) | {"city": city}
    before = next((one for one in document["addresses"] if one["id"] == home["id"]), None)
    if before == home or (before is None and not city):
        raise NotPossibleError
    document["addresses"] = [one for one in document["addresses"] if one is not before]
    path = f"customers/{name}/addresses"
    if city:
        document["addresses"].append(home)
        life.world.to_store(path, home)
    else:
        life.world.to_store(f"{path}/{home['id']}", {}, "DELETE")
    event = "updated" if before is not None else "created"
    _announce(life, name, f"store/customer/address/{event if city else 'deleted'}")


@bigcommerce("world", 1, number=between(1, 2))
def lose_events(life: Life, number: int) -> None:
    """Lose the next events of customers: the daily reconciliation finds what they were about."""
    life.facts.events_lost = number


def _announce(life: Life, name: str, scope: str) -> None:
    """Put a store's event into the inbox, as the receiver of webhooks does."""
    facts, world = life.facts, life.world
    if facts.events_lost:
        facts.events_lost -= 1
        facts.needs_repair = True
        return
    moment = world.clock.now() + world.skew[AT_STORE]
    event = WebhookEvent(f"msg-{next(life.runs.numbers)}", CUSTOMERS, name, scope, moment)
    for connection in world.names:
        with world.ledger.session(connection, CUSTOMERS) as session:
            inbox.put(session.db, connection, "platform", [event])
