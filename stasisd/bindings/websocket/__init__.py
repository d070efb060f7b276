"""One event WebSocket: a stream of events joined to a connection.

- `session`: `EventStream` (what is sent, given by the composition root) and `EventSession`, which
  runs it over an open WebSocket: reads always, sends whole backlogs, pings, closes with a reason.
- `frames`: RFC 6455 frames of a server, encoded without a state machine, since no extension is
  ever agreed on and our messages are never fragmented.

The connection itself is a `Wire`: a Protocol here, an object of the HTTP server there, so that
neither room imports the other.
"""
