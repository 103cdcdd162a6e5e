"""What keeps a connection to Extensiv from being started: products that it can't work with."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
import yaml
from click.testing import CliRunner

from orchestration.cli.connect import preflight
from orchestration.cli.root import lockstep as command
from orchestration.local.simulated import Pair
from sandbox.app import RunningSandbox
from tests.assets.documents import PRODUCTS, UNTRACKED
from tests.assets.scene import NAME, Scene
from tests.pairs.extensiv_scene import ExtensivScene
from tests.pairs.pair_scene import PairScene

pytestmark = pytest.mark.slow(seconds=10)

SKUS, TRACKING = "SKUs of products", "stock tracking of products"
TRACKED = [
    product | ({"inventory_tracking": "product"} if product["sku"] == UNTRACKED else {})
    for product in PRODUCTS
]


def failed(scene: Scene) -> dict[str, str]:
    """Return the failed checks of the connection: name -> what was found."""
    assert scene.lockstep is not None
    checks = preflight(scene.lockstep, NAME)
    assert all(check.ok or check.advice for _, check in checks)
    return {check.name: check.detail for _, check in checks if not check.ok}


def test_products_without_a_sku_and_untracked_ones_are_named(extensiv: ExtensivScene) -> None:
    """The first five by name and id, the others counted; a download needs no stock."""
    assert failed(extensiv) == {
        TRACKING: "1 of 6 products are sold without stock tracking: Case 205"
    }
    extensiv.to_store("catalog", TRACKED)
    assert failed(extensiv) == {}
    extensiv.to_store(
        "catalog",
        [
            {
                "id": 300,
                "name": "Song",
                "sku": "SONG",
                "type": "digital",
                "inventory_tracking": "none",
            },
            {"id": 301, "name": "Hat", "sku": "", "inventory_tracking": "product"},
            {
                "id": 302,
                "name": "Sock",
                "sku": "",
                "inventory_tracking": "variant",
                "variants": [{"id": 3021, "sku": "SOCK-S"}, {"id": 3022, "sku": ""}],
            },
            *(
                {"id": 310 + n, "name": f"Cap {n}", "inventory_tracking": "product"}
                for n in range(6)
            ),
        ],
    )
    detail = failed(extensiv)[SKUS]
    assert detail.startswith("8 of 15 products have no SKU, or variants without one: ")
    assert "Hat 301 (product 301), Sock 302 (variant 3022), Cap 0 310" in detail
    assert detail.endswith("and 3 more")


def test_a_variant_without_a_sku_is_named_in_a_commercetools_project(
    sandbox: RunningSandbox, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There stock is counted for all or for none, and one variant of a product may lack a SKU."""
    monkeypatch.setenv("LOCKSTEP_HOME", str(tmp_path))
    pair = Pair("commercetools", "extensiv")
    shop = PairScene(sandbox.url, database, f"s{uuid4().hex[:10]}", tmp_path, pair)
    shop.configure(streams=shop.carried)  # as the demo runs them: with listings' languages
    shop.simple(1)
    assert failed(shop) == {}
    project = f"commercetools/{shop.store}"
    hat = {"name": "Hat", "variants": [{"sku": "HAT-S"}, {}]}
    shop._control("POST", f"{project}/catalog", [hat])
    detail = failed(shop)[SKUS]
    assert detail.startswith("1 of ")
    assert "Hat" in detail
    assert "(variant 2)" in detail
    shop.configure(streams=shop.carried, platform={"locales": ["fr"]})
    assert failed(shop).keys() == {"languages", SKUS}  # each check reports for itself
    shop.close()


def test_a_connection_says_what_it_does_not_need(extensiv: ExtensivScene) -> None:
    """The refusal can't be a dead end for a store that sells other things elsewhere."""
    extensiv.configure(oms={"products_need": ["sku"]})
    assert failed(extensiv) == {}


def test_a_connection_to_another_oms_is_not_held_up(
    sandbox: RunningSandbox, database: str, tmp_path: Path
) -> None:
    """There a line without a SKU is a rejection, and untracked items have a policy."""
    scene = Scene(sandbox.url, database, f"s{uuid4().hex[:10]}", tmp_path)
    assert not {SKUS, TRACKING} & failed(scene).keys()
    scene.close()


def test_connect_refuses_and_sends_nothing(
    extensiv: ExtensivScene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The table of checks says what to do in the store."""
    document = extensiv.installation.model_dump(mode="json", exclude_unset=True)
    file = tmp_path / "connections.yaml"
    file.write_text(yaml.safe_dump(document), "utf-8")
    monkeypatch.setenv("LOCKSTEP_CONNECTIONS", str(file))
    monkeypatch.setenv("LOCKSTEP_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", extensiv.database)
    extensiv.place_many([1])
    result = CliRunner().invoke(command, ["connect", NAME, "--yes"])
    assert result.exit_code == 1
    assert "switch on stock tracking" in " ".join(result.stdout.split())
    assert f"{NAME} is not ready" in result.output
    assert extensiv.truth() == {}
