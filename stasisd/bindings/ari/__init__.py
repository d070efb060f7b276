"""What every way to speak ARI shares: the JSON of snapshots and events, errors, and models."""
