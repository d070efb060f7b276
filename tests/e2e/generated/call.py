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
hangup = import_module(f"{channels}.channels_hangup")
models = import_module(f"{package}.models")
body, busy = models.ChannelsOriginateWithIdBody(), models.ChannelsHangupReason.BUSY

made = originate.sync("typed", client=client, body=body, endpoint="Local/600@default", app="typed")
read = get.sync("typed", client=client)
over = hangup.sync_detailed("typed", client=client, reason=busy)
absent = get.sync_detailed("absent", client=client)
assert made.name == read.name
print([read.name, int(over.status_code), int(absent.status_code), absent.parsed.message])
