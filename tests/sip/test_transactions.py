"""The four machines, walked along the paths that RFC 3261 section 17 and RFC 6026 draw."""

import pytest

from stasisd.sip.timers import Timers
from stasisd.sip.transactions import (
    CLIENT,
    INVITE_CLIENT,
    INVITE_SERVER,
    SERVER,
    Action,
    Input,
    Machine,
    State,
    Table,
    duration,
)

TABLES = {
    "invite client": INVITE_CLIENT,
    "client": CLIENT,
    "invite server": INVITE_SERVER,
    "server": SERVER,
}


def walk(table: Table, *inputs: Input) -> tuple[Machine, list[tuple[Action, ...]]]:
    """Give a machine its inputs; an ignored one does nothing."""
    machine, done = Machine(table), []
    for each in inputs:
        step = machine.step(each)
        done.append(step.actions if step is not None else ())
    return machine, done


@pytest.mark.parametrize(
    ("table", "inputs", "state", "last"),
    [
        # Figure 5 with RFC 6026.
        (INVITE_CLIENT, "CREATED", "CALLING", "SEND START_A START_B"),
        (INVITE_CLIENT, "CREATED TIMER_A TIMER_A", "CALLING", "SEND START_A"),
        (INVITE_CLIENT, "CREATED TIMER_B", "TERMINATED", "TIMED_OUT"),
        (INVITE_CLIENT, "CREATED TRANSPORT_ERROR", "TERMINATED", "UNREACHABLE"),
        (INVITE_CLIENT, "CREATED PROVISIONAL", "PROCEEDING", "PASS"),
        (INVITE_CLIENT, "CREATED PROVISIONAL TIMER_A", "PROCEEDING", ""),
        (INVITE_CLIENT, "CREATED PROVISIONAL TIMER_B", "PROCEEDING", ""),
        (INVITE_CLIENT, "CREATED PROVISIONAL PROVISIONAL", "PROCEEDING", "PASS"),
        (INVITE_CLIENT, "CREATED FAILURE", "COMPLETED", "SEND_ACK PASS START_D"),
        (INVITE_CLIENT, "CREATED PROVISIONAL FAILURE", "COMPLETED", "SEND_ACK PASS START_D"),
        (INVITE_CLIENT, "CREATED FAILURE FAILURE", "COMPLETED", "SEND_ACK"),
        (INVITE_CLIENT, "CREATED FAILURE SUCCESS", "COMPLETED", ""),
        (INVITE_CLIENT, "CREATED FAILURE PROVISIONAL", "COMPLETED", ""),
        (INVITE_CLIENT, "CREATED FAILURE TIMER_D", "TERMINATED", ""),
        (INVITE_CLIENT, "CREATED FAILURE TRANSPORT_ERROR", "TERMINATED", "UNREACHABLE"),
        (INVITE_CLIENT, "CREATED SUCCESS", "ACCEPTED", "PASS START_M"),
        (INVITE_CLIENT, "CREATED PROVISIONAL SUCCESS", "ACCEPTED", "PASS START_M"),
        (INVITE_CLIENT, "CREATED SUCCESS SUCCESS", "ACCEPTED", "PASS"),
        (INVITE_CLIENT, "CREATED SUCCESS FAILURE", "ACCEPTED", ""),
        (INVITE_CLIENT, "CREATED SUCCESS PROVISIONAL", "ACCEPTED", ""),
        (INVITE_CLIENT, "CREATED SUCCESS TRANSPORT_ERROR", "ACCEPTED", ""),
        (INVITE_CLIENT, "CREATED SUCCESS TIMER_M", "TERMINATED", ""),
        (INVITE_CLIENT, "CREATED PROVISIONAL TRANSPORT_ERROR", "TERMINATED", "UNREACHABLE"),
        # Figure 6.
        (CLIENT, "CREATED", "TRYING", "SEND START_E START_F"),
        (CLIENT, "CREATED TIMER_E", "TRYING", "SEND START_E"),
        (CLIENT, "CREATED TIMER_F", "TERMINATED", "TIMED_OUT"),
        (CLIENT, "CREATED TRANSPORT_ERROR", "TERMINATED", "UNREACHABLE"),
        (CLIENT, "CREATED PROVISIONAL", "PROCEEDING", "PASS"),
        (CLIENT, "CREATED PROVISIONAL TIMER_E", "PROCEEDING", "SEND START_E"),
        (CLIENT, "CREATED PROVISIONAL TIMER_F", "TERMINATED", "TIMED_OUT"),
        (CLIENT, "CREATED PROVISIONAL PROVISIONAL", "PROCEEDING", "PASS"),
        (CLIENT, "CREATED PROVISIONAL TRANSPORT_ERROR", "TERMINATED", "UNREACHABLE"),
        (CLIENT, "CREATED SUCCESS", "COMPLETED", "PASS START_K"),
        (CLIENT, "CREATED FAILURE", "COMPLETED", "PASS START_K"),
        (CLIENT, "CREATED PROVISIONAL SUCCESS", "COMPLETED", "PASS START_K"),
        (CLIENT, "CREATED PROVISIONAL FAILURE", "COMPLETED", "PASS START_K"),
        (CLIENT, "CREATED SUCCESS SUCCESS", "COMPLETED", ""),
        (CLIENT, "CREATED SUCCESS TIMER_E", "COMPLETED", ""),
        (CLIENT, "CREATED SUCCESS TIMER_K", "TERMINATED", ""),
        # Figure 7 with RFC 6026.
        (INVITE_SERVER, "CREATED", "PROCEEDING", "PASS"),
        (INVITE_SERVER, "CREATED REQUEST", "PROCEEDING", "SEND"),
        (INVITE_SERVER, "CREATED PROVISIONAL", "PROCEEDING", "SEND"),
        (INVITE_SERVER, "CREATED TRANSPORT_ERROR", "PROCEEDING", "UNREACHABLE"),
        (INVITE_SERVER, "CREATED FAILURE", "COMPLETED", "SEND START_G START_H"),
        (INVITE_SERVER, "CREATED FAILURE REQUEST", "COMPLETED", "SEND"),
        (INVITE_SERVER, "CREATED FAILURE TIMER_G", "COMPLETED", "SEND START_G"),
        (INVITE_SERVER, "CREATED FAILURE TRANSPORT_ERROR", "COMPLETED", ""),
        (INVITE_SERVER, "CREATED FAILURE TIMER_H", "TERMINATED", ""),
        (INVITE_SERVER, "CREATED FAILURE ACK", "CONFIRMED", "START_I"),
        (INVITE_SERVER, "CREATED FAILURE ACK ACK", "CONFIRMED", ""),
        (INVITE_SERVER, "CREATED FAILURE ACK TIMER_G", "CONFIRMED", ""),
        (INVITE_SERVER, "CREATED FAILURE ACK TIMER_I", "TERMINATED", ""),
        (INVITE_SERVER, "CREATED SUCCESS", "ACCEPTED", "SEND START_L"),
        (INVITE_SERVER, "CREATED SUCCESS REQUEST", "ACCEPTED", ""),
        (INVITE_SERVER, "CREATED SUCCESS SUCCESS", "ACCEPTED", "SEND"),
        (INVITE_SERVER, "CREATED SUCCESS ACK", "ACCEPTED", "PASS"),
        (INVITE_SERVER, "CREATED SUCCESS TIMER_L", "TERMINATED", ""),
        # Figure 8.
        (SERVER, "CREATED", "TRYING", "PASS"),
        (SERVER, "CREATED REQUEST", "TRYING", ""),
        (SERVER, "CREATED PROVISIONAL", "PROCEEDING", "SEND"),
        (SERVER, "CREATED PROVISIONAL REQUEST", "PROCEEDING", "SEND"),
        (SERVER, "CREATED PROVISIONAL PROVISIONAL", "PROCEEDING", "SEND"),
        (SERVER, "CREATED PROVISIONAL SUCCESS", "COMPLETED", "SEND START_J"),
        (SERVER, "CREATED PROVISIONAL FAILURE", "COMPLETED", "SEND START_J"),
        (SERVER, "CREATED SUCCESS", "COMPLETED", "SEND START_J"),
        (SERVER, "CREATED FAILURE", "COMPLETED", "SEND START_J"),
        (SERVER, "CREATED SUCCESS REQUEST", "COMPLETED", "SEND"),
        (SERVER, "CREATED SUCCESS SUCCESS", "COMPLETED", ""),
        (SERVER, "CREATED SUCCESS TIMER_J", "TERMINATED", ""),
    ],
)  # fmt: skip
def test_a_path(table: Table, inputs: str, state: str, last: str) -> None:
    machine, done = walk(table, *(Input[name] for name in inputs.split()))
    assert machine.state is State[state]
    assert done[-1] == tuple(Action[name] for name in last.split())


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_state_can_be_reached_and_left(table: Table) -> None:
    reached, new = {State.START}, {State.START}
    while new:
        new = {after for (before, _), (after, _) in table.items() if before in new} - reached
        reached |= new
    assert {state for state, _ in table} | {State.TERMINATED} == reached
    for state in reached - {State.TERMINATED}:
        assert any(
            before is state and after is not state for (before, _), (after, _) in table.items()
        )


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_timer_that_fires_in_a_state_can_have_been_started(table: Table) -> None:
    started = {
        action.name[6:]
        for _, actions in table.values()
        for action in actions
        if "START" in action.name
    }
    fired = {event.name[6:] for _, event in table if event.name.startswith("TIMER")}
    assert fired == started


def test_timers_that_mean_nothing_any_more_are_stopped() -> None:
    machine = Machine(INVITE_CLIENT)
    machine.step(Input.CREATED)
    step = machine.step(Input.PROVISIONAL)
    assert step is not None
    assert set(step.stop) == {Input.TIMER_A, Input.TIMER_B}
    ended = walk(CLIENT, Input.CREATED)[0].step(Input.TIMER_F)
    assert ended is not None
    assert ended.stop == (Input.TIMER_E,)


TIMERS = Timers(t1=0.5, t2=4.0, t4=5.0)


@pytest.mark.parametrize(
    ("timer", "intervals"),
    [
        (Input.TIMER_A, [0.5, 1, 2, 4, 8, 16]),
        (Input.TIMER_E, [0.5, 1, 2, 4, 4, 4]),
        (Input.TIMER_G, [0.5, 1, 2, 4, 4, 4]),
    ],
)
def test_retransmissions_slow_down(timer: Input, intervals: list[float]) -> None:
    found = [
        duration(timer, TIMERS, reliable=False, times=times, state=State.TRYING)
        for times in range(6)
    ]
    assert found == intervals
    assert duration(timer, TIMERS, reliable=True, times=0, state=State.TRYING) is None


def test_in_proceeding_a_request_is_repeated_every_t2() -> None:
    assert duration(Input.TIMER_E, TIMERS, reliable=False, times=1, state=State.PROCEEDING) == 4.0


# RFC 3261 table 4, and RFC 6026.
@pytest.mark.parametrize(
    ("timer", "unreliable", "reliable"),
    [
        ("TIMER_B", 32.0, 32.0), ("TIMER_D", 32.0, 0.0), ("TIMER_F", 32.0, 32.0),
        ("TIMER_H", 32.0, 32.0),
        ("TIMER_I", 5.0, 0.0), ("TIMER_J", 32.0, 0.0), ("TIMER_K", 5.0, 0.0),
        ("TIMER_L", 32.0, 32.0),
        ("TIMER_M", 32.0, 32.0),
    ],
)  # fmt: skip
def test_durations(timer: str, unreliable: float, reliable: float) -> None:
    def of(is_reliable: bool) -> float | None:
        return duration(Input[timer], TIMERS, reliable=is_reliable, times=0, state=State.COMPLETED)

    assert (of(False), of(True)) == (unreliable, reliable)
