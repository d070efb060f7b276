"""One event WebSocket: a stream of events, and requests answered, joined to a connection.

- `session`: `EventStream` (what is sent, given by the composition root) and `EventSession`, which
  runs it over an open `Wire`: reads always, sends whole backlogs, pings, closes with a reason.
- `applications`: the events of a socket's applications, as such a stream.
- `requests`: REST over WebSocket, a RESTRequest read and a RESTResponse written.
- `queue`: the requests of a socket that are not yet answered, within bounds.
- `frames`: RFC 6455 at a server's end, sans-IO.
- `media`: the sound of one channel over such a connection, and no events.
- `wire`: messages over the bytes of a connection that was upgraded.

That connection is a Protocol here, an object of the HTTP server there, so that neither room
imports the other.
"""
