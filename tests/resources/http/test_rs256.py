"""Signed assertions, compared with ``cryptography``."""

from __future__ import annotations

import base64
from dataclasses import replace

import orjson
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from resources.http.rs256 import SigningKey, signed
from tests.rsa_keys import PKCS1, PKCS8, key, pem_of, public_pem_of

HIDDEN = NoEncryption()


@pytest.mark.parametrize("form", [PKCS8, PKCS1])
def test_a_signature_is_the_one_that_another_library_makes(form: PrivateFormat) -> None:
    """Each byte: this padding has no random part."""
    ours = SigningKey.from_pem(pem_of(form=form))
    for message in (b"", b"a" * 5_000, bytes(range(256))):
        assert ours.sign(message) == key().sign(message, PKCS1v15(), SHA256())


def test_a_key_of_another_size_signs() -> None:
    """Also one whose modulus is no multiple of eight bits long."""
    odd = rsa.generate_private_key(public_exponent=3, key_size=2_051)
    text = odd.private_bytes(Encoding.PEM, PKCS8, HIDDEN).decode()
    odd.public_key().verify(SigningKey.from_pem(text).sign(b"x"), b"x", PKCS1v15(), SHA256())


def test_a_token_is_read_by_its_three_parts() -> None:
    """Header, claims and signature, without padding."""
    token = signed(SigningKey.from_pem(pem_of()), {"iss": "app", "exp": 5})
    header, claims, signature = token.split(".")
    assert "=" not in token
    assert orjson.loads(_decoded(header)) == {"alg": "RS256", "typ": "JWT"}
    assert orjson.loads(_decoded(claims)) == {"iss": "app", "exp": 5}
    message = f"{header}.{claims}".encode()
    key().public_key().verify(_decoded(signature), message, PKCS1v15(), SHA256())
    with pytest.raises(InvalidSignature):
        key("other").public_key().verify(_decoded(signature), message, PKCS1v15(), SHA256())


def test_a_key_in_a_variable_may_have_written_line_breaks() -> None:
    """As many deployment tools store it."""
    text = pem_of()
    assert SigningKey.from_pem(text.replace("\n", "\\n")) == SigningKey.from_pem(text)


REASONS = {
    "nothing": "not PEM",
    "other text": "not PEM",
    "a public key": "PUBLIC KEY",
    "a certificate": "CERTIFICATE",
    "a passphrase": "passphrase",
    "an old passphrase": "passphrase",
    "another kind": "can't be read",
    "an old form of another kind": "EC PRIVATE KEY",
    "a small key": "1024 bits",
    "a line less": "can't be read",
    "no base64": "can't be read",
    "the wrong label": "can't be read",
}


def refused(name: str) -> str:
    """Return a text that is not a key."""
    text, locked = pem_of(), BestAvailableEncryption(b"hush")
    curve = ec.generate_private_key(ec.SECP256R1())
    small = rsa.generate_private_key(public_exponent=65_537, key_size=1_024)  # noqa: S505 - refused
    return {
        "nothing": "",
        "other text": "a-client-secret",
        "a public key": public_pem_of(),
        "a certificate": text.replace("PRIVATE KEY", "CERTIFICATE"),
        "a passphrase": key().private_bytes(Encoding.PEM, PKCS8, locked).decode(),
        "an old passphrase": key().private_bytes(Encoding.PEM, PKCS1, locked).decode(),
        "another kind": curve.private_bytes(Encoding.PEM, PKCS8, HIDDEN).decode(),
        "an old form of another kind": curve.private_bytes(Encoding.PEM, PKCS1, HIDDEN).decode(),
        "a small key": small.private_bytes(Encoding.PEM, PKCS8, HIDDEN).decode(),
        "a line less": text.replace(text.split("\n")[5] + "\n", ""),
        "no base64": text.replace("M", "?"),
        "the wrong label": text.replace("PRIVATE", "RSA PRIVATE"),
    }[name]


@pytest.mark.parametrize("name", REASONS)
def test_what_is_no_key_is_refused_and_not_repeated(name: str) -> None:
    """With what to do; the text itself may be a secret."""
    text = refused(name)
    with pytest.raises(ValueError, match=REASONS[name]) as caught:
        SigningKey.from_pem(text)
    assert "openssl" in str(caught.value)
    assert not any(line in str(caught.value) for line in text.splitlines()[1:-1] if line)


def test_a_key_cut_anywhere_is_refused() -> None:
    """Never an error of another kind."""
    der = key().private_bytes(Encoding.DER, PKCS8, HIDDEN)
    for end in range(0, len(der), 37):
        body = base64.b64encode(der[:end]).decode()
        with pytest.raises(ValueError, match="RSA"):
            SigningKey.from_pem(f"-----BEGIN PRIVATE KEY-----{body}-----END PRIVATE KEY-----")


def test_a_damaged_key_signs_nothing() -> None:
    """What is sent was verified: a wrong one could disclose the key."""
    ours = SigningKey.from_pem(pem_of())
    with pytest.raises(ValueError, match="don't match each other"):
        replace(ours, private=ours.private + 2).sign(b"x")
    assert str(ours.private) not in repr(ours)


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
