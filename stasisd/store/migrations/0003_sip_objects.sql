-- Endpoints, authentications and addresses of record that were configured at run time.
CREATE TABLE sip_objects (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL, -- type/id
    fields TEXT NOT NULL, -- a JSON object of texts
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;
