"""Ed25519 signatures of events: made at a ward, verified by the city's workers and loaders alike.

The layout of the header is in `producers.contract.signing`. The key `gateway` is the city's own: its HTTP
gateway has checked a ward's token and vouches for any ward.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from producers.contract.errors import Refused, Reject, Stop
from producers.contract.signing import KEY_ID_BYTES, SIGNATURE_BYTES, SIGNATURE_HEADER, Headers
from producers.identity.keyring import KeyringFile
from producers.identity.keys import GATEWAY, id_of

OFF: Final = "off"
ACCEPT_UNSIGNED: Final = "accept-unsigned"
REQUIRE: Final = "require"
POLICIES: Final = (OFF, ACCEPT_UNSIGNED, REQUIRE)


class Policy(msgspec.Struct, frozen=True):
    """What is asked of messages, by the broker's append time: steps of (from, word), ascending.

    A change of policy is a new step, not another word in the place of the old one: a replay then judges old
    messages as they were judged when they came.
    """

    steps: tuple[tuple[int, str], ...]

    def at(self, arrived_ms: int) -> str:
        """The policy for a message appended at `arrived_ms`."""
        word = OFF
        for from_ms, step in self.steps:
            if arrived_ms < from_ms:
                break
            word = step
        return word

    def is_off(self) -> bool:
        """Whether no message is ever asked for a signature."""
        return all(word == OFF for _, word in self.steps)


def parse_policy(text: str) -> Policy:
    """`require`, or steps: `accept-unsigned@2026-12-01T00:00:00+07:00,require@2027-01-01T00:00:00+07:00`.

    :raises Stop: a word is no policy, a time has no zone, or the times do not ascend
    """
    steps = []
    for part in text.split(","):
        word, dated, since = part.strip().partition("@")
        if word not in POLICIES:
            raise _bad_policy(f"{word!r} is none of {', '.join(POLICIES)}")
        steps.append((_milliseconds(since) if dated else 0, word))
    times = [from_ms for from_ms, _ in steps]
    if times != sorted(set(times)):
        raise _bad_policy("the times do not ascend")
    return Policy(tuple(steps))


def _milliseconds(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _bad_policy(f"{text!r} is no time") from None
    if moment.tzinfo is None:
        raise _bad_policy(f"{text!r} has no zone")
    return int(moment.timestamp() * 1000)


def _bad_policy(detail: str) -> Stop:
    return Stop("signature_policy", detail, "e.g. require, or require@2027-01-01T00:00:00+07:00")


class Signer:
    """Signs a ward's events with its private key: give it to `Publisher(..., sign=...)`."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self._id = bytes.fromhex(id_of(private.public_key().public_bytes_raw()))

    @property
    def key_id(self) -> str:
        """The key's id, as the city lists it."""
        return self._id.hex()

    def __call__(self, ward: str, value: bytes) -> list[tuple[str, bytes]]:
        """The headers to send with a value."""
        return [(SIGNATURE_HEADER, self._id + self._private.sign(value))]


class SignatureVerifier:
    """The `Verifier` of workers and loaders."""

    def __init__(self, policy: Policy, ring: KeyringFile) -> None:
        self._policy, self._ring = policy, ring

    def __call__(self, ward: str, value: bytes, headers: Headers, arrived_ms: int, /) -> None:
        """As `Verifier`.

        :raises Reject: unsigned, bad_signature
        :raises Unavailable: the keyring could not be looked at for too long
        """
        policy = self._policy.at(arrived_ms)
        if policy == OFF:
            return
        # The loader's client ends a name at its first NUL, the worker's does not: both see it here as the
        # first does.
        found = [header for name, header in headers if name.partition("\0")[0] == SIGNATURE_HEADER]
        if not found:
            if policy == REQUIRE:
                raise Reject("unsigned", f"no header {SIGNATURE_HEADER}")
            return
        if len(found) > 1:
            raise Reject("bad_signature", "more than one signature")
        self._verify(ward, value, found[0] or b"", arrived_ms)

    def _verify(self, ward: str, value: bytes, header: bytes, arrived_ms: int) -> None:
        if len(header) != KEY_ID_BYTES + SIGNATURE_BYTES:
            raise Reject("bad_signature", f"{len(header)} bytes")
        known = self._ring.keys(arrived_ms).get(header[:KEY_ID_BYTES])
        if known is None:
            raise Reject("bad_signature", f"key {header[:KEY_ID_BYTES].hex()} is not known")
        key = known.key
        if key.ward not in (ward, GATEWAY):
            raise Reject("bad_signature", f"key {key.id} is another ward's")
        if not key.valid_from_ms <= arrived_ms < key.ends_ms():
            raise Reject("bad_signature", f"key {key.id} was not valid at that time")
        try:
            known.public.verify(header[KEY_ID_BYTES:], value)
        except InvalidSignature:
            raise Reject("bad_signature", f"not signed by key {key.id}") from None


def new_private_key(path: Path) -> Ed25519PublicKey:
    """Make a private key in a new file (PEM, PKCS #8) that only its owner can read.

    :raises Refused: the file is there already, or cannot be written
    """
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise _no_file(path, error) from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    return private.public_key()


def read_signer(path: Path) -> Signer:
    """The signer of a private key's file.

    :raises Refused: it cannot be read, or holds no Ed25519 private key
    """
    try:
        private = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise _no_file(path, error) from error
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _no_key(path) from None
    if not isinstance(private, Ed25519PrivateKey):
        raise _no_key(path)
    return Signer(private)


def read_public_key(path: Path) -> Ed25519PublicKey:
    """A ward's public key from the file that it sent (PEM), as `openssl pkey -pubout` writes it.

    :raises Refused: it cannot be read, or holds no Ed25519 public key
    """
    try:
        public = load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise _no_file(path, error) from error
    except (ValueError, UnsupportedAlgorithm):
        raise _no_key(path) from None
    if not isinstance(public, Ed25519PublicKey):
        raise _no_key(path)
    return public


def _no_file(path: Path, error: OSError) -> Refused:
    return Refused("key_file", f"{path}: {error.strerror}", f"{path}: {error.strerror}")


def _no_key(path: Path) -> Refused:
    return Refused("no_key", f"{path} không phải khóa Ed25519 dạng PEM", f"{path} is no Ed25519 key in PEM")
