"""Operations on the mailboxes that applications keep."""

from typing import Annotated

from stasisd.core.snapshots import MailboxSnapshot

from .declare import AtLeast, Control, Delete, Each, Read, Required, operation
from .errors import NotFound
from .objects import NamedMailbox
from .saving import changing, on_disk

NOT_FOUND = {404: "Mailbox not found"}


def _snapshot(mailbox: NamedMailbox) -> MailboxSnapshot:
    found = mailbox.tenant.mailboxes.get(mailbox.name)
    if found is None:
        raise NotFound("Mailbox not found")
    return found


@operation("mailboxes.list", rest="GET /mailboxes")
def list_(mailboxes: Each[NamedMailbox]) -> list[MailboxSnapshot]:
    """List all mailboxes."""
    return [_snapshot(mailbox) for mailbox in mailboxes]


@operation("mailboxes.get", rest="GET /mailboxes/{mailboxName}", errors=NOT_FOUND)
def get(mailbox: Read[NamedMailbox]) -> MailboxSnapshot:
    """Get one mailbox."""
    return _snapshot(mailbox)


@operation("mailboxes.update", rest="PUT /mailboxes/{mailboxName}", errors=NOT_FOUND)
async def update(
    mailbox: Control[NamedMailbox],
    old_messages: Annotated[
        int,
        AtLeast(0, "oldMessages must be 0 or more"),
        Required("Missing parameter oldMessages"),
    ],
    new_messages: Annotated[
        int,
        AtLeast(0, "newMessages must be 0 or more"),
        Required("Missing parameter newMessages"),
    ],
) -> None:
    """Say how many messages a mailbox has; one that is new is made."""
    mailboxes = mailbox.tenant.mailboxes
    with changing():
        mailboxes.update(mailbox.name, old_messages, new_messages)
    await on_disk(mailboxes.kept)


@operation("mailboxes.delete", rest="DELETE /mailboxes/{mailboxName}", errors=NOT_FOUND)
async def delete(mailbox: Delete[NamedMailbox]) -> None:
    """Remove a mailbox."""
    mailboxes = mailbox.tenant.mailboxes
    if not mailboxes.delete(mailbox.name):
        raise NotFound("Mailbox not found")
    await on_disk(mailboxes.kept)
