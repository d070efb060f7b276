"""asyncari builds its methods and classes from the documents, and they work."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from asyncari.client import Client
from asyncari.model import Channel, OperationError

from stasisd.bindings.ari.event_models import EVENTS
from stasisd.operations import OPERATIONS
from tests.support.clock import jumping_clock
from tests.support.server import serving

from .asyncari_transport import QUIRKS, URL, Direct, Transport

pytestmark = [jumping_clock, *QUIRKS]


@asynccontextmanager
async def connected(folder: Path) -> AsyncIterator[tuple[Client, Transport]]:
    async with serving(folder) as server, anyio.create_task_group() as tasks:
        http = Direct(server)
        async with Client(tasks, URL, "app", http) as client:
            yield client, http.transport
            tasks.cancel_scope.cancel()


async def test_it_finds_every_operation(tmp_path: Path) -> None:
    async with connected(tmp_path) as (client, _):
        for operation in (o for o in OPERATIONS.values() if o.in_documents):
            found = client.swagger.get_resource(operation.resource).operations
            assert {route.nickname for route in operation.routes} <= found.keys()


async def test_it_finds_every_event_and_the_channels_in_it(tmp_path: Path) -> None:
    async with connected(tmp_path) as (client, _):
        for name, model in EVENTS.items():
            if "Channel" in model.fields.values():
                client.on_channel_event(name)
            else:
                with pytest.raises(ValueError, match="has no fields of type Channel"):
                    client.on_channel_event(name)


async def test_it_puts_parameters_where_they_belong(tmp_path: Path) -> None:
    async with connected(tmp_path) as (client, transport):
        channel = await client.channels.originateWithId(
            channelId="a/b",
            endpoint="Local/hold@conformance",
            app="app",
            timeout=5,
            variables={"COLOUR": "blue & green"},
        )
        assert isinstance(channel, Channel)
        assert await channel.getChannelVar(variable="COLOUR") == {"value": "blue & green"}
        found = await client.channels.getChannelVars(
            channelId=channel.id, variables=["COLOUR", "OTHER"]
        )
        assert found == {"variables": {"COLOUR": "blue & green", "OTHER": ""}}
        await channel.hangup(reason="busy")
        assert transport.requests[-1] == "DELETE /ari/channels/a%2Fb?reason=busy"


async def test_it_hears_why_something_is_refused(tmp_path: Path) -> None:
    async with connected(tmp_path) as (client, _):
        with pytest.raises(OperationError, match="Invalid endpoint specified"):
            await client.channels.originate(endpoint="nobody", app="app")
        with pytest.raises(TypeError, match="Missing required parameter 'endpoint'"):
            await client.channels.originate(app="app")
