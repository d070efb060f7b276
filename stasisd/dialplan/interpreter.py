"""Runs channels in the dialplan: find the step, substitute its arguments, run its application.

A channel's position is in its snapshot; an application that jumps changes it. Hanging up is
cancellation of the channel's nursery, so no application has to look whether it happened.
"""

import re

import trio

from stasisd.core import causes, events, variables
from stasisd.core.channel import Channel
from stasisd.core.variables import UnknownFunction

from .applications import APPLICATIONS, Application
from .matcher import Matcher
from .plan import Dialplan, Step
from .variables import SubstitutionError, substitute

# A dialplan that only jumps would never let anything else run.
STEPS_WITHOUT_WAITING = 50


class Interpreter:
    """A tenant's dialplan, as core's Router."""

    def __init__(self, dialplan: Dialplan) -> None:
        """The dialplan is compiled here, once."""
        self._matcher = Matcher(dialplan)

    def exists(self, context: str, exten: str, priority: int) -> bool:
        """Whether a channel can be sent there."""
        return self._matcher.find(context, exten, priority) is not None

    def priority_of(self, context: str, exten: str, label: str) -> int | None:
        """The priority that carries this label."""
        found = self._matcher.find(context, exten, label)
        return found.step.priority if found is not None else None

    async def run(self, channel: Channel, *, owner: bool = True) -> None:
        """Execute from the channel's position to the end.

        An owner's end is the channel's: it asks for the hangup, also when it is cancelled.
        """
        before = channel.snapshot.dialplan
        channel.in_dialplan = channel.ran_dialplan = True
        try:
            await self._execute(channel)
        finally:
            channel.in_dialplan = False
            if owner:
                channel.ending.take_over()
                channel.publish(
                    events.ChannelHangupRequest, cause=causes.NORMAL_CLEARING, soft=True
                )
                channel.release(channel.dial_cause or causes.NORMAL_CLEARING)
            channel.show_application(before.app_name, before.app_data, announce=False)

    async def run_hangup(self, channel: Channel) -> None:
        """Execute the ``h`` extension, if the channel was in the dialplan and there is one."""
        context = channel.snapshot.dialplan.context
        if channel.ran_dialplan and self.exists(context, "h", 1):
            channel.go_to(context, "h", 1)
            await self._execute(channel)

    async def _execute(self, channel: Channel) -> None:
        steps = 0
        while (step := self._next(channel)) is not None:
            steps += 1
            if steps % STEPS_WITHOUT_WAITING == 0:
                await trio.lowlevel.checkpoint()
            channel.jumped = False
            if not await self._run_step(channel, step):
                return
            if not channel.jumped:
                here = channel.snapshot.dialplan
                channel.go_to(here.context, here.exten, here.priority + 1)

    def _next(self, channel: Channel) -> Step | None:
        here = channel.snapshot.dialplan
        found = self._matcher.find(
            here.context, here.exten, here.priority, channel.snapshot.caller.number
        )
        return found.step if found is not None else None

    async def _run_step(self, channel: Channel, step: Step) -> bool:
        """Run one step, and say whether the dialplan goes on."""
        where = f"{step.file}:{step.line}"
        application = find_application(step.application)
        if application is None:
            channel.log.error("no such application", application=step.application, where=where)
            channel.release(causes.INTERWORKING)
            await trio.lowlevel.checkpoint()
            return False
        arguments = self.substituted(channel, step.arguments, where)
        channel.show_application(step.application, arguments, announce=True)
        with trio.CancelScope() as channel.step:  # cancelled where the channel is sent elsewhere
            await application(channel, arguments)
        return True

    def substituted(self, channel: Channel, text: str, where: str) -> str:
        """A step's arguments with the channel's values in them."""

        def function(name: str, argument: str) -> str | None:
            try:
                return variables.read(channel, f"{name}({argument})")
            except UnknownFunction:
                warn(f"no function {name}({argument})")
                return None

        def warn(problem: str) -> None:
            channel.log.warning("dialplan", problem=problem, where=where)

        def variable(name: str) -> str | None:
            return variables.read(channel, name) if re.fullmatch(r"\w+", name) else None

        try:
            return substitute(text, variable, function, warn)
        except SubstitutionError as error:
            warn(str(error))
            return ""


def find_application(name: str) -> Application | None:
    """An application by its name, whose case does not matter."""
    return APPLICATIONS.get(name.lower())
