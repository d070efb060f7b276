-- The root keys of tokens; a tenant of '' is the operator. A key that has ended stays here, so that
-- nothing brings it back. `until` is in seconds since 1970, NULL for no end.
CREATE TABLE root_keys (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    secret BLOB NOT NULL,
    made REAL NOT NULL,
    until REAL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

-- What was revoked, and when: a token by its id (token/ID), or all tokens of a user until then
-- (user/NAME).
CREATE TABLE revocations (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;
