"""Registrations, with the server's side and ours."""

import pytest

from stasisd.credentials.digest import Credentials, answer, choose
from stasisd.sip.events import (
    AuthenticationFailed,
    BindingChanged,
    Registered,
    RegistrationFailed,
    RegistrationId,
)
from stasisd.sip.registration import Policy
from tests.sip.agents import PHONE, SERVER, Agent, Far, People, endpoint, pair, request
from tests.sip.test_calls import copied, nothing_is_left
from tests.support.network import VirtualNetwork


def test_a_phone_registers_refreshes_and_unregisters() -> None:
    phone, server = pair(people=People())
    name = phone.register(SERVER, expires=100)
    assert phone.wait(Registered) == Registered(name, 100)
    (binding,) = server.sip.bindings("100", server.now)
    assert server.all(BindingChanged) == [BindingChanged(binding)]
    assert str(binding.uri) == "sip:100@192.0.2.2:5060"
    assert binding.flow.remote == PHONE
    phone.network.run_for(89.0)
    assert len(phone.all(Registered)) == 1
    phone.wait(Registered, 2)
    assert phone.now < 1091.0
    phone.sip.unregister(name, phone.now)
    assert phone.wait(Registered, 3) == Registered(name, 0)
    assert server.sip.bindings("100", server.now) == ()
    gone = server.all(BindingChanged)[-1]
    assert (gone.removed, gone.reason) == (True, "unregistered")
    phone.sip.unregister(name, phone.now)
    nothing_is_left(phone, server)


def test_a_binding_that_is_not_refreshed_expires() -> None:
    phone, server = pair(people=People())
    phone.register(SERVER, expires=100)
    phone.wait(Registered)
    phone.network.drop = lambda *_: True
    gone = server.wait(BindingChanged, 2)
    assert (gone.removed, gone.reason) == (True, "expired")
    assert 1100.0 <= server.now <= 1100.1
    assert server.sip.bindings("100", server.now) == ()


@pytest.mark.parametrize(
    "algorithms", [("MD5",), ("SHA-256",), ("SHA-256", "MD5"), ("SHA-512-256",)]
)
def test_algorithms_are_a_setting(algorithms: tuple[str, ...]) -> None:
    phone, _server = pair(people=People(), algorithms=algorithms)
    phone.register(SERVER)
    phone.wait(Registered)


@pytest.mark.parametrize(("user", "password"), [("100", "wrong"), ("999", "secret")])
def test_wrong_and_unknown_look_the_same(user: str, password: str) -> None:
    phone, server = pair(people=People())
    name = phone.register(SERVER, user, password)
    assert phone.wait(RegistrationFailed) == RegistrationFailed(name, 401, "Unauthorized")
    (failure,) = server.all(AuthenticationFailed)
    assert (failure.username, failure.method) == (user, "REGISTER")
    assert server.all(BindingChanged) == []
    assert server.sip.statistics()["authentication failures"] == 1


def test_nobody_registers_for_another() -> None:
    network = VirtualNetwork()
    far, server = Far(network, PHONE), Agent(network, SERVER, endpoint(people=People()))
    far.send(SERVER, request("REGISTER", to="<sip:101@h>"))
    challenge = choose(far.wait_status(401).headers.values("WWW-Authenticate"))
    assert challenge is not None
    own = answer(challenge, Credentials("100", "secret"), "REGISTER", "sip:200@192.0.2.1", "c")
    again = request(
        "REGISTER", to="<sip:101@h>", cseq="2 REGISTER", branch="z9hG4bKauth",
        fields=(f"Authorization: {own}",),
    )  # fmt: skip
    far.send(SERVER, again)
    far.wait_status(403)
    assert server.all(BindingChanged) == []


def test_an_open_name_needs_no_password() -> None:
    network = VirtualNetwork()
    far, server = Far(network, PHONE), Agent(network, SERVER, endpoint())
    far.send(SERVER, request("REGISTER", to="<sip:100@h>", fields=("Expires: 60",)))
    response = far.wait_status(200)
    assert response.headers.values("Contact") == ["<sip:100@192.0.2.2:5060>;expires=60"]
    assert server.all(BindingChanged)[0].binding.aor == "100"


def test_too_short_a_time_is_made_longer() -> None:
    phone, _server = pair(people=People(policy=Policy(minimum=300)))
    phone.register(SERVER, expires=60)
    assert phone.wait(Registered).expires == 300


def test_a_registrar_that_never_agrees_is_given_up() -> None:
    network = VirtualNetwork()
    far, phone = Far(network, SERVER), Agent(network, PHONE, endpoint(PHONE))
    name = phone.register(SERVER, expires=60)
    far.send(
        PHONE, b"SIP/2.0 423 Brief\r\nMin-Expires: 10\r\n" + copied(far.wait_request("REGISTER"))
    )
    assert phone.wait(RegistrationFailed) == RegistrationFailed(name, 423, "Brief")


def test_a_silent_registrar_is_given_up() -> None:
    network = VirtualNetwork()
    phone = Agent(network, PHONE, endpoint(PHONE))
    name = phone.register(SERVER)
    assert phone.wait(RegistrationFailed) == RegistrationFailed(name, 408, "Request Timeout")
    nothing_is_left(phone)
    phone.sip.unregister(RegistrationId("nobody"), phone.now)


def test_the_time_granted_is_our_contacts() -> None:
    network = VirtualNetwork()
    far, phone = Far(network, SERVER), Agent(network, PHONE, endpoint(PHONE))
    phone.register(SERVER)
    response = (
        b"SIP/2.0 200 OK\r\nm: <sip:x@other>;expires=9, <sip:100@192.0.2.2:5060>;expires=77\r\n"
    )
    register = far.wait_request("REGISTER")
    far.send(PHONE, response + copied(register).replace(b"Contact", b"X-Contact"))
    assert phone.wait(Registered).expires == 77


@pytest.mark.parametrize("expires", ["", "x", "\u00b2", "99999999999999999999"])
def test_a_time_granted_that_is_none_is_the_one_asked_for(expires: str) -> None:
    network = VirtualNetwork()
    far, phone = Far(network, SERVER), Agent(network, PHONE, endpoint(PHONE))
    phone.register(SERVER, expires=120)
    contact = f"SIP/2.0 200 OK\r\nm: <sip:100@192.0.2.2:5060>;expires={expires}\r\n"
    register = far.wait_request("REGISTER")
    far.send(PHONE, contact.encode() + copied(register).replace(b"Contact", b"X-Contact"))
    assert phone.wait(Registered).expires == 120


def test_a_replayed_registration_is_not_accepted() -> None:
    phone, _server = pair(people=People())
    phone.register(SERVER)
    phone.wait(Registered)
    good = next(data for *_, data in phone.network.log if b"Authorization" in data)
    phone.network.run_for(40.0)
    far = Far(phone.network, ("192.0.2.66", 5060))
    far.send(SERVER, good.replace(b"z9hG4bK", b"z9hG4bKreplay"))
    assert "stale=true" in (far.wait_status(401).headers.get("WWW-Authenticate") or "")


def test_bindings_survive_a_restart() -> None:
    phone, server = pair(people=People())
    phone.register(SERVER)
    phone.wait(Registered)
    bindings = server.sip.bindings("100", server.now)
    again = endpoint(people=People())
    again.restore_bindings(bindings)
    assert again.bindings("100", server.now) == bindings
    again.handle_timeout(bindings[0].expires)
    assert [type(event) for event in again.events()] == [BindingChanged]


def test_the_preferred_and_latest_contact_comes_first() -> None:
    network = VirtualNetwork()
    far, server = Far(network, PHONE), Agent(network, SERVER, endpoint())
    contacts = ["<sip:a@h>;q=0.5", "<sip:b@h>", "<sip:c@h>;q=0.5", "<sip:d@h>"]
    for number, contact in enumerate(contacts, 1):
        data = request(
            "REGISTER", to="<sip:100@h>", cseq=f"{number} REGISTER", branch=f"z9hG4bK{number}"
        )
        far.send(SERVER, data.replace(b"<sip:100@192.0.2.2:5060>", contact.encode()))
        network.run_for(0.1)
    assert [binding.uri.user for binding in server.sip.bindings("100", network.now)] == list("dbca")
