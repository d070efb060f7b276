"""Operations on tokens and the keys that sign them."""

from typing import Annotated

from caps.access import Right
from stasisd.core.keys import Keys, KeySnapshot, LastKey, NoSuchKey
from stasisd.store.errors import StoreError

from .declare import AtLeast, ControlTenant, Matching, Named, ReadTenant, Within, operation
from .errors import Conflict, NotFound, OperationFailed
from .saving import changing

DAY = 86400
TokenId = Annotated[
    str,
    Named("tokenId"),
    Matching(r"[A-Za-z0-9_-]{1,64}", "a token's id is what `stasisd token inspect` shows"),
]
UserName = Annotated[str, Named("userName"), Matching(r".{1,200}", "the name is too long")]
KeyId = Annotated[str, Named("keyId")]


@operation("tokens.revoke", rest="DELETE /tokens/{tokenId}", in_documents=False)
async def revoke(tenant: Annotated[Within, Right.DELETE], token_id: TokenId) -> None:
    """Let no token of this id, nor any made of it, be good any more."""
    with changing():
        tenant.tenant.keys.revoke_token(token_id, tenant.tenant.now())
    await _on_disk(tenant.tenant.keys)


@operation("tokens.revokeUser", rest="DELETE /users/{userName}/tokens", in_documents=False)
async def revoke_user(tenant: Annotated[Within, Right.DELETE], user_name: UserName) -> None:
    """Let no token be good any more that was made for this user before now."""
    with changing():
        tenant.tenant.keys.revoke_user(user_name, tenant.tenant.now())
    await _on_disk(tenant.tenant.keys)


@operation("keys.list", rest="GET /keys", in_documents=False)
def list_keys(tenant: ReadTenant) -> list[KeySnapshot]:
    """List the keys that sign this tenant's tokens, the oldest first."""
    return tenant.tenant.keys.all()


@operation("keys.rotate", rest="POST /keys", in_documents=False)
async def rotate(
    tenant: ControlTenant,
    overlap: Annotated[int, AtLeast(0, "overlap is a number of seconds, 0 or more")] = 7 * DAY,
) -> KeySnapshot:
    """Make a new key to sign with; tokens of the older ones are good for `overlap` seconds."""
    now = tenant.tenant.now()
    with changing():
        made = tenant.tenant.keys.rotate(now, now + overlap)
    await _on_disk(tenant.tenant.keys)
    return made


@operation(
    "keys.end",
    rest="DELETE /keys/{keyId}",
    errors={404: "Key not found", 409: "The key signs"},
    in_documents=False,
)
async def end(tenant: Annotated[Within, Right.DELETE], key_id: KeyId) -> None:
    """End a key at once, and with it every token that it signed."""
    try:
        tenant.tenant.keys.end(key_id, tenant.tenant.now())
    except NoSuchKey:
        raise NotFound("Key not found") from None
    except LastKey:
        raise Conflict("The key signs", detail="rotate first; then it can be ended") from None
    await _on_disk(tenant.tenant.keys)


async def _on_disk(keys: Keys) -> None:
    try:
        await keys.saved()
    except StoreError as error:
        raise OperationFailed(
            "The change holds, but could not be saved", detail=str(error)
        ) from None
