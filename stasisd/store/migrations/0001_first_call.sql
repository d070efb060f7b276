-- Where SIP phones can be reached (RFC 3261, 10.3), one row a binding.
CREATE TABLE contacts (
    tenant TEXT NOT NULL,
    aor TEXT NOT NULL,
    uri TEXT NOT NULL,
    expires REAL NOT NULL, -- seconds since 1970
    call_id TEXT NOT NULL,
    cseq INTEGER NOT NULL,
    q REAL NOT NULL,
    transport TEXT NOT NULL,
    source_host TEXT NOT NULL, -- where the REGISTER came from
    source_port INTEGER NOT NULL,
    user_agent TEXT NOT NULL,
    PRIMARY KEY (tenant, aor, uri)
) STRICT, WITHOUT ROWID;
CREATE INDEX contacts_by_expiry ON contacts (expires);

-- What dialplans and operators keep: Asterisk's database of families and keys.
CREATE TABLE key_values (
    tenant TEXT NOT NULL,
    family TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (tenant, family, key)
) STRICT, WITHOUT ROWID;
