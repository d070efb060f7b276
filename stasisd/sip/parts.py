"""What a user agent is made of."""

from collections.abc import Callable

from .answers import Answers
from .authentication import Authenticator
from .calls import Calls
from .offers import Offers
from .referrals import Referrals
from .registrar import Registrar
from .registrations import Registrations
from .requests import Requests
from .sent_referrals import SentReferrals
from .settings import Directory, Settings
from .stack import Stack
from .uac import OutgoingCalls
from .uas import IncomingCalls
from .updates import Updates


class Parts:
    """The parts, each for one matter; they share one stack."""

    def __init__(
        self, settings: Settings, directory: Directory, token: Callable[[], str], secret: bytes
    ) -> None:
        self.stack = stack = Stack(settings, directory, token, secret)
        self.authenticator = Authenticator(stack)
        self.registrar = Registrar(stack, self.authenticator)
        self.registrations = Registrations(stack)
        self.requests = Requests(stack, self.authenticator)
        self.calls = Calls(stack)
        self.answers = Answers(stack, self.calls)
        self.incoming = IncomingCalls(stack, self.calls, self.answers)
        self.outgoing = OutgoingCalls(stack, self.calls)
        self.offers = Offers(stack, self.calls, self.answers)
        self.updates = Updates(stack, self.calls)
        self.referrals = Referrals(stack, self.calls)
        self.sent_referrals = SentReferrals(stack, self.calls)
