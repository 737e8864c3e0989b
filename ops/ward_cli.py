"""`dongbo ward …`: what an operator does about a ward; each command's work is imported when it is used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

ward_app: Final = typer.Typer(
    name="ward",
    help="Wards: what is missing, ask for it, take a wrong event back.",
    no_args_is_help=True,
)

Json = Annotated[bool, typer.Option("--json", help="One JSON value on stdout, nothing else.")]
Epoch = Annotated[str | None, typer.Option("--epoch", help="Life of the outbox; default: the present one.")]


def _codes(incomplete: str) -> list[str]:
    from producers.contract.wards import WARDS

    return [code for code in WARDS if code.startswith(incomplete)]


Code = Annotated[str, typer.Argument(help="A ward's 5-digit code, e.g. 00070.", autocompletion=_codes)]
AnyCode = Annotated[
    str | None, typer.Argument(help="A ward's 5-digit code; none: all.", autocompletion=_codes)
]


token_app: Final = typer.Typer(
    name="token", help="What a ward's system shows the gateway to say who it is.", no_args_is_help=True
)
key_app: Final = typer.Typer(
    name="key", help="Public keys of wards that write to Kafka themselves.", no_args_is_help=True
)
ward_app.add_typer(token_app)
ward_app.add_typer(key_app)
KeyId = Annotated[str, typer.Argument(help="The key id, as the list shows it; never the token itself.")]
KeyOwner = Annotated[
    str, typer.Argument(help="A ward's 5-digit code, or `gateway` for the city's own.", autocompletion=_codes)
]


AsOf = Annotated[
    str | None, typer.Option("--as-of", help="A cut's number, or an instant: '2025-07-21 14:32:05'.")
]


@ward_app.command("show")
def ward_show(ward: Code, as_of: AsOf = None, as_json: Json = False) -> None:
    """Show how a ward stands and what the city has of it; exit 1 if its status is bad."""
    from ops.picture import ward as show

    raise typer.Exit(show(ward, as_of, as_json=as_json))


@ward_app.command("list")
def ward_list(as_of: AsOf = None, as_json: Json = False) -> None:
    """Show the status of every ward, the worst first; exit 1 if one is bad."""
    from ops.picture import wards

    raise typer.Exit(wards(as_of, as_json=as_json))


@ward_app.command()
def gaps(ward: AnyCode = None, as_json: Json = False) -> None:
    """Show the seqs that wards have given and the city has not; exit 1 if there are any."""
    from ops.ward_repair import gaps as show

    raise typer.Exit(show(ward=ward, as_json=as_json))


@ward_app.command()
def request(
    ward: AnyCode = None,
    seqs: Annotated[str | None, typer.Argument(help="e.g. 17-19,25; none: all that is missing.")] = None,
    epoch: Epoch = None,
    as_json: Json = False,
) -> None:
    """Ask a ward for seqs again, e.g. `dongbo ward request 00070 17-19`; its outbox answers by itself."""
    from ops.ward_repair import request as ask

    raise typer.Exit(ask(ward=ward, seqs=seqs, epoch=epoch, as_json=as_json))


@ward_app.command()
def retract(
    ward: Code,
    seq: Annotated[int, typer.Argument(min=1, help="The seq of the wrong status event.")],
    reason: Annotated[str, typer.Option("--reason", help="A code, e.g. wrong-status.")],
    epoch: Epoch = None,
    outbox: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="At the ward: take it from this outbox, and send by it."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Take a wrong event back, e.g. `dongbo ward retract 00070 17 --reason wrong-status`."""
    from ops.ward_repair import retract as take_back

    raise typer.Exit(
        take_back(ward=ward, seq=seq, reason=reason, epoch=epoch, outbox=outbox, as_json=as_json)
    )


@token_app.command("issue")
def token_issue(ward: Code, as_json: Json = False) -> None:
    """Give a ward a token, e.g. `dongbo ward token issue 00070`; it is shown this once."""
    from ops.identity import issue

    raise typer.Exit(issue(ward, as_json=as_json))


@token_app.command("rotate")
def token_rotate(
    ward: Code,
    overlap_hours: Annotated[
        float, typer.Option(min=0, max=2160, help="How long the old ones stay valid.")
    ] = 168.0,
    as_json: Json = False,
) -> None:
    """Give a ward a new token; its old ones end after the overlap."""
    from ops.identity import rotate

    raise typer.Exit(rotate(ward, overlap_s=overlap_hours * 3600, as_json=as_json))


@token_app.command("revoke")
def token_revoke(key_id: KeyId, as_json: Json = False) -> None:
    """End a token at once; the gateway refuses it within a second."""
    from ops.identity import revoke

    raise typer.Exit(revoke(key_id, as_json=as_json))


@token_app.command("list")
def token_list(ward: AnyCode = None, as_json: Json = False) -> None:
    """Show tokens by their key ids, never their secrets."""
    from ops.identity import tokens_of

    raise typer.Exit(tokens_of(ward, as_json=as_json))


@token_app.command("log")
def token_log(ward: AnyCode = None, as_json: Json = False) -> None:
    """Show every use of the token and key commands: when, who, what, which key."""
    from ops.identity import log_of

    raise typer.Exit(log_of(ward, as_json=as_json))


@key_app.command("new")
def key_new(
    ward: KeyOwner,
    public: Annotated[
        Path | None,
        typer.Option("--public", exists=True, dir_okay=False, help="The ward's own public key (PEM)."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Else: where to write a new private key; default WARD.pem.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Register a public key, e.g. `dongbo ward key new 00070 --public 00070.pub.pem`; valid in a minute."""
    from ops.identity import new_key

    raise typer.Exit(new_key(ward, public=public, out=out, as_json=as_json))


@key_app.command("revoke")
def key_revoke(key_id: KeyId, as_json: Json = False) -> None:
    """End a key in a minute; what was signed and sent before stays valid."""
    from ops.identity import revoke_key

    raise typer.Exit(revoke_key(key_id, as_json=as_json))


@key_app.command("list")
def key_list(
    ward: Annotated[str | None, typer.Argument(help="A ward's code, or `gateway`; none: all.")] = None,
    as_json: Json = False,
) -> None:
    """Show public keys with the times of Kafka's clock in which they are valid."""
    from ops.identity import keys_of

    raise typer.Exit(keys_of(ward, as_json=as_json))
