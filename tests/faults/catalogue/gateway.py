"""What comes to the gateway: foreign wards, captured batches, tokens that have ended."""

from __future__ import annotations

import urllib.error
import urllib.request

from ops.identity import registry_path
from producers.contract.codec import encode
from producers.contract.envelope import SequencedEvent
from producers.contract.topics import PARTITION_OF_WARD
from producers.identity.tokens import Tokens, key_id_of
from tests.faults.catalogue.base import Fault, NoEffect
from tests.faults.catalogue.data import Data


class _Http(Data):
    """Through the gateway's own port, with a ward's token."""

    def gateway_ward(self) -> tuple[str, str]:
        config = self.city.config_of(self.sender("gateway"))
        ward = self.rng.choice(config.wards)
        return ward, config.tokens[ward]

    def post(self, token: str, events: list[SequencedEvent]) -> int:
        """The HTTP status. Raises NoEffect if nobody answered, or Kafka was away."""
        body = b"[" + b",".join(map(encode, events)) + b"]"
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.city.settings.gateway_port}/v1/events",
            body,
            {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            if error.code >= 500:
                raise NoEffect(f"the gateway answered {error.code}") from None
            return error.code
        except OSError as error:
            raise NoEffect(f"the gateway did not answer: {error}") from None


class Spoofed(_Http):
    id, name = "F47", "foreign-ward-through-the-gateway"
    expectation = "refused event by event; nothing of it reaches Kafka"

    def inject(self) -> str:
        ward, token = self.gateway_ward()
        other = next(code for code in sorted(PARTITION_OF_WARD) if code != ward)
        status = self.post(token, self.events(other, range(900_001, 900_010)))
        if not 400 <= status < 500:
            raise AssertionError(f"the gateway judged events of {other} with the token of {ward}: {status}")
        return f"events of {other} with the token of {ward}: HTTP {status}"


class Replayed(_Http):
    id, name = "F48", "batch-replayed-through-the-gateway"
    expectation = "a captured batch, sent again: accepted, counted once"

    def inject(self) -> str:
        ward, token = self.gateway_ward()
        last = self.city.counted().get(ward, 0)
        if not last:
            raise NoEffect(f"nothing of {ward} is counted yet")
        status = self.post(token, self.events(ward, range(max(1, last - 100), last + 1)))
        if status == 401:
            raise NoEffect(f"the token of {ward} was replaced meanwhile")
        if not 200 <= status < 300:
            raise AssertionError(f"a batch of {ward} sent again was refused: HTTP {status}")
        return f"a batch of {ward} sent again: HTTP {status}"


class TokenRotated(_Http):
    id, name = "F46", "token-rotated"
    hold_s = (3.0, 6.0)
    expectation = "the old token is refused within a second; the ward goes on with the new one"

    def inject(self) -> str:
        self._sender = self.sender("gateway")
        config = self.city.config_of(self._sender)
        self._ward = self.rng.choice(config.wards)
        self._old = config.tokens[self._ward]
        tokens = Tokens(registry_path(self.city.settings))
        self._new = tokens.issue(self._ward, "faults")
        tokens.revoke(key_id_of(self._old), "faults")
        tokens.close()
        return f"the token of {self._ward} revoked"

    def heal(self) -> str:
        """The ward goes on; whoever has found the old token does not."""
        self.city.give_token(self._sender, self._ward, self._new)
        for token, wanted in ((self._old, 401), (self._new, 202)):
            status = self.post(token, self.events(self._ward, [1]))
            if status != wanted:
                which = "old" if token == self._old else "new"
                raise AssertionError(f"{self._ward}: HTTP {status} for the {which} token, not {wanted}")
        return f"the token of {self._ward} revoked: HTTP 401 with the old one, 202 with the new one"


FAULTS: tuple[type[Fault], ...] = (Spoofed, Replayed, TokenRotated)
