"""Who a ward is, on the command line and for the processes: tokens, public keys, the policy of signatures."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from ops import console
from ops.settings import Settings, load
from producers.contract.signing import Sign, Verifier
from producers.identity.keyring import KeyringFile
from producers.identity.keys import SigningKeys
from producers.identity.registry import Entry
from producers.identity.signatures import (
    SignatureVerifier,
    new_private_key,
    parse_policy,
    read_public_key,
    read_signer,
)
from producers.identity.tokens import Tokens, key_id_of

_TOKEN_NOTE: Final = (
    "Shown this once; only its hash is kept. / Chỉ hiện một lần này; hệ thống chỉ lưu giá trị băm."  # noqa: S105
)


def registry_path(settings: Settings) -> Path:
    """The file of tokens and public keys."""
    return settings.identity_path or settings.data_dir / "identity" / "wards.sqlite"


def keyring_path(settings: Settings) -> Path:
    """The file of public keys that workers and loaders read."""
    return settings.keyring_path or settings.data_dir / "identity" / "keyring.json"


def verifier(settings: Settings) -> Verifier | None:
    """What workers and loaders verify with, the same for both; None where no signatures are asked for.

    :raises Stop: the policy is none, or the keyring is missing or damaged
    """
    policy = parse_policy(settings.signature_policy)
    return None if policy.is_off() else SignatureVerifier(policy, KeyringFile(keyring_path(settings)))


def gateway_sign(settings: Settings) -> Sign | None:
    """What the gateway signs with, if it has a key.

    :raises Refused: the key's file cannot be read
    """
    return read_signer(settings.gateway_key_path) if settings.gateway_key_path else None


def issue(ward: str, *, as_json: bool) -> int:
    """`dongbo ward token issue`."""
    with closing(_tokens()) as tokens:
        return _show_token(ward, tokens.issue(ward), as_json=as_json)


def rotate(ward: str, *, overlap_s: float, as_json: bool) -> int:
    """`dongbo ward token rotate`."""
    with closing(_tokens()) as tokens:
        return _show_token(ward, tokens.rotate(ward, overlap_s), as_json=as_json)


def revoke(key_id: str, *, as_json: bool) -> int:
    """`dongbo ward token revoke`."""
    with closing(_tokens()) as tokens:
        return _show([tokens.revoke(key_id)], as_json=as_json)


def tokens_of(ward: str | None, *, as_json: bool) -> int:
    """`dongbo ward token list`."""
    with closing(_tokens()) as tokens:
        return _show(tokens.list(ward), as_json=as_json)


def log_of(ward: str | None, *, as_json: bool) -> int:
    """`dongbo ward token log`."""
    with closing(_tokens()) as tokens:
        found = tokens.log(ward)
    return _show(found, as_json=as_json, columns=Entry.__struct_fields__)


def new_key(ward: str, *, public: Path | None, out: Path | None, as_json: bool) -> int:
    """`dongbo ward key new`: register the key that a ward sent, or make a pair."""
    with closing(_keys()) as keys:
        # Before a file is made under its name.
        keys.check_owner(ward, "key new")
        found = read_public_key(public) if public else new_private_key(out or Path(f"{ward}.pem"))
        return _show([keys.new(ward, found.public_bytes_raw())], as_json=as_json)


def revoke_key(key_id: str, *, as_json: bool) -> int:
    """`dongbo ward key revoke`."""
    with closing(_keys()) as keys:
        return _show([keys.revoke(key_id)], as_json=as_json)


def keys_of(ward: str | None, *, as_json: bool) -> int:
    """`dongbo ward key list`."""
    with closing(_keys()) as keys:
        return _show(keys.list(ward), as_json=as_json)


def _tokens() -> Tokens:
    return Tokens(registry_path(load()))


def _keys() -> SigningKeys:
    settings = load()
    return SigningKeys(registry_path(settings), keyring_path(settings))


def _show_token(ward: str, token: str, *, as_json: bool) -> int:
    if as_json:
        console.emit_json({"ward": ward, "key_id": key_id_of(token), "token": token})
    else:
        console.out.print(token, markup=False)
    console.note(_TOKEN_NOTE)
    return 0


def _show(found: Sequence[msgspec.Struct], *, as_json: bool, columns: Sequence[str] = ()) -> int:
    names = list(columns or (found[0].__struct_fields__ if found else ()))
    rows = [[_value(name, getattr(item, name)) for name in names] for item in found]
    console.emit_rows([name.removesuffix("_ms") for name in names], rows, as_json=as_json)
    return 0


def _value(name: str, value: Any) -> Any:
    """Moments as people read them."""
    if value is None or not name.endswith("_ms"):
        return value
    return datetime.fromtimestamp(value / 1000, UTC).isoformat(timespec="seconds")
