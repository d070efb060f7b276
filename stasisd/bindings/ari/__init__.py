"""What every way to speak ARI shares.

- `performing`: a request, whichever way it came, through the gate, and its answer.
- `routes`, `parameters`: from a method, a path, a query and a body to an operation and its raw
  parameters.
- `encoding`, with `objects` and `event_fields`: the JSON of results and events.
- `models`, with `object_models` and `event_models`: what the documents describe.
- `errors`: the statuses of errors.
"""
