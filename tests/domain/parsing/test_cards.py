"""Payment card numbers are found in any text, and other long numbers are not taken for them."""

from __future__ import annotations

import pytest

from domain.parsing.cards import card_number, without_cards

VISA, AMEX = "4111 1111 1111 1111", "3782-822463-10005"


@pytest.mark.parametrize(
    "number", [VISA, AMEX, "5555555555554444", "６011000990139424", "4222222222222"]
)
def test_a_card_number_is_found_and_masked(number: str) -> None:
    """With spaces or hyphens, and in other scripts' digits."""
    text = f"paid with {number}, thanks"
    assert card_number(text) == number
    assert without_cards(text) == ("paid with ****, thanks", 1)


@pytest.mark.parametrize(
    "text",
    ["", "4111 1111", "4111 1111 1111 1112", "1Z999AA10123456784", "9" * 16, "1234567812345670"],
)
def test_other_numbers_stay(text: str) -> None:
    """A wrong check digit, an unknown brand, a tracking number, or simply too few digits."""
    assert card_number(text) is None
    assert without_cards(text) == (text, 0)


def test_all_card_numbers_of_a_text_are_masked() -> None:
    """And counted, for the warning."""
    assert without_cards(f"{VISA} or {AMEX}") == ("**** or ****", 2)


@pytest.mark.parametrize(
    "reference",
    ["ba_4111111111111111", "9f4111111111111111", "4111111111111111c0ffee", "x378282246310005"],
)
def test_digits_within_a_gateways_id_are_no_card(reference: str) -> None:
    """One in some thousand random ids has them, and its order must not be held up."""
    assert card_number(reference) is None
