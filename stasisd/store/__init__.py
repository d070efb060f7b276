"""What outlives the daemon: one SQLite file and one file of secrets, in the state folder."""

DATABASE = "stasisd.sqlite3"
SECRETS = "secrets.json"
