"""The models of what operations of ours return, beyond ARI.

They are in the OpenAPI document; the Swagger documents, which ARI clients load, are ARI's alone.
"""

from collections.abc import Mapping

from .model import Model

OWN_MODELS: Mapping[str, Model] = {
    "Tenant": Model(
        "tenants",
        {"name": "string", "state": "string", "domains": "List[string]", "configured": "boolean"},
        values={"state": ("running", "suspended", "failed")},
    ),
    "NewTenant": Model("tenants", {"tenant": "Tenant", "users": "object", "endpoints": "object"}),
    "AuditPage": Model("audit", {"records": "List[AuditRecord]", "after": "int"}),
    "AuditRecord": Model("audit", {"serial": "int", "previous": "string", "entry": "AuditEntry"}),
    "AuditEntry": Model(
        "audit",
        {"at": "double", "operation": "string", "outcome": "string"},
        {
            "tenant": "string",
            "token": "string",
            "objects": "List[string]",
            "reason": "string",
            "request": "string",
        },
        values={"outcome": ("allow", "deny", "absent", "invalid")},
    ),
    "Key": Model("keys", {"id": "string", "signs": "boolean"}, {"until": "double"}),
}
