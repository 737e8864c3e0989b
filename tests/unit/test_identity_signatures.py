"""Goal: a signed message is judged by its bytes, its key's window and the broker's time, alike by all.

Method: `admit` with the real verifier over a real keyring file; clocks are injected, so that a process which
looks at the file late can be compared with one that looks at once and with a replay.
"""

from __future__ import annotations

import hashlib
import random
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from producers.contract.codec import admit, encode
from producers.contract.errors import Refused, Reject, Stop, Unavailable
from producers.contract.signing import SIGNATURE_HEADER, Headers, Verifier
from producers.contract.topics import PARTITION_OF_WARD
from producers.identity import keyring
from producers.identity.keyring import KeyringFile
from producers.identity.keys import GATEWAY, SigningKeys, id_of
from producers.identity.signatures import (
    SignatureVerifier,
    Signer,
    new_private_key,
    parse_policy,
    read_public_key,
    read_signer,
)
from tests.builders import WARD, status

OTHER: Final = "00004"
NOW_MS: Final = 1_800_000_000_000
MINUTE_MS: Final = 60_000
VALUE: Final = encode(status(1))
FORGED: Final = VALUE.replace(b"-0001", b"-0002")


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS

    def __call__(self) -> float:
        return self.now_ms / 1000


class City:
    """A registry, its keyring file, and signers whose keys are in it."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.ring = folder / "keyring.json"
        self.keys = SigningKeys(folder / "wards.sqlite", self.ring, clock=self.clock)
        self.keys.list()

    def signer(self, ward: str = WARD) -> Signer:
        """A new key of a ward; it begins in a minute."""
        private = Ed25519PrivateKey.generate()
        self.keys.new(ward, private.public_key().public_bytes_raw())
        return Signer(private)

    def verifier(self, policy: str = "require", look_every_s: float = 0.0) -> Verifier:
        """A process that verifies."""
        ring = KeyringFile(self.ring, clock=self.clock, look_every_s=look_every_s)
        return SignatureVerifier(parse_policy(policy), ring)


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    found = City(tmp_path)
    yield found
    found.keys.close()


def judge(
    verify: Verifier | None, headers: Headers, arrived_ms: int = NOW_MS + MINUTE_MS, value: bytes = VALUE
) -> str:
    """The code of the rejection, or "taken"."""
    try:
        admit(value, WARD.encode(), PARTITION_OF_WARD[WARD], arrived_ms / 1000, headers, verify)
    except Reject as reject:
        return reject.code
    return "taken"


def _make(city: City) -> dict[str, Headers]:
    own, foreign, stranger = city.signer(), city.signer(OTHER), Signer(Ed25519PrivateKey.generate())
    city.clock.now_ms += MINUTE_MS
    good = own(WARD, VALUE)
    header = good[0][1]
    return {
        "unsigned": (),
        "signed": good,
        "other headers too": [("traceparent", b"x"), *good, ("empty", None)],
        "of another event": own(WARD, FORGED),
        "foreign": foreign(WARD, VALUE),
        "by the gateway": _settled(city, city.signer(GATEWAY))(WARD, VALUE),
        "unknown key": stranger(WARD, VALUE),
        "another's key id": [(SIGNATURE_HEADER, bytes.fromhex(own.key_id) + stranger(WARD, VALUE)[0][1][8:])],
        "under a name that one client cuts": [(f"{SIGNATURE_HEADER}\0x", header)],
        "twice": [*good, *good],
        "empty": [(SIGNATURE_HEADER, None)],
        "short": [(SIGNATURE_HEADER, header[:-1])],
        "long": [(SIGNATURE_HEADER, header + b"\0")],
        "zeros": [(SIGNATURE_HEADER, header[:8] + bytes(64))],
    }


def _settled(city: City, signer: Signer) -> Signer:
    city.clock.now_ms += MINUTE_MS
    return signer


GOOD: Final = {"signed", "other headers too", "by the gateway", "under a name that one client cuts"}


@pytest.mark.parametrize(
    ("policy", "unsigned", "wrong"),
    [
        ("off", "taken", "taken"),
        ("accept-unsigned", "taken", "bad_signature"),
        ("require", "unsigned", "bad_signature"),
    ],
)
def test_admit_by_policy_judges_every_kind_of_signature(
    city: City, policy: str, unsigned: str, wrong: str
) -> None:
    """F47 and F49: another ward's key, no key, a key of nobody."""
    headers = _make(city)
    verify, at_ms = city.verifier(policy), city.clock.now_ms
    found = {name: judge(verify, header, at_ms) for name, header in headers.items()}
    wanted = dict.fromkeys(headers, wrong) | dict.fromkeys(GOOD, "taken") | {"unsigned": unsigned}
    assert found == wanted


def test_header_made_by_hand_as_documented_is_a_signature(city: City) -> None:
    """What a vendor does in another language: SHA-256, first 8 bytes, then the signature of the value."""
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    city.keys.new(WARD, public)
    city.clock.now_ms += MINUTE_MS
    header = hashlib.sha256(public).digest()[:8] + private.sign(VALUE)
    assert len(header) == 72
    assert judge(city.verifier(), [("dongbo-signature", header)], city.clock.now_ms) == "taken"


def test_admit_without_a_verifier_ignores_headers() -> None:
    assert judge(None, [(SIGNATURE_HEADER, b"anything")]) == "taken"


def test_key_is_valid_in_its_window_of_the_brokers_time_whenever_it_is_judged(city: City) -> None:
    headers = city.signer()(WARD, VALUE)
    (key,) = city.keys.list(WARD)
    city.clock.now_ms += 10 * MINUTE_MS
    city.keys.revoke(key.key_id)
    city.clock.now_ms += 1000 * MINUTE_MS
    verify = city.verifier()
    begins_ms, ends_ms = NOW_MS + MINUTE_MS, NOW_MS + 11 * MINUTE_MS
    moments = (begins_ms - 1, begins_ms, ends_ms - 1, ends_ms)
    assert [judge(verify, headers, ms) for ms in moments] == [
        "bad_signature",
        "taken",
        "taken",
        "bad_signature",
    ]


def test_key_revoked_before_it_began_was_never_valid(city: City) -> None:
    headers = city.signer()(WARD, VALUE)
    city.clock.now_ms += 1
    info = city.keys.revoke(city.keys.list(WARD)[0].key_id)
    assert info.valid_until_ms is not None
    assert info.valid_until_ms - info.valid_from_ms <= 1
    city.clock.now_ms += 2 * MINUTE_MS
    assert judge(city.verifier(), headers, city.clock.now_ms) == "bad_signature"


def test_policy_that_begins_at_a_time_leaves_what_came_before_alone(city: City) -> None:
    policy = "accept-unsigned@2027-01-15T08:00:00+00:00,require@2027-01-15T09:00:00+00:00"
    verify = city.verifier(policy)
    forged = Signer(Ed25519PrivateKey.generate())(WARD, VALUE)
    hour_ms = 3_600_000
    found = []
    for at_ms in (NOW_MS - 1, NOW_MS, NOW_MS + hour_ms - 1, NOW_MS + hour_ms):
        city.clock.now_ms = at_ms
        found.append((judge(verify, (), at_ms), judge(verify, forged, at_ms)))
    assert found == [
        ("taken", "taken"),
        ("taken", "bad_signature"),
        ("taken", "bad_signature"),
        ("unsigned", "bad_signature"),
    ]


@pytest.mark.parametrize(
    "text", ["", "on", "require@", "require@tomorrow", "require@2027-01-01", "off@2027-01-01T00:00:00"]
)
def test_policy_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Stop, match="signature_policy"):
        parse_policy(text)


def test_policy_with_times_out_of_order_is_refused() -> None:
    with pytest.raises(Stop, match="ascend"):
        parse_policy("require@2027-01-02T00:00:00Z,off@2027-01-01T00:00:00Z")


def test_keyring_that_changes_is_read_again_without_a_restart(city: City) -> None:
    verify = city.verifier()
    headers = city.signer()(WARD, VALUE)
    city.clock.now_ms += MINUTE_MS
    assert judge(verify, headers, city.clock.now_ms) == "taken"
    city.keys.revoke(city.keys.list(WARD)[0].key_id)
    city.clock.now_ms += MINUTE_MS
    assert judge(verify, headers, city.clock.now_ms) == "bad_signature"
    assert judge(verify, headers, city.clock.now_ms - 1) == "taken"


@pytest.mark.parametrize("seed", range(12))
def test_processes_that_look_at_the_keyring_at_different_times_judge_alike(city: City, seed: int) -> None:
    """One looks before each message, one only when it must, one reads everything again at the end."""
    draw = random.Random(seed)
    eager, lazy = city.verifier(), city.verifier(look_every_s=1e9)
    signers, judged = [city.signer()], []
    for _ in range(150):
        city.clock.now_ms += draw.randrange(20_000)
        if draw.random() < 0.1:
            signers.append(city.signer(draw.choice([WARD, OTHER])))
        if draw.random() < 0.1:
            open_ = [key for key in city.keys.list() if key.valid_until_ms is None]
            if open_:
                city.keys.revoke(draw.choice(open_).key_id)
        headers: Headers = draw.choice(signers)(WARD, VALUE)
        # Late by up to what is fetched, never from the future.
        arrived_ms = city.clock.now_ms - draw.randrange(3_000)
        judged.append((headers, arrived_ms, judge(eager, headers, arrived_ms)))
        assert judge(lazy, headers, arrived_ms) == judged[-1][2]
    replay = city.verifier()
    assert [judge(replay, headers, ms) for headers, ms, _ in judged] == [code for *_, code in judged]
    assert {code for *_, code in judged} == {"taken", "bad_signature"}


def _remove(ring: keyring.Keyring) -> keyring.Keyring:
    return msgspec.structs.replace(ring, keys=ring.keys[1:])


def _change(**members: object) -> Callable[[keyring.Keyring], keyring.Keyring]:
    def make(ring: keyring.Keyring) -> keyring.Keyring:
        return msgspec.structs.replace(ring, keys=(msgspec.structs.replace(ring.keys[0], **members),))

    return make


@pytest.mark.parametrize(
    "rewrite",
    [_remove, _change(ward=OTHER), _change(valid_from_ms=0), _change(valid_until_ms=NOW_MS + MINUTE_MS)],
    ids=["removed", "another ward", "another beginning", "an end in the past"],
)
def test_keyring_whose_past_was_rewritten_is_not_believed(
    city: City, rewrite: Callable[[keyring.Keyring], keyring.Keyring]
) -> None:
    """What was judged stays judged; if nobody restores the file, judging ends instead of changing."""
    headers, verify = city.signer()(WARD, VALUE), city.verifier()
    city.clock.now_ms += 2 * MINUTE_MS
    assert judge(verify, headers, city.clock.now_ms) == "taken"
    before = keyring.read(city.ring)
    keyring.write(city.ring, rewrite(before))
    assert judge(verify, headers, city.clock.now_ms) == "taken"
    city.clock.now_ms += MINUTE_MS
    with pytest.raises(Unavailable, match="keyring"):
        judge(verify, headers, city.clock.now_ms)
    keyring.write(city.ring, before)
    assert judge(verify, headers, city.clock.now_ms) == "taken"


def test_keyring_that_is_away_for_a_moment_stops_nothing_and_for_a_minute_everything(city: City) -> None:
    headers, verify = city.signer()(WARD, VALUE), city.verifier()
    city.clock.now_ms += MINUTE_MS
    assert judge(verify, headers, city.clock.now_ms) == "taken"
    away = city.ring.rename(city.ring.with_suffix(".away"))
    city.clock.now_ms += MINUTE_MS - 1
    assert judge(verify, headers, city.clock.now_ms) == "taken"
    city.clock.now_ms += 1
    with pytest.raises(Unavailable, match="keyring"):
        judge(verify, headers, city.clock.now_ms)
    away.rename(city.ring)
    assert judge(verify, headers, city.clock.now_ms) == "taken"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"version": 2, "activation_ms": 1, "keys": []}',
        b'{"version": 1, "activation_ms": 1, "keys": [{"id": "zz", "ward": "00070", "public": "AA==",'
        b' "valid_from_ms": 0}]}',
        b'{"version": 1, "activation_ms": 1, "keys": [{"id": "00", "ward": "00070", "public": "!",'
        b' "valid_from_ms": 0}]}',
    ],
)
def test_keyring_that_is_none_stops_the_start(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "keyring.json"
    with pytest.raises(Stop, match="keyring_missing"):
        KeyringFile(path)
    path.write_bytes(content)
    with pytest.raises(Stop, match="keyring_damaged"):
        KeyringFile(path)


def test_key_that_is_in_the_file_only_is_taken_back_never_dropped(city: City, tmp_path: Path) -> None:
    """The registry was restored from an old copy: what workers believe goes on."""
    lost, ended = city.signer(), city.signer()
    city.keys.revoke(ended.key_id)
    other = SigningKeys(tmp_path / "restored.sqlite", city.ring, clock=city.clock)
    other.new(OTHER, bytes(range(32)))
    states = {info.key_id: info.state for info in other.list()}
    assert states == {lost.key_id: "waiting", ended.key_id: "ending", id_of(bytes(range(32))): "waiting"}
    assert {key.id for key in keyring.read(city.ring).keys} == states.keys()
    other.close()


def test_keys_that_cannot_be_registered_or_revoked_are_refused_and_recorded(city: City) -> None:
    signer = city.signer()
    public = keyring.read(city.ring).keys[0]
    with pytest.raises(Refused, match="key_known"):
        city.keys.new(OTHER, _raw(public))
    with pytest.raises(Reject, match="unknown_ward"):
        city.keys.new("99999", bytes(32))
    city.keys.revoke(signer.key_id)
    for key_id in (signer.key_id, "nothing"):
        with pytest.raises(Refused, match="no_such_key"):
            city.keys.revoke(key_id)
    log = [(entry.action, entry.ward, entry.outcome) for entry in city.keys._registry.log()]
    assert log == [
        ("key list", "", "ok"),
        ("key new", WARD, "ok"),
        ("key new", OTHER, "refused: key_known"),
        ("key new", "?", "refused: unknown_ward"),
        ("key revoke", WARD, "ok"),
        ("key revoke", "", "refused: no_such_key"),
        ("key revoke", "", "refused: no_such_key"),
    ]


def _raw(key: keyring.Key) -> bytes:
    return keyring._public(key).public_bytes_raw()


def test_private_key_file_is_its_owners_only_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "00070.pem"
    public = new_private_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_signer(path).key_id == id_of(public.public_bytes_raw())
    with pytest.raises(Refused, match="key_file"):
        new_private_key(path)
    public_path = tmp_path / "pub.pem"
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    public_path.write_bytes(pem)
    assert read_public_key(public_path) == public


def test_key_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    other = generate_private_key(SECP256R1())
    pems = [
        b"no key",
        other.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        other.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
    ]
    for pem in pems:
        path.write_bytes(pem)
        for read in (read_signer, read_public_key):
            with pytest.raises(Refused, match="no_key"):
                read(path)
    for read in (read_signer, read_public_key):
        with pytest.raises(Refused, match="key_file"):
            read(tmp_path / "missing.pem")
