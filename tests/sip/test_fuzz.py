"""Disturbed messages and verbs in any order, over a user agent that must bear them all.

After each run the agent's user hangs up whatever is left; a while later nothing may remain: no
call, no transaction, no deadline, no merged request.
"""

import random

import pytest

from stasisd.credentials.digest import Credentials
from stasisd.sip.call import WrongState
from stasisd.sip.endpoint import Endpoint
from stasisd.sip.events import CallId, CallReceived, ConnectionWanted
from stasisd.sip.flow import Flow
from stasisd.sip.message import Request, respond
from stasisd.sip.parser import MalformedMessage, parse
from stasisd.sip.registration import Policy
from stasisd.sip.uri import NameAddr, SipUri
from tests.sip.agents import ANSWER, EVERYBODY, OFFER, PHONE, SERVER, People, endpoint
from tests.sip.mutation import SEEDS, mutate

FLOWS = (
    Flow("udp", SERVER, PHONE),
    Flow("udp", SERVER, ("198.51.100.7", 4000)),
    Flow("tcp", SERVER, PHONE, 1),
)
STATUSES = (100, 180, 183, 200, 200, 200, 302, 401, 407, 423, 481, 486, 487, 491, 500, 603)
CHALLENGE = ("WWW-Authenticate", 'Digest realm="stasisd", nonce="n", qop="auth"')


class Chaos:
    """A user agent, its careless user, and a network that says anything."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        names = EVERYBODY if self.chance.random() < 0.7 else frozenset({"100"})
        self.agent: Endpoint = endpoint(people=People(names, Policy(max_contacts=2)))
        self.now = 0.0
        self.calls: list[CallId] = []
        self.sent: list[bytes] = []
        self.wanted: list[Flow] = []

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self.chance.choice(
                (self.hear, self.hear, self.hear, self.answer, self.act, self.wait)
            )()
            self.take()
        self.finish()

    def take(self) -> None:
        datagrams = self.agent.datagrams_to_send(self.now)
        self.sent += [data for _, data in datagrams if data.strip()]
        del self.sent[:-20]
        for event in self.agent.events():
            if isinstance(event, CallReceived):
                self.calls.append(event.call)
            elif isinstance(event, ConnectionWanted):
                self.wanted.append(event.flow)

    def hear(self) -> None:
        """A message of ours or of nobody's comes, disturbed or not."""
        data = self.chance.choice(SEEDS + self.sent)
        if self.chance.random() < 0.3:
            data = data.replace(b"z9hG4bK", b"z9hG4bK%d" % self.chance.randrange(50))
        if self.chance.random() < 0.6:
            data = mutate(data, self.chance)
        if self.calls and self.chance.random() < 0.5:
            data = data.replace(b"tag=s2", b"tag=" + self.chance.choice(self.calls).encode())
        self.agent.receive(data, self.chance.choice(FLOWS), self.now)

    def answer(self) -> None:
        """A request of ours is answered, rightly or not."""
        try:
            requests = [each for each in map(parse, self.sent) if isinstance(each, Request)]
        except MalformedMessage:
            raise AssertionError("we sent what we would not read") from None
        if requests:
            request = self.chance.choice(requests)
            tag = self.chance.choice(("a", "b", None))
            fields = (CHALLENGE, ("Contact", "<sip:far@192.0.2.2>"), ("Min-Expires", "99"))
            status = self.chance.choice(STATUSES)
            data = bytes(respond(request, status, to_tag=tag, fields=fields, body=ANSWER))
            if self.chance.random() < 0.2:
                data = mutate(data, self.chance)
            self.agent.receive(data, self.chance.choice(FLOWS), self.now)

    def act(self) -> None:
        """The user does anything to anybody."""
        agent, now = self.agent, self.now
        call = self.chance.choice(self.calls or [CallId("nobody")])
        me, you = NameAddr(SipUri("h", "100")), NameAddr(SipUri("h", "far"))
        credentials = self.chance.choice((None, Credentials("100", "secret")))
        flow = self.chance.choice((FLOWS[0], Flow("tcp", SERVER, PHONE)))
        verbs = (
            lambda: agent.ring(call, now),
            lambda: agent.progress(call, ANSWER, now),
            lambda: agent.answer(call, ANSWER, now),
            lambda: agent.answer(call, ANSWER, now),
            lambda: agent.reject(call, None, 17, now),
            lambda: agent.redirect(call, SipUri("x"), now),
            lambda: agent.hangup(call, 16, now),
            lambda: agent.reinvite(call, OFFER, now),
            lambda: agent.accept_offer(call, ANSWER, now),
            lambda: agent.reject_offer(call, now),
            lambda: self.calls.append(
                agent.invite(SipUri("h"), you, me, flow, OFFER, now, credentials=credentials)
            ),
            lambda: agent.unregister(
                agent.register(SipUri("h"), me, flow, now, credentials=credentials), now
            ),
            self.connect,
        )
        try:
            self.chance.choice(verbs)()
        except WrongState:
            pass

    def connect(self) -> None:
        if self.wanted:
            flow = self.wanted.pop()
            if self.chance.random() < 0.5:
                flow = self.agent.flow_opened(flow, self.chance.randrange(2, 9))
            if self.chance.random() < 0.7:
                self.agent.flow_closed(flow, self.now)

    def wait(self) -> None:
        self.now += self.chance.choice((0.0, 0.3, 1.0, 10.0, 40.0))
        self.agent.handle_timeout(self.now)

    def finish(self) -> None:
        for _ in range(3):
            for call in self.calls:
                self.agent.hangup(call, 16, self.now)
            self.now += 20_000.0
            self.agent.handle_timeout(self.now)
            self.take()
        counts = self.agent.statistics()
        assert (counts["calls"], counts["transactions"], counts["deadlines"]) == (0, 0, 0)
        assert self.agent._parts.stack.transactions._merged == {}
        assert self.agent._parts.registrar._bindings == {}


@pytest.mark.parametrize("seed", range(60))
def test_nothing_escapes_and_nothing_remains(seed: int) -> None:
    Chaos(seed).run(150)


@pytest.mark.slow
def test_nothing_escapes_in_a_hundred_thousand_steps() -> None:
    for seed in range(1000, 1600):
        Chaos(seed).run(200)
