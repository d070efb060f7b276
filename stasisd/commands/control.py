"""`stasisctl`: asks the running daemon, over its control socket, with a token made for the request.

Whoever may read the state folder has the operator's key there, and may do what an operator may;
the socket is for the same user alone. The daemon checks the token as it checks any other.
"""

import json
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import httpx
import msgspec

from caps.caveats import Caveat, Expires, Tenant
from caps.errors import InvalidToken
from caps.token import PREFIX, Token, mint
from stasisd.bindings.control import SOCKET, is_listening, short
from stasisd.config import ConfigurationError, load
from stasisd.config.files import Configuration
from stasisd.store.errors import StoreError

from .limits import span
from .ring import read_ring
from .tokens import config_option, fail, read_text

GOOD_FOR = 60  # seconds
PATIENCE = 60.0  # seconds; to remove a tenant ends its calls first


class Control(msgspec.Struct, frozen=True):
    """The daemon of this state folder, asked in the name of the operator, or within one tenant."""

    configuration: Configuration
    tenant: str | None = None

    def ask(self, method: str, path: str, values: Mapping[str, Any] | None = None) -> Any:
        """The answer's JSON, or None; a refusal ends the program with what was said."""
        socket = self.configuration.state / SOCKET
        headers = {"authorization": f"Bearer {self._token()}"}
        prefix = self.configuration.settings.http.prefix
        url = f"http://localhost/{prefix}{path}"
        try:
            with short(socket) as name:
                if not is_listening(name):
                    fail(f"no daemon listens at {socket}")
                transport = httpx.HTTPTransport(uds=name)
                with httpx.Client(transport=transport, timeout=PATIENCE) as client:
                    answer = client.request(method, url, json=values or None, headers=headers)
        except (httpx.HTTPError, OSError) as error:
            fail(f"{socket}: {error}")
        return _said(answer)

    def _token(self) -> str:
        try:
            key = read_ring(self.configuration).newest(None)
        except StoreError as error:
            fail(str(error))
        if key is None:
            fail("the state folder has no operator's key: start stasisd once")
        now = time.time()
        within: tuple[Caveat, ...] = (Tenant(self.tenant),) if self.tenant is not None else ()
        return mint(key, *within, Expires(now + GOOD_FOR), user="stasisctl", issued=now).encode()


def _said(answer: httpx.Response) -> Any:
    said = answer.json() if answer.content else None
    if not answer.is_success:
        fail(_refusal(said) or answer.reason_phrase)
    return said


def _refusal(said: Any) -> str:
    """What the daemon said of why not."""
    if not isinstance(said, dict):
        return ""
    message = str(said.get("message") or said.get("error") or "")
    return f"{message}: {said['detail']}" if said.get("detail") else message


@click.group()
@config_option
@click.pass_context
def main(context: click.Context, file: Path | None) -> None:
    """Ask the running stasisd of this machine; run it as the daemon's user."""
    try:
        context.obj = Control(load(file))
    except ConfigurationError as error:
        fail(str(error))


def show(said: Any) -> None:
    """Print an answer, if it has anything to say."""
    if said is not None:
        click.echo(json.dumps(said, indent=2, ensure_ascii=False))


tenant_option = click.option("--tenant", default="default", show_default=True, help="Whose it is.")


def within(control: Control, tenant: str) -> Control:
    """The same daemon, asked within a tenant."""
    return msgspec.structs.replace(control, tenant=tenant)


# --- tenants


@main.group("tenant")
def tenants() -> None:
    """The companies that the server hosts."""


@tenants.command("list")
@click.pass_obj
def list_tenants(control: Control) -> None:
    """Show all tenants, and whether they run."""
    for each in control.ask("GET", "/tenants"):
        domains = ", ".join(each["domains"]) or "all other domains"
        click.echo(f"{each['name']:<20} {each['state']:<10} {domains}")


@tenants.command("add")
@click.argument("name")
@click.option(
    "--settings",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A TOML file with what stands in [tenants.NAME] of the configuration.",
)
@click.pass_obj
def add_tenant(control: Control, name: str, settings: Path | None) -> None:
    """Make a tenant and start it; its passwords are printed."""
    table: dict[str, Any] = {}
    if settings is not None:
        try:
            table = tomllib.loads(settings.read_text())
        except (OSError, ValueError) as error:
            fail(f"{settings}: {error}")
    show(control.ask("POST", f"/tenants/{_quoted(name)}", {"settings": table} if table else None))


def _change(verb: str, method: str, suffix: str, told: str) -> None:
    @tenants.command(verb, help=told)
    @click.argument("name")
    @click.pass_obj
    def command(control: Control, name: str) -> None:
        control.ask(method, f"/tenants/{_quoted(name)}{suffix}")


_change("suspend", "POST", "/suspend", "End all that a tenant does, and let nobody of it in.")
_change("resume", "POST", "/resume", "Start a tenant again that was suspended.")
_change("remove", "DELETE", "", "End a tenant that was made at run time, and forget it.")


# --- tokens and keys


@main.group("token")
def tokens() -> None:
    """Tokens that are out there."""


# An id may begin with a dash.
@tokens.command("revoke", context_settings={"ignore_unknown_options": True})
@tenant_option
@click.argument("text", metavar="TOKEN")
@click.pass_obj
def revoke(control: Control, tenant: str, text: str) -> None:
    """Let no token of this id be good any more; TOKEN is the token, its id, or - for stdin."""
    text = read_text(text)
    if text.startswith(PREFIX):
        try:
            text = Token.decode(text.partition(".")[0]).token_id
        except InvalidToken:
            fail("this is no token")
    within(control, tenant).ask("DELETE", f"/tokens/{_quoted(text)}")


@tokens.command("revoke-user")
@tenant_option
@click.argument("user")
@click.pass_obj
def revoke_user(control: Control, tenant: str, user: str) -> None:
    """Let no token be good any more that was made for a user until now."""
    within(control, tenant).ask("DELETE", f"/users/{_quoted(user)}/tokens")


@main.group("key")
def keys() -> None:
    """Keys that sign tokens."""


@keys.command("list")
@tenant_option
@click.pass_obj
def list_keys(control: Control, tenant: str) -> None:
    """Show the keys of a tenant, the oldest first."""
    show(within(control, tenant).ask("GET", "/keys"))


@keys.command("rotate")
@tenant_option
@click.option("--overlap", type=span, default="7d", show_default=True, help="As 0s, 12h or 7d.")
@click.pass_obj
def rotate(control: Control, tenant: str, overlap: int) -> None:
    """Make a new key; what the older ones signed is good for the overlap."""
    show(within(control, tenant).ask("POST", "/keys", {"overlap": overlap}))


@keys.command("end")
@tenant_option
@click.argument("key_id", metavar="KEY")
@click.pass_obj
def end_key(control: Control, tenant: str, key_id: str) -> None:
    """End a key at once, and every token that it signed."""
    within(control, tenant).ask("DELETE", f"/keys/{_quoted(key_id)}")


# --- anything else


@main.command("request")
@tenant_option
@click.argument("method")
@click.argument("path")
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
@click.pass_obj
def request(control: Control, tenant: str, method: str, path: str, values: tuple[str, ...]) -> None:
    """Ask for any operation of a tenant, such as: request GET /channels"""
    given = dict(value.partition("=")[::2] for value in values)
    show(within(control, tenant).ask(method.upper(), path, given))


def _quoted(name: str) -> str:
    return quote(name, safe="")
