"""Checks a connection to an org with real calls that change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from domain.connections import (
    ACTIONS,
    CATALOG,
    CUSTOMERS,
    INVENTORY,
    LISTINGS,
    PRICES,
    RETURNS,
    SHIPMENTS,
    Connection,
)
from domain.errors import Problem
from domain.exchange import Check
from domain.prices import OWN_PRICES
from resources.http.client import ApiClient
from resources.http.oauth import OAuthTokens
from resources.platforms.salesforce.actions.source import FIELDS as REQUEST
from resources.platforms.salesforce.answers_payload import DESCRIPTIONS, Description
from resources.platforms.salesforce.catalog import SELECT as STOCK_QUERY
from resources.platforms.salesforce.client import INSTALL, QueryClient, UsageReader
from resources.platforms.salesforce.events.queue import ChangeEvents
from resources.platforms.salesforce.fields import (
    ATTRIBUTE,
    MEDIA,
    PRODUCT_FIELDS,
    attribute_fields,
    customer_fields,
    media_fields,
    order_fields,
    product_fields,
)
from resources.platforms.salesforce.levels import LevelReader
from resources.platforms.salesforce.listings.creation import MADE, MADE_ENTRY
from resources.platforms.salesforce.listings.creation import PRODUCT as LISTED
from resources.platforms.salesforce.listings.target import FIELDS as LISTING_FIELDS
from resources.platforms.salesforce.orders.source import scope_of
from resources.platforms.salesforce.prices.reader import ENTRY as PRICE_ENTRY
from resources.platforms.salesforce.prices.reader import PriceReader
from resources.platforms.salesforce.products.details import Media
from resources.platforms.salesforce.returns.target import REFUND_QUERY, returns_query
from resources.platforms.salesforce.settings import (
    ACTION,
    ACTION_DECIDED,
    ACTION_REASON,
    ACTION_STATUS,
    HISTORY,
    HISTORY_ORDER,
    HISTORY_STATUS,
    HISTORY_TIME,
    KEY_FIELD,
    LINE_FIELD,
    REFUNDED_FIELD,
    RETURN_FIELD,
    TRACKING_FIELD,
    SalesforceSettings,
)
from resources.platforms.salesforce.soql import all_of, select
from resources.platforms.salesforce.stock_object import ObjectReader
from resources.preflight import Finding, clock, dated, finding_of, secret_file

FEWEST_LEFT = 0.1
"""Share of the day's calls below which the check warns."""
SCOPES = frozenset({"api", "id", "refresh_token", "offline_access"})
"""What the API needs; apps of assertions have the last two, too, and each token ``id``."""
SHIPMENT = ("OrderSummaryId", "ShipToName", "Status", "TrackingNumber", "Provider", KEY_FIELD)
ITEM = ("ShipmentId", "Quantity", LINE_FIELD, KEY_FIELD)
ENTRY = (HISTORY_ORDER, HISTORY_STATUS, HISTORY_TIME, KEY_FIELD)
OUTCOME = (ACTION_STATUS, ACTION_REASON, ACTION_DECIDED)
SHIPPED_BY = ("FulfillmentOrderId",)
"""Of a shipment that has a fulfilment order."""
FULFILMENT = (
    "OrderSummaryId", "OrderId", "AccountId", "DeliveryMethodId", "FulfilledFromLocationId",
    "FulfilledToName", "FulfilledToStreet", "FulfilledToCity", "FulfilledToState",
    "FulfilledToPostalCode", "FulfilledToCountry", "FulfilledToEmailAddress", "FulfilledToPhone",
    "FulfilledToLatitude", "FulfilledToLongitude", "Type", "Status", KEY_FIELD,
)  # fmt: skip
RETURN = ("OrderSummaryId", "AccountId", "Status", RETURN_FIELD, TRACKING_FIELD, KEY_FIELD)
RETURN_LINE = (
    "ReturnOrderId",
    "OrderItemSummaryId",
    "Product2Id",
    "Description",
    "QuantityExpected",
    "QuantityReceived",
    "QuantityReturned",
    REFUNDED_FIELD,
    KEY_FIELD,
)
FULFILMENT_ITEM = (
    "FulfillmentOrderId", "OrderItemSummaryId", "OrderItemId", "Product2Id", "Description",
    "UnitPrice", "GrossUnitPrice", "Type", "TypeCode", "Quantity", "OriginalQuantity", KEY_FIELD,
)  # fmt: skip
CURRENCY = ("CurrencyIsoCode",)
"""What else is written of new records in an org with several currencies."""


class Preflight:
    """The checks of one connection."""

    def __init__(
        self,
        http: ApiClient,
        tokens: OAuthTokens,
        settings: SalesforceSettings,
        connection: Connection,
        levels: LevelReader | ObjectReader,
        prices: PriceReader,
        events: ChangeEvents | None,
    ) -> None:
        self._http, self._tokens = http, tokens
        self._settings, self._connection = settings, connection
        self._levels, self._queries = levels, QueryClient(http, settings.data_path)
        self._prices, self._events = prices, events

    def run(self) -> list[Check]:
        """Return one line a check; what depends on a failed credential is left out."""
        checks = [finding_of("secret file", partial(secret_file, self._settings.secret))]
        checks.append(finding_of("credentials and clock", self._clock))
        if not checks[-1].ok:
            return checks
        checks.append(self._beyond_need())
        checks.append(self._calls_left())
        if (events := self._events) is not None:
            checks.append(finding_of("events", lambda: (True, events.check(), "")))
        for name, text in read(self._connection, self._settings):
            checks.append(finding_of(name, partial(self._query, text)))
        for name, fields in written(self._connection, self._settings):
            check = partial(self._writes, name, fields)
            checks.append(finding_of(f"write {name}", check))
        if INVENTORY in self._connection.streams:
            checks.append(
                finding_of("query of products", partial(self._query, f"{STOCK_QUERY} LIMIT 1"))
            )
            checks.append(finding_of("locations", self._locations))
        if INVENTORY in self._connection.streams or self._reads_stock():
            checks.append(finding_of("stock", self._levels.check))
        channel = self._settings.products.media_channel
        if CATALOG in self._connection.streams and channel is not None:
            media = Media(self._http, channel)
            checks.append(finding_of("pictures", lambda: (True, media.check(), "")))
        if _creates_products(self._connection):
            checks.append(finding_of("standard price book", self._standard_book))
        if PRICES in self._connection.streams:
            text = f"{self._prices.text} LIMIT 1"
            checks.append(finding_of("query of prices", partial(self._query, text)))
            checks.append(finding_of("price books", self._books))
        return checks

    def _reads_stock(self) -> bool:
        return CATALOG in self._connection.streams and self._settings.products.has_stock

    def _clock(self) -> Finding:
        """Describe an object: any answer but 401 shows that the token is taken."""
        reply = self._http.request("GET", "/sobjects/OrderSummary/describe")
        if reply.status == 401:
            advice = "set a run-as user with the permission set on the app of the client id"
            return False, reply.error_summary(), advice
        self._usage = reply.headers
        return clock(dated(reply))

    def _beyond_need(self) -> Check:
        """Warn of rights that only make a stolen key worse; the connection works anyway."""
        found = sorted(set(self._tokens.scope.split()) - SCOPES)
        if not found:
            return Check("scopes beyond need", True, "none found")
        detail = f"WARNING: the token also has {', '.join(found)}"[:500]
        return Check("scopes beyond need", True, detail, "leave the app no scope but api")

    def _calls_left(self) -> Check:
        """Warn where little is left of the day's calls; they come back within a day."""
        state = UsageReader(1.0)(self._usage)
        if state is None:
            return Check("calls of the day", True, "the org does not state them")
        detail = f"{state.left} of {state.quota} are left"
        if state.left < state.quota * FEWEST_LEFT:
            advice = "find out which app uses them, or lower platform.daily_share"
            return Check("calls of the day", True, f"WARNING: {detail}", advice)
        return Check("calls of the day", True, detail)

    def _query(self, text: str) -> Finding:
        """Run a query as it is run later, for one row: it names every field that is missing."""
        found = self._queries.page(text)
        return True, f"can be read; {len(found.records)} found", ""

    def _writes(self, name: str, fields: tuple[str, ...]) -> Finding:
        reply = self._http.request("GET", f"/sobjects/{name}/describe", decode=DESCRIPTIONS.decode)
        if not reply.ok:
            return False, reply.error_summary()[:300], INSTALL
        described: Description = reply.value
        known = {each.name for each in described.fields if each.createable or each.updateable}
        missing = [field for field in fields if field not in known]
        detail = f"lacks {', '.join(missing)}" if missing else "all fields can be written"
        return not missing, detail, INSTALL

    def _locations(self) -> Finding:
        locations = self._levels.locations()
        policy = self._connection.inventory
        wanted = (
            [policy.store_location] if policy.mode == "aggregate" else list(policy.nodes.values())
        )
        references = set(locations.values()) & {k for k in locations if k == locations[k]}
        missing = sorted(code for code in wanted if locations.get(code, "") not in references)
        known = ", ".join(sorted(references)) or "none"
        detail = f"{len(references)} known: {known}"
        if missing:
            detail = f"no inventory location {', '.join(missing)}; known: {known}"
        advice = (
            "correct inventory.store_location, inventory.nodes or platform.inventory_location, or "
            "give the location an external reference"
        )
        return not missing, detail[:500], advice

    def _standard_book(self) -> Finding:
        """Look for the price book of new products' prices."""
        book = self._prices.books([OWN_PRICES])[OWN_PRICES]
        if isinstance(book, Problem):
            return False, book.message, book.advice
        return True, "new products' prices are entries of it", ""

    def _books(self) -> Finding:
        """Look for the price book of each list, and of its sale prices."""
        policy, sales = self._connection.prices, self._settings.sale_pricebooks
        lists = [policy.store_list, *policy.lists.values()]
        found = self._prices.books({*lists, *sales.values()})
        for name, book in found.items():
            if isinstance(book, Problem):
                return False, f"{name}: {book.message}", book.advice
        without = [name for name in lists if name not in sales]
        note = f"; sale prices of {', '.join(without)} are rejected" if without else ""
        return True, f"prices go to {', '.join(lists)}{note}"[:500], ""


def _creates_products(connection: Connection) -> bool:
    return LISTINGS in connection.streams and connection.catalog.create_products != "never"


def read(connection: Connection, settings: SalesforceSettings) -> Iterator[tuple[str, str]]:
    """Yield the queries that the connection's streams run, each with a name for it."""
    where, _ = scope_of(settings)
    text = select(order_fields(settings), "OrderSummary", f"{all_of(where)} LIMIT 1")
    yield "query of orders", text
    if CUSTOMERS in connection.streams:
        yield "query of customers", select(customer_fields(settings), "Account", " LIMIT 1")
    if ACTIONS in connection.streams and settings.has_actions:
        yield "query of requests", select(REQUEST, ACTION, " LIMIT 1")
    if RETURNS in connection.streams:
        yield "query of returns", f"{returns_query(settings)}{all_of(where)} LIMIT 1"
    if RETURNS in connection.streams and connection.returns.refunds == "service":
        yield "query of refunds", f"{REFUND_QUERY} LIMIT 1"
    if not {CATALOG, LISTINGS}.isdisjoint(connection.streams):
        fields = product_fields(settings) if CATALOG in connection.streams else PRODUCT_FIELDS
        text = select(fields, "Product2", " LIMIT 1")
        yield "query of products as they are sold", text
    if CATALOG in connection.streams and settings.products.has_variations:
        yield "query of variations", select(attribute_fields(settings), ATTRIBUTE, " LIMIT 1")
    if CATALOG in connection.streams and settings.products.media_channel is not None:
        yield "query of pictures", select(media_fields(), MEDIA, " LIMIT 1")


def written(
    connection: Connection, settings: SalesforceSettings
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the objects that the connection's streams write, each with its fields."""
    currency = () if settings.currency is not None else CURRENCY
    if ACTIONS in connection.streams and settings.has_actions:
        yield ACTION, OUTCOME
    if INVENTORY in connection.streams and settings.inventory is not None:
        yield settings.inventory.object, settings.inventory.fields
    if PRICES in connection.streams:
        yield PRICE_ENTRY, ("UnitPrice", "IsActive", "UseStandardPrice")
    if LISTINGS in connection.streams:
        creates = _creates_products(connection)
        yield LISTED, (*LISTING_FIELDS.values(), *(MADE if creates else ()))
        if creates:
            yield PRICE_ENTRY, (*MADE_ENTRY, *currency)
    if RETURNS in connection.streams:
        yield "ReturnOrder", (*RETURN, *currency)
        yield "ReturnOrderLineItem", RETURN_LINE
    if SHIPMENTS not in connection.streams:
        return
    yield "OrderSummary", ("Status",)
    yield "Shipment", (*SHIPMENT, *(SHIPPED_BY if settings.fulfilled_from is not None else ()))
    yield "ShipmentItem", ITEM
    if settings.has_history:
        yield HISTORY, ENTRY
    if settings.fulfilled_from is not None:
        yield "FulfillmentOrder", FULFILMENT
        yield "FulfillmentOrderLineItem", FULFILMENT_ITEM
