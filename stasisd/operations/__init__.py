"""What can be asked of stasisd: every operation, declared once, and the gate before them."""

from . import (
    applications,
    asterisk,
    audit,
    bridge_media,
    bridges,
    channel_media,
    channel_origins,
    channel_places,
    channel_variables,
    channels,
    configuration,
    device_states,
    endpoints,
    events,
    external_media,
    logging,
    mailboxes,
    modules,
    playbacks,
    recordings,
    snoop,
    sounds,
    tenants,
    tokens,
)
from .declare import OPERATIONS, Operation, Route

# Importing them declares their operations.
RESOURCES = (
    applications,
    asterisk,
    audit,
    bridge_media,
    bridges,
    channel_media,
    channel_origins,
    channel_places,
    channel_variables,
    channels,
    configuration,
    device_states,
    endpoints,
    events,
    external_media,
    logging,
    mailboxes,
    modules,
    playbacks,
    recordings,
    snoop,
    sounds,
    tenants,
    tokens,
)

__all__ = ["OPERATIONS", "RESOURCES", "Operation", "Route"]
