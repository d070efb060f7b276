-- Device states that applications set, by the device's whole name.
CREATE TABLE device_states (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

-- Mailboxes that applications keep: how many messages wait in each.
CREATE TABLE mailboxes (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    old_messages INTEGER NOT NULL,
    new_messages INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;
