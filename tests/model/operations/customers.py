"""Registered customers: created, changed, emptied, deleted in the store, forgotten by Lockstep."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from domain.connections import CUSTOMERS
from domain.errors import PermanentError
from resources.ledger.privacy import forgetting
from resources.ledger.session import Session
from tests.model.life import Life, NotPossibleError
from tests.model.operations.registry import Act, Draw, Register, among, at, between
from tests.model.world import AT_OMS, NAME, STREAMS

Json = dict[str, Any]
WHO = between(1, 3)
"""Few people, so that operations meet."""
STORES = ("bigcommerce", "commercetools", "salesforce")
SAVES = "customer/save$"
FIRST_ID = 700
CONSENT, LOCALE = "AcceptsMarketing", "Locale"
"""The OMS's attributes of these."""
CITIES = among("Austin", "Waco", "Reno")


def among_stores(*stores: str) -> Register:
    """Return what registers operations of some stores with the OMS that has customers."""

    def operation(actor: str, weight: float = 1.0, /, **draws: Draw) -> Any:
        def register(act: Act) -> Act:
            for store in stores:
                at(f"{store}/manhattan")(actor, weight, **draws)(act)
            return act

        return register

    return operation


operation = among_stores(*STORES)


@operation("shopper", 3, who=WHO, addresses=between(0, 2))
def register(life: Life, who: int, addresses: int) -> None:
    """Register a customer with some addresses."""
    if who in life.facts.customers:
        raise NotPossibleError
    _allow(life)
    number = FIRST_ID + len(life.facts.people)
    document = {
        "id": number,
        "email": f"registered-{number}@example.com",
        "first_name": "Ada",
        "last_name": f"Number {number}",
        "company": "",
        "phone": "",
        "addresses": [home_of(number, place) for place in range(addresses)],
    }
    [made] = life.world.to_store("seed/customers", [document])["ids"]
    life.facts.customers[who] = str(made)
    life.facts.people[str(made)] = document


@operation("shopper", 3, who=WHO, first=among("Bea", "Cleo", "Dora"))
def rename(life: Life, who: int, first: str) -> None:
    """Change a customer's first name."""
    change_person(life, who, {"first_name": first})


@among_stores("commercetools")("shopper", 2, who=WHO, city=CITIES)
def move_person(life: Life, who: int, city: str) -> None:
    """Have one address, in some town."""
    name = known_person(life, who)
    number = life.facts.people[name]["id"]
    change_person(life, who, {"addresses": [home_of(number, 0) | {"city": city}]})


@operation("merchant", 1, who=WHO)
def anonymise(life: Life, who: int) -> None:
    """Empty a customer's names, and replace the e-mail address, as a store's own tools do."""
    name = known_person(life, who)
    number = life.facts.people[name]["id"]
    email = f"anonymous-{number}@example.com"
    change_person(life, who, {"first_name": "", "last_name": "", "email": email})


@among_stores("commercetools", "salesforce")("shopper", 2, who=WHO)
def close_account(life: Life, who: int) -> None:
    """Delete a customer."""
    life.world.to_store(f"customers/{known_person(life, who)}", {}, "DELETE")
    del life.facts.customers[who]


@operation("operator", 0.5, who=WHO)
def forget_customer(life: Life, who: int) -> None:
    """Forget a registered person."""
    name = known_person(life, who)
    email, forgotten = life.facts.people[name]["email"], 0
    for connection in life.world.names:
        with life.world.ledger.session(connection, "") as session, suppress(PermanentError):
            forgetting.forget(session.db, connection, email, "operator")
            forgotten += 1
    if not forgotten:
        raise NotPossibleError  # nothing of them has been read
    life.facts.forgotten_people.add(name)


@operation("world", 2, fate=among("drop_after", "drop_before", "replaced"), times=among(1, 2))
def lose_customers(life: Life, fate: str, times: int) -> None:
    """Lose customers before or after their effect, or answer them with what can't be used."""
    rule: Json = {"status": 200, "body": "<html/>"} if fate == "replaced" else {}
    life.world.fault(AT_OMS, path=SAVES, method="POST", kind=fate, times=times, **rule)


def known_person(life: Life, who: int) -> str:
    """Return the store's id of a person; raises ``NotPossibleError`` if they have no account."""
    if who not in life.facts.customers:
        raise NotPossibleError
    return life.facts.customers[who]


def change_person(life: Life, who: int, values: Json) -> None:
    """Change fields of a customer, by the names of the seed."""
    name = known_person(life, who)
    document = life.facts.people[name]
    if all(document.get(field) == value for field, value in values.items()):
        raise NotPossibleError
    document |= values
    if life.world.pair.store != "salesforce":
        life.world.to_store("seed/customers", [document])
        return
    contacts = life.world.ask_store("dump/Contact")
    contact = next(row["Id"] for row in contacts if row["AccountId"] == name)
    names = {"first_name": "FirstName", "last_name": "LastName", "email": "Email"}
    fields = {names[field]: value for field, value in values.items()}
    life.world.to_store("put/Contact", {"Id": contact, **fields})


def home_of(number: int, place: int) -> Json:
    """Return an address of a customer."""
    return {
        "id": number * 10 + place,
        "first_name": "Ada",
        "last_name": f"Number {number}",
        "company": "",
        "address1": f"{place + 1} High Street",
        "address2": "",
        "city": "Austin",
        "state_or_province": "Texas",
        "postal_code": "78701",
        "country": "United States",
        "country_code": "US",
        "phone": "",
    }


def _allow(life: Life) -> None:
    """Let the connection follow customers, from the first one on."""
    world = life.world
    if CUSTOMERS not in world.installation.connections[NAME].streams:
        streams = world.sections.get("streams", STREAMS)
        yesterday = world.clock.now() - timedelta(days=1)  # a store's clock may be behind
        with world.ledger.session(NAME, "") as session:
            for name in world.names:
                Session(session.db, name, CUSTOMERS, "").start_watermark(yesterday)
        names = {"customer_consent": CONSENT, "customer_locale": LOCALE}
        world.restart(streams=[*streams, CUSTOMERS], oms=world.with_names(**names))
