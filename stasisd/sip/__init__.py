"""SIP (RFC 3261 and its relatives) without I/O, clock or chance.

One `Endpoint` is a user agent and a registrar. Bytes and verbs go in with the time ``now`` (seconds
on one monotonous clock); datagrams and frozen events come out by draining. Nothing calls back, and
nothing that comes from the network raises. A shell moves the bytes:

    agent = Endpoint(Settings(transports=(Transport("udp", local),)), directory,
                     token=lambda: secrets.token_hex(8), secret=secrets.token_bytes(32))
    while True:
        for event in agent.events():
            match event:
                case CallReceived(call=call): agent.answer(call, sdp, now())
                case CallEnded(call=call, cause=cause): ...
        for flow, data in agent.datagrams_to_send(now()):
            socket.sendto(data, flow.remote)
        if (got := receive_until(agent.next_timeout())) is not None:
            agent.receive(got.data, Flow("udp", local, got.source), now())
        agent.handle_timeout(now())

What a shell keeps to:

- After each verb, or batch of verbs, drain `events` and `datagrams_to_send`, and wake up at
  `next_timeout`, which any verb may change. Taking up an event may call verbs, so drain until
  there are no more events.
- A `Flow` names the way: the transport, *our* listening address, the peer's address, and for TCP
  the shell's number of the connection. `ConnectionWanted` asks for a connection: connect, then
  tell `flow_opened(flow, number)`, or `flow_closed(flow, now)` if it can't be had; messages wait
  meanwhile. `flow_closed` also tells of a connection's end. `CloseWanted` asks to close one.
- A `CallId` is ours, and unique; `sip_call_id` is the header. Verbs on a call that is over do
  nothing, since the peer may have ended it while its user did not look. A verb that does not fit
  the state of a living call raises `WrongState`, and changes nothing.
- Each call ends with exactly one `CallEnded`, or `CallRejected` where a call of ours is refused.
  What remains to be told to the peer (ACK, CANCEL, BYE, their repetitions) goes on by itself;
  ``statistics()["calls"]`` counts those calls too.
- Bodies are opaque: SDP is negotiated above. An empty body of `CallReceived` or `OfferReceived`
  asks for our offer; the answer comes as `OfferAnswered`.
- `BindingChanged` is there to be persisted; `restore_bindings` takes it back after a restart.
  Call a phone with `invite(binding.uri, ..., flow=binding.flow)`, so that it is reached behind NAT.

The rooms: `grammar`, `uri`, `headers`, `message`, `parser` (the language); `flow`, `settings`,
`events`, `outbox` (the border); `timers`, `transactions`, `transport`, `transaction_layer` (the
layers of RFC 3261); `dialog`, `digest`, `registration`, `causes`, `dtmf` (pure parts);
`authentication`, `objections`, `call`, `calls`, `answers`, `uas`, `uac`, `offers`, `registrar`,
`registrations` (the user agent's parts, on one `stack`); `dispatch`
(which of them is asked); `endpoint` (the verbs).
"""

from stasisd.credentials.digest import Credentials

from .call import WrongState
from .endpoint import Endpoint
from .flow import Address, Flow
from .grammar import MalformedSip
from .registration import Binding, Policy
from .settings import Directory, Settings, Transport
from .uri import NameAddr, SipUri, parse_name_addr, parse_uri

__all__ = [
    "Address",
    "Binding",
    "Credentials",
    "Directory",
    "Endpoint",
    "Flow",
    "MalformedSip",
    "NameAddr",
    "Policy",
    "Settings",
    "SipUri",
    "Transport",
    "WrongState",
    "parse_name_addr",
    "parse_uri",
]
