"""An operation that could forget a check does not get past its declaration."""

from inspect import Signature
from typing import Annotated, Any

import pytest

from stasisd.core.bridge import Bridge
from stasisd.core.channel import Channel
from stasisd.core.tenant import Tenant
from stasisd.operations import OPERATIONS
from stasisd.operations.declare import (
    Control,
    Create,
    DeclarationError,
    Delete,
    Each,
    Named,
    Operation,
    Read,
    ReadTenant,
    Together,
    Within,
    operation,
)
from stasisd.operations.parameters import EventSource


def declare(function: Any) -> Operation:
    return Operation("things.do", function, (), errors={}, in_documents=True)


def bare(channel: Channel) -> None: ...
def bare_optional(tenant: ReadTenant, channel: Channel | None = None) -> None: ...
def bare_list(channels: list[Channel]) -> None: ...
def bare_among_guarded(bridge: Control[Bridge], channel: Channel) -> None: ...
def bare_with_a_note(channel: Annotated[Channel, Named("it")]) -> None: ...
def bare_tenant(tenant: Tenant) -> None: ...
def bare_within(tenant: Within) -> None: ...
def bare_source(source: list[EventSource]) -> None: ...
def of_no_known_type(channel: Read[Channel], thing: object) -> None: ...
def making_what_is_no_object(new: Create[str]) -> None: ...
def asking_for_no_right(text: str) -> None: ...
def two_of_one_name(
    channel: Read[Channel], channel_id: Annotated[str, Named("channel")]
) -> None: ...


class Values(Together, frozen=True, kw_only=True):
    """Values of every kind of default."""

    media: list[str]
    loud: bool = False
    max_seconds: int = 5
    names: list[str] = []  # noqa: RUF012 - each struct has its own


class WithObject(Together, frozen=True, kw_only=True):
    """What may not stand together with values."""

    channel: Control[Channel]


class WithBareObject(Together, frozen=True, kw_only=True):
    """Nor without a right."""

    channel: Channel


def together_with_an_object(bridge: Read[Bridge], asked: WithObject) -> None: ...
def together_with_a_bare_object(bridge: Read[Bridge], asked: WithBareObject) -> None: ...
def together_maybe(bridge: Read[Bridge], asked: Values | None) -> None: ...
def together_twice(bridge: Read[Bridge], asked: Values, again: Values) -> None: ...


@pytest.mark.parametrize(
    "function",
    [
        together_with_an_object, together_with_a_bare_object, together_maybe, together_twice,
        bare, bare_optional, bare_list, bare_among_guarded, bare_with_a_note, bare_tenant,
        bare_within, bare_source, of_no_known_type, making_what_is_no_object,
        asking_for_no_right, two_of_one_name,
    ],
)  # fmt: skip
def test_it_is_refused(function: Any) -> None:
    with pytest.raises(DeclarationError):
        declare(function)


def together(bridge: Read[Bridge], asked: Values, lang: str = "") -> None: ...


def test_each_field_of_what_stands_together_is_a_parameter() -> None:
    declared = declare(together)
    wires = {wire: p.default for p in declared.plain for wire in p.wire}
    empty = Signature.empty
    assert wires == {"media": empty, "loud": False, "maxSeconds": 5, "names": [], "lang": ""}
    given = {"media": ["a"], "loud": True, "max_seconds": 1, "names": ["b"], "lang": "en"}
    assert declared.put_together(given) == {
        "asked": Values(media=["a"], loud=True, max_seconds=1, names=["b"]),
        "lang": "en",
    }


def nested(channel: Annotated[Annotated[Read[Channel], Named("a")] | None, Named("b")]) -> None: ...
def several(channels: Annotated[list[Delete[Channel]], Named("channel")]) -> None: ...
def listing(channels: Each[Channel]) -> None: ...


@pytest.mark.parametrize("function", [nested, several, listing])
def test_a_right_is_found_however_deep_it_stands(function: Any) -> None:
    (parameter,) = declare(function).parameters
    assert parameter.kind is not None
    assert parameter.kind.name == "channel"
    assert parameter.right is not None


def test_one_name_is_declared_once() -> None:
    with pytest.raises(DeclarationError, match="declared twice"):
        operation("channels.get", rest=None)(lambda: None)


@pytest.mark.parametrize("declared", OPERATIONS.values(), ids=list(OPERATIONS))
def test_there_is_no_way_around_the_gate(declared: Operation) -> None:
    with pytest.raises(DeclarationError, match="without the gate"):
        declared()
