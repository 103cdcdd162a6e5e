"""Assertions that a client signs with its private key (RFC 7523, RS256 of RFC 7518).

No dependency of the product can sign with RSA. One signature an hour needs no fast one, so it is
calculated here as RFC 8017, 8.2.1 states it, and compared with ``cryptography`` in the tests.
Python's integers don't calculate in constant time: each signature is blinded, so that its time says
nothing about the key, and verified before it leaves.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

SMALLEST, LARGEST = 2_048, 8_192
"""Bits of a key: a smaller one is no longer secure, a larger one takes seconds."""
_INTEGER, _OCTETS, _SEQUENCE = 0x02, 0x04, 0x30
_RSA = bytes.fromhex("06092a864886f70d010101")
"""The algorithm rsaEncryption, as PKCS#8 names it."""
_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
"""What stands before a SHA-256 digest that is signed (RFC 8017, 9.2)."""
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
ADVICE = "store an RSA private key in PEM without a passphrase (openssl genrsa -out FILE 2048)"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA private key; its numbers are not in its ``repr``."""

    modulus: int = field(repr=False)
    public: int = field(repr=False)
    private: int = field(repr=False)

    @classmethod
    def from_pem(cls, text: str) -> SigningKey:
        """Read PKCS#8 or PKCS#1; line breaks may be escaped, as in an environment variable.

        Raises ``ValueError`` with what is wrong and what to do, and nothing of the key.
        """
        found = _PEM.search(text.replace("\\n", "\n"))
        if found is None:
            raise ValueError(f"it is not PEM; {ADVICE}")
        kind, body = found.groups()
        if kind == "ENCRYPTED PRIVATE KEY" or "ENCRYPTED" in body:
            raise ValueError(f"it has a passphrase; {ADVICE}")
        if kind not in ("PRIVATE KEY", "RSA PRIVATE KEY"):
            raise ValueError(f"it is a {kind}; {ADVICE}")
        try:
            der = base64.b64decode("".join(body.split()), validate=True)
            numbers = _numbers(_pkcs1_of(der) if kind == "PRIVATE KEY" else der)
        except (ValueError, IndexError, binascii.Error):
            raise ValueError(f"it can't be read as an RSA key; {ADVICE}") from None
        modulus, public, private = numbers
        if not SMALLEST <= modulus.bit_length() <= LARGEST:
            size = modulus.bit_length()
            raise ValueError(f"it has {size} bits, not {SMALLEST} to {LARGEST}; {ADVICE}")
        return cls(modulus, public, private)

    def sign(self, message: bytes) -> bytes:
        """Return the signature (RSASSA-PKCS1-v1_5 with SHA-256), as long as the modulus.

        Raises ``ValueError`` if the key's numbers don't match each other.
        """
        n, length = self.modulus, (self.modulus.bit_length() + 7) // 8
        ending = b"\x00" + _SHA256 + hashlib.sha256(message).digest()
        padded = b"\x00\x01" + b"\xff" * (length - 2 - len(ending)) + ending
        number = int.from_bytes(padded)
        factor = 2 + secrets.randbelow(n - 3)
        blinded = number * pow(factor, self.public, n) % n
        signature = pow(blinded, self.private, n) * pow(factor, -1, n) % n
        if pow(signature, self.public, n) != number:
            raise ValueError(f"its numbers don't match each other; {ADVICE}")
        return signature.to_bytes(length)


def signed(key: SigningKey, claims: Mapping[str, object]) -> str:
    """Return the claims as a signed JSON Web Token (RFC 7515, 7.1). Raises as ``sign`` does."""
    parts = [orjson.dumps({"alg": "RS256", "typ": "JWT"}), orjson.dumps(dict(claims))]
    text = ".".join(map(_encoded, parts))
    return f"{text}.{_encoded(key.sign(text.encode()))}"


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def _pkcs1_of(der: bytes) -> bytes:
    """Return the key inside PKCS#8 (RFC 5958): version, algorithm, key."""
    _, after_version = _value(_value(der, _SEQUENCE)[0], _INTEGER)
    rest = _value(der, _SEQUENCE)[0][after_version:]
    algorithm, after_algorithm = _value(rest, _SEQUENCE)
    if not algorithm.startswith(_RSA):
        raise ValueError("another algorithm")
    return _value(rest[after_algorithm:], _OCTETS)[0]


def _numbers(der: bytes) -> tuple[int, int, int]:
    """Return modulus, public and private exponent of PKCS#1 (RFC 8017, A.1.2)."""
    rest, numbers = _value(der, _SEQUENCE)[0], list[int]()
    for _ in range(4):
        value, end = _value(rest, _INTEGER)
        numbers.append(int.from_bytes(value))
        rest = rest[end:]
    version, modulus, public, private = numbers
    if version or modulus % 2 == 0 or not 2 < public < modulus or not 1 < private < modulus:
        raise ValueError("not a key of two primes")
    return modulus, public, private


def _value(der: bytes, tag: int) -> tuple[bytes, int]:
    """Return the value of the element at the start, and where it ends (X.690, 8.1)."""
    if der[0] != tag:
        raise ValueError("another element")
    start, length = 2, der[1]
    if length & 0x80:
        start = 2 + (length & 0x7F)
        length = int.from_bytes(der[2:start])
    if start + length > len(der):
        raise ValueError("cut off")
    return der[start : start + length], start + length
