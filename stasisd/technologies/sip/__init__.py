"""``PJSIP/endpoint``: phones and trunks over SIP and RTP.

- `technology`: the service, and the Technology that originate and Dial find.
- `leg`: one call's side towards the phone.
- `description`: a call's SDP; `quality`: its statistics as variables.
- `directory`: whom the user agent knows; `sockets`: UDP and TCP below it.
"""

from .settings import SipAccount, SipSettings
from .sockets import CannotListen
from .technology import Sip

__all__ = ["CannotListen", "Sip", "SipAccount", "SipSettings"]
