"""WebSockets that we open: to an application's own server, instead of waiting for it to connect.

A persistent one is there for as long as the daemon runs, and serves its applications like a socket
that a client opened. One per call is opened when the dialplan's `Stasis()` asks for an application
that nobody serves, and ends with that visit; it serves `APPLICATION:CHANNEL`.

- `settings`: what one connection is told.
- `backoff`: how long to wait before the next attempt.
- `wire`: an open connection, as messages: trio-websocket, with its traps closed.
- `dialing`: TCP, TLS, the handshake.
- `service`: who connects when, in whose name.

The session that speaks over a wire is the one of `bindings/websocket`; the composition root gives
it, so that neither room imports the other.
"""
