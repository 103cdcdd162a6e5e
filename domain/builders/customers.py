"""What the mappings of all stores' customers share: texts, addresses, phones, and the outcome.

Nothing is shipped to an address book, so a faulty address or phone is a warning: the order that
uses it has its own copy, and is checked by the connection's rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec
from msgspec.structs import astuple

from domain.addressing.addresses import AddressRules, RawAddress, is_email, normalise_address
from domain.addressing.phones import normalise_phone
from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped
from domain.parsing.payload import malformed
from domain.parsing.problems import DocumentProblems
from domain.parsing.text import clean_text, mask_email
from domain.records.customers import Customer, CustomerAddress
from domain.records.record import InvalidRecord

LONGEST_TEXT = 1_000
"""Characters of a name, an e-mail address or a part of an address; longer ones are mistakes."""
LOOK = "check the customer in the store"
REPORT = f"{LOOK}; report it if it looks right there"
TEXTS = ("email", "first_name", "last_name", "company", "phone", "group", "locale")


def required_id(customer_id: str | int | None, problems: DocumentProblems) -> str:
    """Return a customer's id. Raises ``RecordRejected`` with all problems if there is none."""
    if customer_id:
        return str(customer_id)
    if not any(problem.field == "id" for problem in problems.problems):
        problems.reject("id_missing", "id", "the customer has no id", REPORT)
    raise RecordRejected(*problems.in_order())


def known_id(address_id: str | int | None, where: str, problems: DocumentProblems) -> str:
    """Return an address's id; empty with a problem if there is none."""
    if not address_id:
        message = "the address has no id, so later changes of it can't be recognised"
        problems.missing("customer_address_id_missing", f"{where}id", message)
    return str(address_id or "")


class WrittenAddress(msgspec.Struct, frozen=True):
    """An address as the store wrote it; ``where`` is its path in the document, with a dot."""

    where: str
    address_id: str
    raw: RawAddress
    is_default_shipping: bool = False
    is_default_billing: bool = False


class WrittenCustomer(msgspec.Struct, frozen=True):
    """A customer as the store wrote it; a field that the store lacks is empty."""

    source_id: str
    number: str
    store: str
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    company: str = ""
    phone: str = ""
    group: str = ""
    locale: str = ""
    accepts_marketing: bool | None = None
    addresses: Sequence[WrittenAddress] = ()


class CustomerBuilder:
    """Builds customers of one store.

    ``names`` are the document's names of fields, by the names of ``WrittenCustomer`` and those that
    ``normalise_address`` reports, where they differ.
    """

    def __init__(self, rules: AddressRules, names: Mapping[str, str]) -> None:
        self._rules, self._names = rules, names

    def build(self, written: WrittenCustomer, problems: DocumentProblems) -> Mapped[Customer]:
        """Return the customer. Raises ``RecordRejected`` with all problems."""
        customer = None
        try:
            customer = self._customer(written, problems)
        except InvalidRecord as error:
            problems.reject("invalid_value", error.field, error.message, REPORT)
        if problems.problems or customer is None:
            raise RecordRejected(*problems.in_order())
        return Mapped(customer, tuple(problems.warnings))

    def _customer(self, written: WrittenCustomer, problems: DocumentProblems) -> Customer:
        texts = {name: self._text(getattr(written, name), name, problems) for name in TEXTS}
        addresses = tuple(self._address(one, problems) for one in written.addresses)
        self._check_email(texts["email"], problems)
        countries = (one.address.country for one in addresses)
        phone = normalise_phone(texts["phone"], next(filter(None, countries), None))
        if phone.problem is not None:
            problems.warnings.append(self._under("", phone.problem))
        return Customer(
            customer_id=written.source_id,
            source_id=written.source_id,
            number=written.number,
            store=written.store,
            email=texts["email"],
            first_name=texts["first_name"],
            last_name=texts["last_name"],
            company=texts["company"],
            phone_e164=phone.e164,
            phone_raw=texts["phone"],
            group=texts["group"],
            locale=texts["locale"],
            accepts_marketing=written.accepts_marketing,
            addresses=addresses,
        )

    def _text(self, text: str, name: str, problems: DocumentProblems) -> str:
        if len(text) > LONGEST_TEXT:
            problems.problems.append(self._too_long("", name))
            return ""
        return clean_text(text)

    def _check_email(self, email: str, problems: DocumentProblems) -> None:
        path = self._names.get("email", "email")
        if not email:
            message = "the customer has no e-mail address"
            problems.warn("email_missing", path, message, "enter it in the store")
        elif not is_email(email):
            message, advice = "not an e-mail address", "correct the e-mail address in the store"
            warning = Problem("email_invalid", path, message, advice, mask_email(email))
            problems.warnings.append(warning)

    def _address(self, written: WrittenAddress, problems: DocumentProblems) -> CustomerAddress:
        raw, where = written.raw, written.where
        if sum(map(len, astuple(raw))) > LONGEST_TEXT:  # each part may still be short
            long = [n for n in raw.__struct_fields__ if len(getattr(raw, n)) > LONGEST_TEXT]
            problems.problems += [self._too_long(where, name) for name in long]
            raw = RawAddress() if long else raw
        result = normalise_address(raw, self._rules)
        found = (*result.problems, *result.warnings)
        problems.warnings += [self._under(where, problem) for problem in found]
        return CustomerAddress(
            address_id=written.address_id,
            address=result.address,
            is_default_shipping=written.is_default_shipping,
            is_default_billing=written.is_default_billing,
        )

    def _too_long(self, where: str, name: str) -> Problem:
        expected = f"a text of at most {LONGEST_TEXT} characters"
        return malformed(f"{where}{self._names.get(name, name)}", expected, "", REPORT)

    def _under(self, where: str, problem: Problem) -> Problem:
        return replace(problem, field=f"{where}{self._names.get(problem.field, problem.field)}")
