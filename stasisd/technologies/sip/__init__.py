"""``PJSIP/endpoint``: phones and trunks over SIP and RTP.

- `technology`: the service, and the Technology that originate and Dial find.
- `line`: the user agent on its `sockets` and its clock; `inbox`: what came in from them.
- `calls`: the calls there are; `inbound`, `outbound` and what they share, `leg`: one call's side
  towards the phone.
- `description`: a call's SDP; `quality`: its statistics as variables.
- `directory`: whom the user agent knows; `accounts`: what that is to core; `registrations`: where
  they are.
- `complaints`: what strangers do wrong, in the log.
"""

from .settings import SipAccount, SipSettings
from .sockets import CannotListen
from .technology import Sip

__all__ = ["CannotListen", "Sip", "SipAccount", "SipSettings"]
