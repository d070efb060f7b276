"""`stasisd token`: minting with a key of the state folder, and what needs no key at all."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import click

from caps import verifying
from caps.bundle import Bundle
from caps.caveats import Caveat, Expires, NotBefore, ThirdParty, encode
from caps.errors import InvalidToken, TokenTooLarge
from caps.token import Token, mint
from stasisd.config import load
from stasisd.store.errors import StoreError

from .limits import caveats, limiting
from .ring import read_ring

STANDARD_INPUT = "-"
config_option = click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The configuration, which says where the state is.",
)
token_argument = click.argument("text", metavar="TOKEN")


@click.group("token")
def token() -> None:
    """Make, narrow and read tokens. TOKEN may be `-`: then it is read from standard input,
    and no list of processes shows it.
    """


@token.command("mint")
@config_option
@click.option("--tenant", default="default", show_default=True, help="Whose token it is.")
@click.option("--user", help="For whom it is: all tokens of a user can be revoked together.")
@limiting
def mint_token(file: Path | None, tenant: str, user: str | None, **given: Any) -> None:
    """Make a token of a tenant, with the key of the state folder."""
    try:
        key = read_ring(load(file)).newest(tenant)
    except StoreError as error:
        fail(str(error))
    if key is None:
        fail(f"there is no key of the tenant {tenant}: start stasisd once")
    click.echo(_limited(mint(key, user=user, issued=time.time()), given).encode())


@token.command("attenuate")
@token_argument
@limiting
def attenuate(text: str, **given: Any) -> None:
    """Narrow a token further; this needs no key, and can't be undone."""
    bundle = _read(text)
    if bundle.discharges:
        fail("its discharges are bound to it as it is: narrow it first, then have it discharged")
    click.echo(_limited(bundle.token, given).encode())


@token.command("inspect")
@token_argument
def inspect(text: str) -> None:
    """Show what is written in a token. Whether it is genuine, `verify` says."""
    bundle = _read(text)
    named = bundle.token.identifier
    click.echo(f"key      {named.key_id}")
    click.echo(f"token    {named.token_id}")
    if named.user is not None:
        click.echo(f"user     {named.user}, since {shown(named.issued)}")
    for caveat in bundle.token.caveats:
        click.echo(f"caveat   {written(caveat)}")
    for _ in bundle.discharges:
        click.echo("with a discharge")


@token.command("verify")
@config_option
@token_argument
def verify(file: Path | None, text: str) -> None:
    """Say whether a token is genuine, in its time and not revoked, by the state folder."""
    try:
        grant = verifying.verify(read_text(text), read_ring(load(file)), time.time())
    except StoreError as error:
        fail(str(error))
    except InvalidToken as refused:
        fail(f"refused: {refused}")
    whose = "the operator" if grant.tenant is None else f"tenant {grant.tenant}"
    until = "" if grant.expires == float("inf") else f", until {shown(grant.expires)}"
    click.echo(f"good: {whose}{until}")


def read_text(text: str) -> str:
    """A token as it was given, or from standard input."""
    return sys.stdin.read().strip() if text == STANDARD_INPUT else text


def written(caveat: Caveat) -> str:
    """A caveat as it stands in the token, and its times for people."""
    if isinstance(caveat, ThirdParty):
        return f"to be discharged by {caveat.location}"
    text = encode(caveat).decode()
    if isinstance(caveat, Expires | NotBefore):
        return f"{text}  ({shown(caveat.at)})"
    return text


def shown(seconds: float) -> str:
    """A moment for people."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def fail(message: str) -> NoReturn:
    """End with one line on standard error."""
    raise click.ClickException(message)


def _read(text: str) -> Bundle:
    try:
        return Bundle.decode(read_text(text))
    except InvalidToken:
        fail("this is no token")


def _limited(made: Token, given: dict[str, Any]) -> Token:
    try:
        limited = made.attenuate(*caveats(given))
        limited.encode()
    except TokenTooLarge as error:
        fail(str(error))
    return limited
