"""The command ``stasisd``: what needs no running daemon, and the daemon itself."""

import os
import sys
from pathlib import Path
from typing import NoReturn

import click
import structlog
import trio

from . import __version__, logs
from .bindings.control import CannotControlError
from .bindings.rest.certificate import CertificateError
from .bindings.rest.server import CannotListenError
from .commands.explain import explain
from .commands.tokens import token
from .config import Configuration, ConfigurationError, load
from .config.settings import Http, User
from .core.tenancy import BadTenant
from .credentials import digest, passwords
from .daemon import Addresses, Daemon, mint_token, of_plaintext, supervise
from .dialplan.parser import DialplanError, parse
from .media.control import MediaUnavailable
from .operations.authentication import OPERATORS
from .store import audit, secrets
from .store.errors import StoreError
from .technologies.sip import CannotListen
from .tenants.keeping import ensure_secrets

log = structlog.get_logger("stasisd")

# Exit codes: 1 something is in the way, 2 the configuration is wrong.
FAILED, MISCONFIGURED = 1, 2

IN_THE_WAY = (
    BadTenant, CannotControlError, CannotListenError, CertificateError, CannotListen,
    MediaUnavailable, StoreError,
)  # fmt: skip

config_option = click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The configuration. Without it: conf/stasisd.toml, /etc/stasisd/stasisd.toml, built-in.",
)


@click.group()
@click.version_option(__version__, prog_name="stasisd")
def main() -> None:
    """A telephony application server: ARI over REST and WebSocket, SIP and RTP."""


@main.command()
@config_option
def serve(file: Path | None) -> None:
    """Run the daemon until SIGTERM or Ctrl-C."""
    configuration = _load(file)
    given = configuration.settings.log
    copies = logs.LogCopies()
    logs.configure(given.level.value, given.format.value, copies=copies)
    obstacle: BaseException | None = None
    try:
        kept, are_new = ensure_secrets(configuration)
        daemon = Daemon(configuration, kept)
        copies.of_tenants = daemon.tenants.logs
        if are_new:
            _show_new_credentials(configuration, kept)
        trio.run(supervise, daemon, _tell_addresses)
    except* IN_THE_WAY as group:
        obstacle = _first(group)
    # Not in the handler: what is raised there comes out as a group.
    if obstacle is not None:
        _fail(str(obstacle))


@main.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("stasisd-demo"),
    show_default=True,
    help="Where the sound files are left.",
)
@click.option("--verbose", is_flag=True, help="Show SIP messages and whole events, too.")
def demo(folder: Path, verbose: bool) -> None:
    """Show a whole call on this machine: a phone, a dialplan, an ARI application, half a minute."""
    from .demo import walkthrough  # noqa: PLC0415 - the daemon need not load what only this uses

    code, obstacle = 0, None
    try:
        code = walkthrough.run(folder, verbose=verbose)
    except* IN_THE_WAY as group:
        obstacle = _first(group)
    if obstacle is not None:
        _fail(str(obstacle))
    sys.exit(code)


def _first(group: BaseException) -> BaseException:
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group


def _tell_addresses(addresses: Addresses) -> None:
    log.info(
        "stasisd is up",
        version=__version__,
        http=[f"{host}:{port}" for host, port in addresses.http],
        sip=[f"{host}:{port}" for host, port in addresses.sip],
    )


@main.command("check-config")
@config_option
def check_config(file: Path | None) -> None:
    """Read the configuration and the dialplans, and report every mistake."""
    configuration = _load(file)
    click.echo(f"{configuration.source or 'The built-in configuration'} is good.")
    if remark := of_plaintext(configuration.settings.http):
        click.echo(f"But {remark}.")


@main.command()
@config_option
def credentials(file: Path | None) -> None:
    """Print the passwords that were made for users and phones, and a token for each user."""
    configuration = _load(file)
    try:
        kept, _ = ensure_secrets(configuration)
    except StoreError as error:
        _fail(str(error))
    _print_credentials(configuration, kept)


@main.group("audit")
def audit_log() -> None:
    """What was asked of the tenants, and what was decided."""


@audit_log.command("verify")
@config_option
@click.argument("tenant", default="default")
def verify_audit(file: Path | None, tenant: str) -> None:
    """Check that no record of a tenant's audit log was changed, and print its last hash.

    That of the operators is `operators`.
    """
    configuration = _load(file)
    folder = configuration.audit(tenant)
    if tenant not in configuration.settings.tenants and not folder.is_dir():
        _fail(f"there is no tenant {tenant}")
    try:
        seal = audit.verify(folder)
    except (OSError, StoreError) as error:
        _fail(str(error))
    click.echo(f"{folder}: whole up to record {seal.serial}, whose hash is {seal.hash}")


@main.command("hash-password")
@click.option("--digest", "user", metavar="USER", help="Make the digest_ha1 of this user instead.")
@click.option(
    "--realm", default=Http().realm, show_default=True, help="With --digest: that of [http]."
)
def hash_password(user: str | None, realm: str) -> None:
    """Read a password, and print what to keep of it as password_hash of a user.

    It is asked for on a terminal, else it is the first line of standard input.
    """
    password = _read_password()
    if user is None:
        click.echo(passwords.hash_password(password))
    else:
        click.echo(digest.ha1(user, realm, password, "SHA-256"))


def _read_password() -> str:
    if sys.stdin.isatty():
        password: str = click.prompt(
            "Password", hide_input=True, confirmation_prompt=True, err=True
        )
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        _fail("there is no password on standard input")
    return password


main.add_command(token)
main.add_command(explain)


def _load(file: Path | None) -> Configuration:
    """The configuration, with its dialplans checked; mistakes end the program."""
    try:
        configuration = load(file)
        for name, tenant in configuration.settings.tenants.items():
            path = configuration.dialplan(name, tenant)
            parse(path.read_text(), str(path))
    except (ConfigurationError, DialplanError) as error:
        click.echo(str(error), err=True)
        sys.exit(MISCONFIGURED)
    except (OSError, UnicodeDecodeError) as error:
        click.echo(f"stasisd: a dialplan can't be read: {error}", err=True)
        sys.exit(MISCONFIGURED)
    return configuration


def _print_credentials(configuration: Configuration, kept: secrets.Secrets) -> None:
    if configuration.settings.operators:
        click.echo("Operators:")
        _print_users(kept, OPERATORS, configuration.settings.operators)
    for tenant, given in configuration.settings.tenants.items():
        click.echo(f"Tenant {tenant}:")
        _print_users(kept, tenant, given.users)
        for name in given.endpoints:
            password = kept.endpoints.get(tenant, {}).get(name, "(as configured)")
            click.echo(f"  SIP phone  {name:<12} {password}")
    for tenant in kept.users.keys() - {*configuration.settings.tenants, OPERATORS}:
        click.echo(f"Tenant {tenant}, made while the server ran:")
        _print_passwords("ARI user ", kept.users[tenant])
        _print_passwords("SIP phone", kept.endpoints.get(tenant, {}))
    click.echo("`stasisd credentials` prints this again.")


def _print_passwords(what: str, passwords: dict[str, str]) -> None:
    for name, password in passwords.items():
        click.echo(f"  {what}  {name:<12} {password}")


def _print_users(kept: secrets.Secrets, tenant: str, users: dict[str, User]) -> None:
    for name, user in users.items():
        password = kept.users.get(tenant, {}).get(name, "(as configured)")
        click.echo(f"  ARI user   {name:<12} {password}")
        click.echo(f"  ARI token  {name:<12} {mint_token(kept, tenant, user)}")


def _show_new_credentials(configuration: Configuration, kept: secrets.Secrets) -> None:
    """Print them once, but never into a journal that others may read."""
    if "JOURNAL_STREAM" in os.environ:
        log.info("passwords were made; `stasisd credentials` prints them")
    else:
        _print_credentials(configuration, kept)


def _fail(message: str) -> NoReturn:
    click.echo(f"stasisd: {message}", err=True)
    sys.exit(FAILED)


if __name__ == "__main__":
    main()
