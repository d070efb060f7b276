"""Operations on the server's tenants. They are its operator's alone."""

from collections.abc import Awaitable, Mapping
from typing import Annotated, Any

import msgspec

from caps.access import Right
from stasisd.core.tenancy import BadTenant, NoSuchTenant, TenancyError, TenantSnapshot
from stasisd.store.errors import StoreError

from .declare import Named, Operating, operation
from .errors import Conflict, InvalidParameter, NotFound, OperationError, OperationFailed

Name = Annotated[str, Named("tenantName")]
ABSENT = {404: "Tenant not found"}


class NewTenant(msgspec.Struct, frozen=True):
    """A tenant that was just made, and the passwords that were made for it."""

    tenant: TenantSnapshot
    users: Mapping[str, str]
    endpoints: Mapping[str, str]

    def __repr__(self) -> str:
        return f"NewTenant({self.tenant!r})"


def _refusal(error: TenancyError) -> OperationError:
    match error:
        case NoSuchTenant():
            return NotFound("Tenant not found")
        case BadTenant():
            return InvalidParameter("The tenant can't be made", detail=str(error))
        case _:
            return Conflict(str(error))


async def _done(change: Awaitable[Any]) -> Any:
    try:
        return await change
    except TenancyError as error:
        raise _refusal(error) from None
    except StoreError as error:
        raise OperationFailed("The change could not be saved", detail=str(error)) from None


@operation("tenants.list", rest="GET /tenants", in_documents=False)
def list_tenants(operator: Annotated[Operating, Right.READ]) -> list[TenantSnapshot]:
    """List all tenants."""
    return operator.tenancy.all()


@operation("tenants.get", rest="GET /tenants/{tenantName}", errors=ABSENT, in_documents=False)
def get_tenant(operator: Annotated[Operating, Right.READ], name: Name) -> TenantSnapshot:
    """Get a tenant."""
    try:
        return operator.tenancy.find(name)
    except NoSuchTenant as absent:
        raise _refusal(absent) from None


@operation(
    "tenants.create",
    rest="POST /tenants/{tenantName}",
    errors={400: "The settings are not good", 409: "There is such a tenant"},
    in_documents=False,
)
async def create_tenant(
    operator: Annotated[Operating, Right.CREATE],
    name: Name,
    settings: dict[str, Any] = {},  # noqa: B006 - the default of a declaration; nothing changes it
) -> NewTenant:
    """Make a tenant and start it; the answer has the passwords that were made for it."""
    made = await _done(operator.tenancy.create(name, settings))
    return NewTenant(operator.tenancy.find(name), made.users, made.endpoints)


@operation(
    "tenants.suspend",
    rest="POST /tenants/{tenantName}/suspend",
    errors={**ABSENT, 409: "It does not run"},
    in_documents=False,
)
async def suspend_tenant(operator: Annotated[Operating, Right.CONTROL], name: Name) -> None:
    """End all that a tenant does, and let nobody of it in until it is resumed."""
    await _done(operator.tenancy.suspend(name))


@operation(
    "tenants.resume",
    rest="POST /tenants/{tenantName}/resume",
    errors={**ABSENT, 409: "It runs already"},
    in_documents=False,
)
async def resume_tenant(operator: Annotated[Operating, Right.CONTROL], name: Name) -> None:
    """Start a tenant that was suspended, or failed."""
    await _done(operator.tenancy.resume(name))


@operation(
    "tenants.remove",
    rest="DELETE /tenants/{tenantName}",
    errors={**ABSENT, 409: "It is of the configuration file"},
    in_documents=False,
)
async def remove_tenant(operator: Annotated[Operating, Right.DELETE], name: Name) -> None:
    """End a tenant that was made at run time, and forget it. Its files are put aside."""
    await _done(operator.tenancy.remove(name))
