"""HTTP in front of the operations: a server that turns bytes into requests and answers into bytes.

The shell knows HTTP and nothing of telephony. It asks one object, the `Responder`, two questions:
what to answer to a request, and whether a WebSocket may open. Who acts, on what, and in which words
is the Responder's; bounds, time-outs, framing, ranges, request ids and common headers are ours.

- `exchange`: the shapes that pass between shell and Responder. Start here.
- `answers`: the bodies that ARI clients expect for errors, and the declared error `HttpError`.
- `ranges`, `files`: RFC 9110 section 14, and files sent in chunks read by a thread.
- `cors`: the Cross-Origin headers.
- `perform`: asks the Responder, and lets no exception out.
- `lean`: the hot path, one task and one cancel scope per connection; `head` reads its requests.
- `connection`: every other connection, on hypercorn's protocols with their traps closed.
- `app`: the QuartTrio application behind those: WebSockets, and routes of other blueprints.
- `server`: `serve`, which binds, accepts, and drains at the end.

Work does not live in a request's task. A client that goes away cancels nothing: the connection's
task waits for the Responder, then finds that nobody listens and drops the answer. Only the end of
the server's drain (`HttpSettings.drain_timeout`) cancels a Responder; what must outlive that (a
call, a recording) belongs to its tenant's nursery, never to the request.
"""
