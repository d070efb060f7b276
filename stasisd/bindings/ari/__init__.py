"""What every way to speak ARI shares.

- `performing`: a request, whichever way it came, through the gate, and its answer.
- `routes`, `parameters`: from a method, a path, a query and a body to an operation and its raw
  parameters.
- `encoding`, `errors`, `models`: the JSON of snapshots and events, the statuses of errors, the
  models that the documents describe.
"""
