"""Bad answers while products and variants are created, and while they are looked for by SKU."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import orjson
import pytest

from domain.delivery import ListingSave, NewListing
from domain.errors import LockstepError
from domain.listings import new_id
from domain.records.catalog import Attribute
from domain.records.listings import Listing, NewVariant
from resources.http.target_writer import TargetWriter
from resources.platforms.bigcommerce.listings.target import BigCommerceListingsWriter
from resources.platforms.salesforce.client import QueryClient
from resources.platforms.salesforce.listings.creation import key_of
from resources.platforms.salesforce.listings.target import SalesforceListingsWriter
from resources.platforms.salesforce.prices.reader import PriceReader
from tests.bad_input.counts import NEW_PRODUCTS_EACH
from tests.bad_input.mutations import Mutator
from tests.bad_input.outcomes import assert_is_bounded, defect_of
from tests.bad_input.targets import (
    STATUSES,
    Posts,
    Reading,
    Session,
    answers_of,
    pushing,
    use,
)
from tests.resources.platforms.salesforce.orgs import settings as salesforce

pytestmark = pytest.mark.slow(seconds=30)

Json = dict[str, Any]


@pytest.fixture(autouse=True)
def _in_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Call what reads the store at once: a hop into a thread costs more than the rest."""

    async def at_once(function: Callable[..., Any], *args: Any) -> Any:
        return function(*args)

    monkeypatch.setattr(asyncio, "to_thread", at_once)


def spoilt_answers(
    good: Mapping[str, Json],
    writer_of: Callable[[Session, Reading], TargetWriter],
    contents: Mapping[str, Any],
    check: Callable[[Posts, str], str],
    seed: int,
) -> Counter[str]:
    """Ask for products, and create or change them, with one spoilt answer each time.

    ``contents`` are what is sent, by the name under which it is asked for before.
    """
    names = list(good)
    mutators = {name: Mutator([orjson.dumps(good[name])]) for name in names}
    plain = {name: orjson.dumps(document) for name, document in good.items()}
    outcomes: Counter[str] = Counter()
    session, reading = Session(), Reading()

    async def all_of_them() -> None:
        async with writer_of(session, reading) as writer:
            for number in range(NEW_PRODUCTS_EACH):
                spoilt = names[number % len(names)]
                payload = mutators[spoilt].payload(seed + number)
                turn, posts = number // len(names), Posts()
                session.answers = reading.answers = answers_of(
                    plain, spoilt, (STATUSES[turn % len(STATUSES)], payload.body), posts
                )
                name, content = list(contents.items())[turn % len(contents)]
                try:
                    await look(writer, name, outcomes)
                    [state] = await use(writer, [content], outcomes)
                    fault = check(posts, state)
                    assert not fault, fault
                except Exception as error:
                    raise AssertionError(f"seed {payload.seed} of {spoilt}: {error!r}") from error

    asyncio.run(all_of_them())
    return outcomes


async def look(writer: Any, name: str, outcomes: Counter[str]) -> None:
    """Ask for a product: it is held, it has problems, or the store's answer is an error."""
    try:
        held = (await writer.held({name: ()}))[name]
    except LockstepError as error:
        assert_is_bounded(str(error))
        outcomes["not held"] += 1
        return
    for problem in held.problems:
        assert defect_of(problem) == ""
    if held.content is not None:
        assert held.target_id
        assert all(isinstance(sku, str) for sku in held.content["skus"])
        assert orjson.dumps(held.content)
    outcomes["held" if held.content is not None else "asked"] += 1


def option(value: int, label: str, of: int = 7, name: str = "Size") -> Json:
    """Return a value of an option, as a store has it in its variants."""
    return {"id": value, "label": label, "option_id": of, "option_display_name": name}


def test_spoilt_answers_of_bigcommerce_make_no_product_or_variant_twice() -> None:
    """Variants with their values, lists of values, what is found by SKU, and what writes answer."""
    variants = [
        {"id": 121, "sku": "MUG-S", "option_values": [option(70, "S"), option(80, "Red", 8, "Hue")]}
    ]
    listed = {"id": 12, "name": "Mug", "sku": "MUG", "images": [], "variants": variants}
    good: Json = {
        "GET /v3/catalog/products": {"data": [listed], "meta": {}},
        "GET /v3/catalog/variants": {"data": [variants[0] | {"product_id": 12}], "meta": {}},
        "GET /v3/catalog/products/12/variants": {"data": variants, "meta": {}},
        "GET /v3/catalog/products/12/options/7/values": {"data": [{"id": 71, "label": "M"}]},
        "POST /v3/catalog/products/12/options/7/values": {"data": {"id": 72, "label": "L"}},
        "POST /v3/catalog/products/12/variants": {"data": {"id": 122, "product_id": 12}},
        "POST /v3/catalog/products": {"data": listed | {"id": 13}, "meta": {}},
    }
    adds = ListingSave("12", {}, None, ("MUG-S",), (variant("MUG-M", "M"), variant("MUG-L", "L")))
    listing = Listing(
        product_id=new_id("CUP-S"), sku="CUP-S", name="Cup", price=Decimal("9.5"),
        weight=Decimal("0.4"), variants=(variant("CUP-S", "S"), variant("CUP-M", "M")),
    )  # fmt: skip
    makes = NewListing(listing, "USD", is_visible=False, counts_stock=True)

    def check(posts: Posts, state: str) -> str:
        made = [body for path, body in posts if not path.endswith("/values")]
        skus = [body.get("sku") or body["variants"][0]["sku"] for body in made]
        if len(set(skus)) < len(skus):
            return f"{skus} were sent"
        if state == "done" and not {"MUG-M", "MUG-L"} <= set(skus) and skus != ["CUP-S"]:
            return f"done with {skus}"
        chosen = [value for body in made for value in body.get("option_values", ())]
        if not all(type(v["id"]) is int and type(v["option_id"]) is int for v in chosen):
            return f"{chosen} were sent"
        names = [
            {value["option_display_name"] for value in b.get("option_values", ())} for b in made
        ]
        return "" if all(found in ({"Size", "Hue"}, set()) for found in names) else str(names)

    outcomes = spoilt_answers(
        good,
        lambda session, reading: BigCommerceListingsWriter(pushing(session), reading),  # type: ignore[arg-type]
        {"12": adds, listing.product_id: makes},
        check,
        14_000_000,
    )
    assert outcomes["done"] > NEW_PRODUCTS_EACH // 4
    assert {"held", "asked", "not held", "partly", "refused", "retry", "unknown"} <= outcomes.keys()


def variant(sku: str, size: str) -> NewVariant:
    """Return a new variant of a size."""
    options = (Attribute(name="size", value=size), Attribute(name="Hue", value="red"))
    return NewVariant(sku=sku, options=options, price=Decimal("12.5"))


def test_spoilt_answers_of_salesforce_make_no_second_product() -> None:
    """Rows with the unique key, price books, and what composites and collections answer."""
    row = {
        "attributes": {"type": "Product2"}, "Id": "01tLk0000000001AAA", "Name": "Mug",
        "Description": "<p>A mug</p>", "StockKeepingUnit": "MUG", "ProductCode": "MUG",
        "ProductClass": "Simple", "IsActive": True, "Lockstep_Key__c": key_of("MUG"),
    }  # fmt: skip
    book = {"Id": "01sLk0000000001AAA", "IsStandard": True}
    parts = [
        {"body": {"id": made, "success": True, "errors": []}, "httpStatusCode": 201,
         "httpHeaders": {}, "referenceId": name}
        for name, made in (("product", row["Id"]), ("price", "01uLk0000000001AAA"))
    ]  # fmt: skip
    good: Json = {
        "GET /query": {"totalSize": 2, "done": True, "records": [row, book]},
        "POST /composite": {"compositeResponse": parts},
        "PATCH /composite/sobjects": [{"id": row["Id"], "success": True, "errors": []}],
    }
    listing = Listing(product_id=new_id("MUG"), sku="MUG", name="Mug", price=Decimal("9.5"))
    makes = NewListing(listing, "USD", is_visible=True, counts_stock=True)
    chosen = salesforce()

    def writer_of(session: Session, reading: Reading) -> TargetWriter:
        reader: Any = reading
        queries, prices = QueryClient(reader, chosen.data_path), PriceReader(reader, chosen)
        return SalesforceListingsWriter(pushing(session), queries, chosen, prices, creates=True)

    def check(posts: Posts, state: str) -> str:
        made = [body for path, body in posts if path.endswith("/composite")]
        if len(made) > 1:
            return f"it was sent {len(made)} times"
        for body in made:
            keys = [part["body"].get("Lockstep_Key__c") for part in body["compositeRequest"]]
            if keys[0] != key_of("MUG"):
                return f"without its key: {keys}"
        return ""

    saves = ListingSave(row["Id"], {"name": "Cup"}, None, ("MUG",))
    outcomes = spoilt_answers(
        good, writer_of, {listing.product_id: makes, row["Id"]: saves}, check, 15_000_000
    )
    assert outcomes["done"] > NEW_PRODUCTS_EACH // 4
    assert {"held", "asked", "not held", "refused", "retry", "unknown"} <= outcomes.keys()
