"""Makes a call with the client that PyPI's openapi-python-client generates, and prints it."""

import sys
from importlib import import_module

from httpx import BasicAuth

url, user, password = sys.argv[1:]
package = "asterisk_rest_interface_by_stasisd_client"
client = import_module(package).Client(base_url=url, httpx_args={"auth": BasicAuth(user, password)})
channels = f"{package}.api.channels"
originate = import_module(f"{channels}.channels_originate_with_id")
get = import_module(f"{channels}.channels_get")
body = import_module(f"{package}.models").ChannelsOriginateWithIdBody()

channel = originate.sync(
    "typed", client=client, body=body, endpoint="Local/600@default", app="typed"
)
absent = get.sync_detailed("absent", client=client)
print([channel.name, int(absent.status_code), absent.parsed.message])
