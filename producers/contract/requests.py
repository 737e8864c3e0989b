"""What the city asks a ward to send again: a message of `dossier.requests`, key = the ward's code."""

from __future__ import annotations

from typing import Annotated

import msgspec

from producers.contract.events import Epoch, Moment, Seq, WardCode


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """The city lacks these seqs of a ward, both ends included. `request` names the request itself."""

    request: Annotated[str, msgspec.Meta(max_length=40)]
    ward: WardCode
    epoch: Epoch
    first_seq: Seq
    last_seq: Seq
    requested_at: Moment
