"""`stasisd explain`: whether a token would do for a request, and which caveat says no."""

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import click
import msgspec

from caps import verifying
from caps.access import Access
from caps.caveats import Caveat, Networks
from caps.errors import InvalidToken
from caps.grant import Grant
from stasisd.bindings.ari.routes import Match, Routes
from stasisd.config import load
from stasisd.operations import OPERATIONS
from stasisd.store.errors import StoreError

from .ring import read_ring
from .tokens import config_option, fail, read_text, token_argument, written

ALLOW, DENY, DEPENDS = "allow", "deny", "depends"
DENIED = 1


class Verdict(msgspec.Struct, frozen=True):
    """What one caveat says: ``DENY`` for a reason, or that it ``DEPENDS`` on something."""

    said: str
    caveat: Caveat
    reason: str = ""


@click.command("explain")
@config_option
@token_argument
@click.argument("method")
@click.argument("path")
def explain(file: Path | None, text: str, method: str, path: str) -> None:
    """Say whether TOKEN allows METHOD PATH, by the names alone, and which caveat does not.

    What depends on the object, or on where the request comes from, is listed.
    """
    configuration = load(file)
    match = _match(method, path, configuration.settings.http.prefix)
    try:
        grant = verifying.verify(read_text(text), read_ring(configuration), time.time())
    except StoreError as error:
        fail(str(error))
    except InvalidToken as refused:
        click.echo(f"{DENY}: {refused}")
        raise SystemExit(DENIED) from None
    right = match.operation.right
    assert right is not None
    click.echo(f"{match.operation.name}, which takes the right to {right.value}")
    verdicts = list(judge(grant, match, path))
    denied = [verdict for verdict in verdicts if verdict.said == DENY]
    for verdict in denied or verdicts:
        click.echo(f"{verdict.said}: {verdict.reason}  {written(verdict.caveat)}")
    if not verdicts:
        click.echo(ALLOW)
    raise SystemExit(DENIED if denied else 0)


def judge(grant: Grant, match: Match, path: str) -> Iterator[Verdict]:
    """What the caveats say of the objects that the request names, each caveat once."""
    raw = dict(parse_qsl(urlsplit(path).query)) | match.parameters
    told: set[Caveat] = set()
    for parameter in match.operation.guarded:
        assert parameter.right is not None
        names = [raw.get(wire) for wire in parameter.wire]
        object_id = "/".join(name for name in names if name) if all(names) else None
        access = Access(
            right=parameter.right,
            operation=match.operation.name,
            tenant=grant.tenant,
            now=time.time(),
            kind=parameter.kind.name if parameter.kind is not None else None,
            object_id=object_id if parameter.kind is not None else None,
            events=match.operation.makes,
        )
        for caveat in grant.caveats:
            verdict = _verdict(caveat, access)
            if verdict is not None and caveat not in told:
                told.add(caveat)
                yield verdict


def _verdict(caveat: Caveat, access: Access) -> Verdict | None:
    if isinstance(caveat, Networks):
        return Verdict(DEPENDS, caveat, "on where the request comes from")
    if not caveat.decidable(access):
        return Verdict(DEPENDS, caveat, "on what the daemon knows of the object")
    reason = caveat.prohibits(access)
    return None if reason is None else Verdict(DENY, caveat, reason)


def _match(method: str, path: str, prefix: str) -> Match:
    segments = [unquote(part) for part in urlsplit(path).path.strip("/").split("/")]
    before = prefix.split("/")
    if segments[: len(before)] == before:
        segments = segments[len(before) :]
    found = Routes(OPERATIONS.values()).match(method.upper(), segments)
    if found is None:
        fail(f"there is no operation at {method.upper()} {path}")
    return found
