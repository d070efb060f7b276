-- Tenants that were made at run time, and those that are suspended.
CREATE TABLE tenants (
    name TEXT PRIMARY KEY,
    settings TEXT, -- a JSON object; NULL where the configuration file has them
    suspended INTEGER NOT NULL -- 0 or 1
) STRICT, WITHOUT ROWID;
