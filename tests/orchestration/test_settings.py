"""Tests of reading ``connections.yaml`` and of its error messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration import settings
from orchestration.settings import ConfigurationError, parse, project_root
from resources.systems import statuses_of

GOOD = """\
start_date: 2026-01-01
connections:
  acme_us:
    owner: team:us
    platform:
      kind: bigcommerce
      store_hash: abc123
      channel_id: 1
      token: {env: ACME_TOKEN}
    oms:
      kind: manhattan
      base_url: https://acme.omni.example
      token_url: https://acme-auth.omni.example/oauth/token
      client_id: lockstep
      client_secret: {env: ACME_SECRET}
      username: sync
      password: {file: /run/secrets/acme}
      organization: ACME
"""
SALESFORCE = """\
start_date: 2026-01-01
connections:
  {name}:
    owner: team:us
    streams: [orders, shipments, returns]
    orders: {{order_id_prefix: {prefix}}}
    platform:
      kind: salesforce
      my_domain: https://acme.my.salesforce.com
      client_id: lockstep
      client_secret: {{env: ACME_SECRET}}
      sales_store_id: {store}
      events: {{subscription: Lockstep, org_id: 00DLk0000000001AAA}}
    oms:
      kind: manhattan
      base_url: https://acme.omni.example
      token_url: https://acme-auth.omni.example/oauth/token
      client_id: lockstep
      client_secret: {{env: ACME_SECRET}}
      username: sync
      password: {{file: /run/secrets/acme}}
      organization: ACMEEVENTS
"""
"""A connection whose last line takes more."""
SECOND = GOOD.partition("connections:\n")[2].replace("acme_us", "acme_eu")


def fault(text: str) -> str:
    """Return the message that a text leads to."""
    with pytest.raises(ConfigurationError) as caught:
        parse(text, "connections.yaml")
    return str(caught.value)


def test_a_complete_file_is_read() -> None:
    """No secret is looked up."""
    installation = parse(GOOD)
    statuses = statuses_of(installation.connections["acme_us"])
    assert statuses.outgoing == {"11"}


def test_the_example_in_the_docs_is_valid() -> None:
    """Users copy it."""
    assert settings.load(project_root() / "docs" / "connections.example.yaml").connections


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (("acme_us:", "Acme-US:"), 3, ["connections.Acme-US", "pattern"]),
        (("kind: bigcommerce", "kind: shopware"), 6, ["platform.kind", "shopware", "bigcommerce"]),
        (("store_hash: abc123", "store_hash: 'a b'"), 7, ["platform.store_hash", "'a b'"]),
        (("channel_id: 1", "channel_id: first"), 8, ["platform.channel_id", "'first'", "integer"]),
        (("owner: team:us", "ownr: team:us"), 4, ["ownr", "spelling"]),
        (("      client_id: lockstep\n", ""), 10, ["oms.client_id", "required"]),
        (("start_date: 2026-01-01", "start_date: soon"), 1, ["start_date", "'soon'"]),
        (
            ("token: {env: ACME_TOKEN}", "token: {env: A, file: B}"),
            9,
            ["platform.token", "exactly one place"],
        ),
    ],
)
def test_a_fault_is_named_with_its_line_and_what_is_allowed(
    change: tuple[str, str], line: int, words: list[str]
) -> None:
    """The reader finds the place without searching."""
    message = fault(GOOD.replace(*change))
    assert message.startswith(f"connections.yaml:{line}: "), message
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("orders: {export_statuses: [11, 15]}", ["orders.export_statuses", "'15'"]),
        ("orders: {hold_statuses: {Review: Fraud}}", ["orders.hold_statuses", "'Review'"]),
        ("shipments: {milestone_statuses: {shipped: 22}}", ["milestone_statuses", "'22'"]),
        ("shipments: {milestone_statuses: {shiped: 2}}", ["milestone_statuses.shiped", "shipped"]),
    ],
)
def test_a_status_that_the_store_does_not_have_is_refused(section: str, words: list[str]) -> None:
    """Its orders would be skipped without a trace; the message lists what there is."""
    message = fault(GOOD + f"    {section}\n")
    assert all(word in message for word in words), message
    assert "22" not in section or "11 (Awaiting Fulfillment)" in message


def test_all_faults_are_listed_at_once() -> None:
    """Fixing a file error by error takes a run each."""
    message = fault(
        GOOD.replace("store_hash: abc123", "store_hash: ''").replace(
            "client_id: lockstep", "client: lockstep"
        )
    )
    assert len(message.splitlines()) == 3


def test_a_secret_in_the_file_is_refused_and_not_repeated() -> None:
    """A token written by mistake must not reach a log through our message."""
    message = fault(GOOD.replace("token: {env: ACME_TOKEN}", "token: s3cr3t-t0ken"))
    assert "s3cr3t" not in message
    assert "{env: VARIABLE}" in message


def test_two_connections_to_one_channel_are_refused() -> None:
    """Each of its orders would be sent twice."""
    message = fault(GOOD + SECOND)
    assert "acme_us and acme_eu both serve" in message
    assert "twice" in message


def test_all_channels_and_one_of_them_are_refused_too() -> None:
    """A connection without a channel serves all channels of the store."""
    assert "both serve" in fault(GOOD + SECOND.replace("      channel_id: 1\n", ""))


def test_two_channels_of_one_store_are_two_connections() -> None:
    """They share the store's quota only."""
    first = GOOD + "    orders: {order_id_prefix: US-}\n    inventory: {store_location: US1}\n"
    second = SECOND.replace("channel_id: 1", "channel_id: 2") + (
        "    orders: {order_id_prefix: EU-}\n    inventory: {store_location: EU1}\n"
    )
    assert set(parse(first + second).connections) == {"acme_us", "acme_eu"}


OTHER_STORE = SECOND.replace("abc123", "other")


@pytest.mark.parametrize(
    "spelling",
    [
        "https://ACME.omni.example/",
        "https://acme.omni.example:443",
        "https://acme.omni.example//",
    ],
)
def test_two_stores_with_one_prefix_at_one_organisation_are_refused(spelling: str) -> None:
    """Order 1001 of one store would overwrite order 1001 of the other."""
    message = fault(GOOD + OTHER_STORE.replace("https://acme.omni.example\n", f"{spelling}\n"))
    assert message.startswith("connections.yaml:19: connections.acme_eu"), message
    for words in ("acme_us and acme_eu", "order_id_prefix '' and ''", "organization acme", "Give"):
        assert words in message


def test_an_organisation_is_the_same_in_any_case() -> None:
    """The tenant may ignore case, and an order that was overwritten can't be restored."""
    assert "overlap" in fault(
        GOOD + OTHER_STORE.replace("organization: ACME", "organization: Acme")
    )
    parse(GOOD + OTHER_STORE.replace("organization: ACME", "organization: ACME-EU"))


def test_a_store_is_the_same_in_any_case() -> None:
    """A store's hash is lower case, however it is typed."""
    assert "both serve" in fault(GOOD + SECOND.replace("abc123", "ABC123"))


def test_two_channels_that_write_stock_to_one_location_are_refused() -> None:
    """The message lists both faults of the second connection."""
    message = fault(GOOD + SECOND.replace("channel_id: 1", "channel_id: 2"))
    assert "connections.acme_eu.orders: " in message
    assert "connections.acme_eu.inventory: " in message
    assert "both write the stock of bigcommerce store abc123" in message


QUEUES = """\
start_date: 2026-01-01
connections:
  acme_us: &one
    platform: &store
      kind: commercetools
      project_key: acme-us
      api_url: https://api.europe-west1.gcp.commercetools.com
      auth_url: https://auth.europe-west1.gcp.commercetools.com
      client_id: lockstep
      client_secret: {env: CT_SECRET}
      queue: {url: "https://sqs.eu-west-1.amazonaws.com/123456789012/acme"}
    oms: &oms
      kind: extensiv
      merchant: acme us
      cart_user: cart
      cart_key: {env: CART_KEY}
      merchant_user: merchant
      merchant_key: {env: MERCHANT_KEY}
  acme_eu:
    <<: *one
    platform:
      <<: *store
      project_key: acme-eu
      queue: {url: "URL"}
    oms: {<<: *oms, merchant: acme eu}
"""


@pytest.mark.parametrize(
    ("url", "is_refused"),
    [
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/acme", True),
        ("https://sqs.eu-west-1.api.aws/123456789012/acme/", True),
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/acme-eu", False),
        ("https://sqs.eu-west-1.amazonaws.com/210987654321/acme", False),
        ("https://sqs.us-east-1.amazonaws.com/123456789012/acme", False),
    ],
)
def test_two_connections_with_one_queue_are_refused(url: str, *, is_refused: bool) -> None:
    """Each would take the other's events off it; an alias of the queue's address is the queue."""
    text = QUEUES.replace("URL", url)
    if not is_refused:
        assert len(parse(text).connections) == 2
        return
    message = fault(text)
    for words in ("acme_eu.platform.queue", "acme_us and acme_eu", "123456789012/acme", "Give"):
        assert words in message


def test_a_store_that_gives_no_money_back_needs_another_payment_service() -> None:
    """Or none: at start, with the setting's place."""
    text = SALESFORCE.format(name="acme_us", store="0ZELk0000000001AAA", prefix="U-")
    message = fault(text.replace("EVENTS", ""))
    assert "acme_us.returns.refunds" in message
    assert "set it to service or none" in message
    found = parse(text.replace("EVENTS", "\n    returns: {refunds: none}"))
    assert found.connections["acme_us"].returns.refunds == "none"


def test_two_connections_with_one_subscription_of_events_are_refused() -> None:
    """Each would take the other's events off it."""
    one, two = (
        SALESFORCE.format(name=name, store=f"0ZELk000000000{n}AAA", prefix=f"{n}-")
        for n, name in enumerate(("acme_us", "acme_eu"), 1)
    )
    text = (one + two.partition("connections:\n")[2]).replace(
        "EVENTS", "\n    returns: {refunds: none}"
    )
    message = fault(text)
    assert "acme_us and acme_eu both pull events" in message


def test_broken_yaml_is_named_with_its_line() -> None:
    """Even if there is no structure to point into."""
    assert fault(GOOD.replace("  acme_us:", "  acme_us: [")).startswith("connections.yaml:")
    assert "mapping" in fault("just text")


def test_a_missing_file_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A new user meets this message first."""
    monkeypatch.delenv(settings.VARIABLE, raising=False)
    monkeypatch.setenv("LOCKSTEP_HOME", str(tmp_path))
    monkeypatch.setattr(settings, "project_root", lambda: tmp_path)
    with pytest.raises(ConfigurationError, match="connections.example.yaml"):
        settings.load()


def test_a_duplicate_key_is_refused_with_its_line() -> None:
    """YAML takes the last one, and the first connection would be lost silently."""
    assert "connections.yaml:19: acme_us: duplicate key" in fault(
        GOOD + GOOD.partition("connections:\n")[2]
    )


@pytest.mark.parametrize(
    "text",
    ["start_date: 2026-02-30", "x: " + "9" * 5_000, "x: !!int y", "[" * 100_000, "a: &a {b: *a}"],
)
def test_values_that_make_the_yaml_parser_fail_are_reported_as_errors_of_the_file(
    text: str,
) -> None:
    """Impossible dates, huge numbers and endless brackets give a sentence, not a traceback."""
    assert fault(text).startswith("connections.yaml")


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    """The message says how to fix it."""
    file = tmp_path / "connections.yaml"
    file.write_bytes(GOOD.encode("utf-16"))
    with pytest.raises(ConfigurationError, match="save it as UTF-8"):
        settings.load(file)


def test_a_secret_that_was_written_as_a_key_is_not_shown() -> None:
    """The message names the place and does not repeat the text."""
    message = fault(GOOD.replace("token: {env: ACME_TOKEN}", "token: {hunter2: 1}"))
    assert "platform.token" in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    "key",
    [
        "private_key: |\n        -----BEGIN PRIVATE KEY-----\n        MIIhush\n",
        "private_key: {env: KEY, value: MIIhush}\n",
        "private_key: {env: KEY}\n      client_secret: MIIhush\n",
    ],
)
def test_a_private_key_in_the_file_is_refused_and_not_repeated(key: str) -> None:
    """As any other secret, also if it stands beside one."""
    section = f"""\
      kind: salesforce
      my_domain: https://acme.my.salesforce.com
      client_id: lockstep
      username: sync@example.com
      {key}"""
    before, _, rest = GOOD.partition("      kind: bigcommerce\n")
    message = fault(before + section + "    oms:" + rest.partition("    oms:")[2])
    assert "never the secret itself" in message
    assert "MIIhush" not in message
