"""Sending a channel to another place of the dialplan, whatever it does now."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .channel import Channel


def divert(channel: "Channel", place: str) -> None:
    """Go to ``[[context,]extension,]priority``: out of the application, or of the step, it is in.

    A channel that is in neither stays where it is, and so does one whose place there is not.
    """
    context, exten, priority = _parts(channel, place)
    router, number = channel.tenant.router, None
    if priority.isdecimal():
        number = int(priority) if router.exists(context, exten, int(priority)) else None
    elif priority:
        number = router.priority_of(context, exten, priority)
    if number is None:
        channel.log.warning("there is no such place to go to", place=place)
    elif channel.visit is not None:
        channel.visit.leave((context, exten, number))
    elif channel.in_dialplan and channel.step is not None:
        channel.jump(context, exten, number)
        channel.step.cancel()


def _parts(channel: "Channel", place: str) -> tuple[str, str, str]:
    here = channel.snapshot.dialplan
    parts = [part.strip() for part in place.split(",", 2)]
    context, exten, priority = (*[""] * (3 - len(parts)), *parts)
    return context or here.context, exten or here.exten, priority
