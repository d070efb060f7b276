"""Passwords that were not seen yet: who waits, who is limited, and who never is."""

from collections.abc import AsyncIterator, Callable
from unittest import mock

import pytest
import structlog.testing
import trio
import trio.testing

from caps.keyring import Keyring
from caps.token import generate_key
from stasisd.credentials import passwords
from stasisd.credentials.passwords import Plain, Stored
from stasisd.operations import logins
from stasisd.operations.authentication import Authenticator, Shown, User
from stasisd.operations.errors import NotAuthenticated, TooManyAttempts
from tests.support.clock import jumping_clock
from tests.support.passwords import HASHES, PASSWORD

pytestmark = jumping_clock

HERE, THERE = "192.0.2.1", "192.0.2.2"


class Slow:
    """A stored password that takes a second to compare, and is counted."""

    slow = True

    def __init__(self, password: str = "right") -> None:
        self.password = password
        self.asked: list[str] = []

    def matches(self, password: str) -> bool:
        self.asked.append(password)
        return password == self.password


@pytest.fixture
async def slow() -> AsyncIterator[Slow]:
    """Threads take a second each on the test's clock, which is in force by now."""

    async def second(function: Callable[..., object], *arguments: object) -> object:
        await trio.sleep(1)
        return function(*arguments)

    # Not by monkeypatch, which would be undone after the clock, and so bring back what that put.
    with mock.patch("trio.to_thread.run_sync", second):
        yield Slow()


def authenticator(*stored: Stored, keyring: Keyring | None = None) -> Authenticator:
    """Users u0, u1 and so on."""
    users = [
        User(name=f"u{number}", tenant="default", password=password)
        for number, password in enumerate(stored)
    ]
    return Authenticator(users, keyring or Keyring([generate_key("k", "default")]), lambda: 0.0)


async def log_in(door: Authenticator, name: str, password: str, address: str = HERE) -> str:
    shown = Shown(password, name)
    try:
        grant = door.recall(shown) or await door.log_in(shown, address)
    except (NotAuthenticated, TooManyAttempts) as refused:
        return refused.kind
    return grant.tenant or ""


@pytest.mark.parametrize("text", HASHES)
async def test_a_hash_lets_its_password_in_and_is_asked_once(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = authenticator(passwords.read(text))
    assert door.recall(Shown(PASSWORD, "u0")) is None
    assert await log_in(door, "u0", "wrong") == "not_authenticated"
    assert await log_in(door, "u0", PASSWORD) == "default"
    monkeypatch.setattr("stasisd.operations.logins.Logins.judge", None)
    assert door.recall(Shown(PASSWORD, "u0")) is not None
    assert door.recall(Shown(PASSWORD, "u1")) is None
    assert door.recall(Shown("wrong", "u0")) is None


async def test_who_shows_the_same_waits_for_one_comparison(slow: Slow) -> None:
    door = authenticator(slow)
    outcomes: list[str] = []

    async def ask(password: str) -> None:
        outcomes.append(await log_in(door, "u0", password))

    async with trio.open_nursery() as nursery:
        for _ in range(logins.WAITING * 2):
            nursery.start_soon(ask, "right")
            nursery.start_soon(ask, "wrong")
    assert sorted(slow.asked) == ["right", "wrong"]
    assert outcomes.count("default") == outcomes.count("not_authenticated") == 128
    assert trio.current_time() == 1


async def test_nobody_else_waits(slow: Slow) -> None:
    door = authenticator(slow, Plain("quick"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(log_in, door, "u0", "right")
        await trio.testing.wait_all_tasks_blocked()
        assert await log_in(door, "u1", "quick") == "default"
        assert trio.current_time() == 0


async def test_who_waits_for_one_that_is_cut_off_goes_on(slow: Slow) -> None:
    door = authenticator(slow)
    scope = trio.CancelScope()

    async def cut_off() -> None:
        with scope:
            await log_in(door, "u0", "right")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(cut_off)
        await trio.testing.wait_all_tasks_blocked()
        scope.cancel()
        assert await log_in(door, "u0", "right") == "default"
    assert trio.current_time() == 1


async def test_so_many_wait_and_others_are_told_to_come_again(slow: Slow) -> None:
    door = authenticator(slow)
    outcomes: list[str] = []

    async def ask(number: int) -> None:
        outcomes.append(await log_in(door, f"x{number}", "p", f"198.51.100.{number}"))

    async with trio.open_nursery() as nursery:
        for number in range(logins.WAITING + 6):
            nursery.start_soon(ask, number)
    assert outcomes[:6] == ["too_many_attempts"] * 6
    assert outcomes[6:] == ["not_authenticated"] * logins.WAITING
    assert trio.current_time() == logins.WAITING / logins.AT_ONCE


async def test_who_guesses_is_limited_and_may_try_again_later() -> None:
    door = authenticator(Plain("right"))
    with structlog.testing.capture_logs() as told:
        for _ in range(logins.GUESSES * 3):
            await log_in(door, "u0", "wrong")
    complaint = {"event": "passwords are guessed", "address": HERE, "log_level": "warning"}
    assert told == [complaint], "once, and not for each that is not looked at"
    with pytest.raises(TooManyAttempts) as caught:
        await door.log_in(Shown("right", "u0"), HERE)
    assert caught.value.retry_after == caught.value.again().retry_after == logins.SECONDS
    assert await log_in(door, "u0", "wrong", THERE) == "not_authenticated"
    await trio.sleep(logins.SECONDS)
    assert await log_in(door, "u0", "right") == "default"


async def test_a_right_password_is_not_locked_out_by_other_sources_or_names() -> None:
    door = authenticator(Plain("right"), Plain("other"), Plain("third"))
    assert await log_in(door, "u0", "right") == "default"
    for number in range(100):
        await log_in(door, "u0", f"wrong {number}", HERE)
    assert await log_in(door, "u0", "right", HERE) == "default", "it is known"
    assert await log_in(door, "u1", "other", HERE) == "default", "another name"
    assert await log_in(door, "u2", "third", THERE) == "default", "another address"


async def test_an_address_guesses_so_many_names() -> None:
    door = authenticator(Plain("right"))
    outcomes = [await log_in(door, f"name {number}", "x") for number in range(40)]
    assert outcomes.count("not_authenticated") == logins.GUESSES * logins.NAMES
    assert outcomes[-1] == "too_many_attempts"
    assert await log_in(door, "u0", "right", THERE) == "default"


async def test_an_ipv6_customer_is_one_source() -> None:
    door = authenticator(Plain("right"))
    for number in range(logins.GUESSES):
        await log_in(door, "u0", "wrong", f"2001:db8::{number}")
    assert await log_in(door, "u0", "right", "2001:db8::ffff:1") == "too_many_attempts"
    assert await log_in(door, "u0", "right", "2001:db8:0:1::1") == "default"
    door = authenticator(Plain("right"))
    for _ in range(logins.GUESSES):
        await log_in(door, "u0", "wrong", "::ffff:192.0.2.1")
    assert await log_in(door, "u0", "right", HERE) == "too_many_attempts"
    assert await log_in(door, "u0", "right", "") == "default", "an address that nobody knows"


async def test_right_passwords_do_not_count() -> None:
    door = authenticator(*(Plain(str(number)) for number in range(200)))
    for number in range(200):
        assert await log_in(door, f"u{number}", str(number)) == "default"


async def test_an_unknown_name_costs_what_some_user_costs_and_is_never_right(slow: Slow) -> None:
    door = authenticator(slow)
    for _ in range(2):
        assert await log_in(door, "nobody", "right") == "not_authenticated"
    assert slow.asked == ["right"] * 2
    assert trio.current_time() == 2
    assert await log_in(authenticator(), "nobody", "") == "not_authenticated"


async def test_a_login_ends_with_its_token() -> None:
    keyring = Keyring([generate_key("k", "default")])
    door = authenticator(Plain("right"), keyring=keyring)
    shown = Shown("right", "u0")
    first = await door.log_in(shown, HERE)
    assert door.recall(shown) == first
    keyring.revoke("default", first.token_id)
    assert door.recall(shown) is None, "the password is judged anew"
    second = await door.log_in(shown, HERE)
    assert second.token_id != first.token_id
    keyring.add(generate_key("k2", "default"))
    keyring.retire("k")
    assert door.recall(shown) is None
    assert (await door.log_in(shown, HERE)).key_id == "k2"


async def test_the_server_acts_for_a_user_without_its_password() -> None:
    door = authenticator(passwords.read(HASHES[0]))
    assert door.local("u0").tenant == "default"
    assert door.recall(Shown("anything", "u0")) is None
    with pytest.raises(NotAuthenticated):
        door.local("nobody")


def test_nothing_secret_is_shown() -> None:
    user = User(name="u", tenant="t", password=Plain("hunter2"))
    assert "hunter2" not in f"{user!r} {Shown('hunter2', 'u')!r} {Shown.in_key('u:hunter2')!r}"


async def test_users_who_changed_are_known_no_more() -> None:
    keyring = Keyring([generate_key("k", "default")])
    door = authenticator(Plain("a"), Plain("b"), Plain("c"), keyring=keyring)
    before = [await door.log_in(Shown(password, f"u{n}"), HERE) for n, password in enumerate("abc")]
    door.replace(
        [
            User(name="u0", tenant="default", password=Plain("a")),
            User(name="u1", tenant="default", password=Plain("new")),
        ]
    )
    assert door.recall(Shown("a", "u0")) == before[0]
    assert door.recall(Shown("b", "u1")) is None
    assert door.recall(Shown("c", "u2")) is None
    assert [keyring.is_revoked(grant) for grant in before] == [False, True, True]
    assert await log_in(door, "u1", "b") == "not_authenticated"
    assert await log_in(door, "u1", "new") == "default"
    assert await log_in(door, "u2", "c") == "not_authenticated"


async def test_a_password_that_is_being_judged_while_it_changes_lets_nobody_in(slow: Slow) -> None:
    door = authenticator(slow)
    async with trio.open_nursery() as nursery:

        async def late() -> None:
            with pytest.raises(NotAuthenticated):
                await door.log_in(Shown("right", "u0"), HERE)

        nursery.start_soon(late)
        await trio.testing.wait_all_tasks_blocked()
        door.replace([User(name="u0", tenant="default", password=Plain("new"))])
    assert await log_in(door, "u0", "right") == "not_authenticated"
