"""What an account is to core: an endpoint, and channels of it."""

from stasisd.core.channel import Channel
from stasisd.core.endpoint import Endpoint
from stasisd.core.snapshots import ChannelSnapshot, DialplanPosition
from stasisd.core.technology import Leg
from stasisd.core.tenant import Tenant

from .settings import SipAccount, key

NAME = "PJSIP"


def add_endpoint(tenant: Tenant, account: SipAccount) -> Endpoint:
    """Make the account an endpoint of its tenant."""
    endpoint = tenant.endpoints[NAME, account.name] = Endpoint(tenant, NAME, account.name)
    return endpoint


def key_of(endpoint: Endpoint) -> str:
    """What the user agent calls the account of an endpoint."""
    return key(endpoint.tenant.name, endpoint.resource)


def blank(tenant: Tenant, account: SipAccount, exten: str) -> ChannelSnapshot:
    """What every new channel of this account looks like; its id is still to be given."""
    return ChannelSnapshot(
        id="",
        name=f"{NAME}/{account.name}-{tenant.new_name_suffix()}",
        state="Down",
        dialplan=DialplanPosition(account.context, exten, 1),
        creationtime=tenant.now(),
        language=tenant.settings.language,
        channelvars=tenant.shown_variables({}),
    )


def add_channel(tenant: Tenant, leg: Leg, account: SipAccount, shown: ChannelSnapshot) -> Channel:
    """Make a channel that looks so. Raises what the tenant's ``add_channel`` does."""
    channel = Channel(tenant, leg, shown, endpoint=(NAME, account.name), dialstring=account.name)
    tenant.add_channel(channel)
    return channel
