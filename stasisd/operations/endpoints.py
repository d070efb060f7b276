"""Operations on endpoints."""

from stasisd.core.endpoint import Endpoint
from stasisd.core.snapshots import EndpointSnapshot

from .declare import Each, Read, ReadTenant, operation
from .errors import NotFound

NOT_FOUND = {404: "Endpoints not found"}


@operation("endpoints.list", rest="GET /endpoints")
def list_(endpoints: Each[Endpoint]) -> list[EndpointSnapshot]:
    """List all endpoints."""
    return [endpoint.snapshot for endpoint in endpoints]


@operation("endpoints.listByTech", rest="GET /endpoints/{tech}", errors=NOT_FOUND)
def list_by_tech(
    endpoints: Each[Endpoint], tenant: ReadTenant, tech: str
) -> list[EndpointSnapshot]:
    """List the endpoints of one technology."""
    if tech not in tenant.tenant.technologies:
        raise NotFound(f"No Endpoints found - invalid tech {tech}")
    return [endpoint.snapshot for endpoint in endpoints if endpoint.technology == tech]


@operation(
    "endpoints.get",
    rest="GET /endpoints/{tech}/{resource}",
    errors={400: "Invalid parameters", **NOT_FOUND},
)
def get(endpoint: Read[Endpoint]) -> EndpointSnapshot:
    """Get one endpoint."""
    return endpoint.snapshot
