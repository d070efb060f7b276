"""The daemon as a program: how it starts, what it survives, and how it ends.

Real processes on loopback, so real time; each test waits for what it asks, and no longer.
"""

from __future__ import annotations

import os
import signal
import socket
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import trio

from stasisd.sip import events
from tests.support.phone import Call, Phone, phone
from tests.support.program import PASSWORD, PATIENCE, configuration, run_to_its_end, running

CALLS = 50
WEBSOCKETS = 10
MISTAKE = """\
[http]
bind = ["127.0.0.1:0"]
prefix = 5
"""


async def test_sigterm_ends_calls_and_sockets_and_takes_nothing_new(tmp_path: Path) -> None:
    drain = "[shutdown]\ndrain_seconds = 300\n"  # it ends when nothing is left to do
    with trio.fail_after(60):
        async with AsyncExitStack() as stack:
            daemon = await stack.enter_async_context(running(tmp_path, configuration(more=drain)))
            listeners = [
                await stack.enter_async_context(daemon.listen(f"app{number}"))
                for number in range(WEBSOCKETS)
            ]
            _, sip = await daemon.addresses()
            slow = await stack.enter_async_context(phone(sip, "101"))
            await slow.call("600").answered.wait()
            slow.deaf = True  # to BYE, so that the drain goes on
            caller = await stack.enter_async_context(phone(sip))
            calls = [caller.call("600") for _ in range(CALLS)]
            for call in calls:
                await call.answered.wait()
            daemon.process.send_signal(signal.SIGTERM)
            await daemon.logs("draining")
            late = caller.call("600")
            for call in (*calls, late):
                await call.over.wait()
            slow.deaf = False
            for listener in listeners:
                await listener.wait_closed()
            assert await daemon.process.wait() == 0
    assert isinstance(late.end, events.CallRejected)
    assert late.end.status == 503
    ends = [call.end for call in calls]
    assert {(type(end), end.cause) for end in ends} == {(events.CallEnded, 16)}
    assert {listener.close_code for listener in listeners} == {1001}


async def test_a_phone_that_is_gone_delays_the_end_by_the_drain_at_most(tmp_path: Path) -> None:
    drain = "[shutdown]\ndrain_seconds = 0.2\n"
    async with running(tmp_path, configuration(more=drain)) as daemon:
        _, sip = await daemon.addresses()
        async with phone(sip) as gone:
            with trio.fail_after(PATIENCE):
                await gone.call("600").answered.wait()
        with trio.fail_after(PATIENCE):  # BYE alone would be sent for 32 s
            assert await daemon.end() == 0


async def answered(caller: Phone, exten: str) -> Call:
    """Call until somebody answers: while there is no media process, calls are refused."""
    while True:
        call = caller.call(exten)
        await call.settled.wait()
        if call.answered.is_set():
            return call


async def test_a_killed_media_process_ends_its_calls_and_is_replaced(tmp_path: Path) -> None:
    with trio.fail_after(30):
        async with running(tmp_path, configuration()) as daemon:
            _, sip = await daemon.addresses()
            async with phone(sip) as caller:
                calls = [caller.call("600") for _ in range(5)]
                for call in calls:
                    await call.answered.wait()
                first = daemon.worker()
                os.kill(first, signal.SIGKILL)
                for call in calls:
                    await call.over.wait()
                again = await answered(caller, "600")
                assert daemon.worker() != first
                again.hang_up()
            assert await daemon.end() == 0
    assert {(type(call.end), call.end.cause) for call in calls} == {(events.CallEnded, 38)}


async def test_a_port_that_is_taken_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        host, port = taken.getsockname()
        http = configuration().replace('bind = ["127.0.0.1:0"]', f'bind = ["{host}:{port}"]')
        sip = configuration().replace('bind = "127.0.0.1:0"', f'bind = "{host}:{port}"')
        for text in (http, sip):
            result = await run_to_its_end(tmp_path, text)
            lines = [x for x in result.stderr.decode().splitlines() if not x.startswith("{")]
            assert len(lines) == 1
            assert host in lines[0]
            assert str(port) in lines[0]
            assert result.returncode == 1


@pytest.mark.parametrize(
    ("table", "setting", "said"),
    [
        ("http", 'certificate = "/nowhere.pem"', "/nowhere.pem can't be used: No such file"),
        ("http", f'certificate = "{__file__}"', "expected a PEM file"),
        ("media", 'bind = "203.0.113.9"', "cannot bind RTP to 203.0.113.9"),
    ],
)
async def test_what_can_not_be_used_is_one_line_and_exit_code_1(
    tmp_path: Path, table: str, setting: str, said: str
) -> None:
    text = configuration().replace('[media]\nbind = "127.0.0.1"', "[media]")
    result = await run_to_its_end(tmp_path, text.replace(f"[{table}]", f"[{table}]\n{setting}"))
    (line,) = [x for x in result.stderr.decode().splitlines() if not x.startswith("{")]
    assert said in line
    assert result.returncode == 1


async def test_a_mistake_is_reported_with_file_line_and_key_and_exit_code_2(tmp_path: Path) -> None:
    result = await run_to_its_end(tmp_path, MISTAKE)
    assert result.returncode == 2
    text = result.stderr.decode()
    assert f"{tmp_path / 'stasisd.toml'}:3" in text
    assert "http.prefix" in text


async def test_a_killed_daemon_leaves_no_media_process(tmp_path: Path) -> None:
    with trio.fail_after(30):
        async with running(tmp_path, configuration()) as daemon:
            process = os.pidfd_open(daemon.worker())
            await daemon.end(signal.SIGKILL)
            await trio.lowlevel.wait_readable(process)
            os.close(process)


async def test_a_dialplan_with_a_mistake_is_reported_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "extensions.conf").write_text("[default]\nexten => 1000,first,Answer()\n")
    result = await run_to_its_end(tmp_path, configuration())
    assert result.returncode == 2
    assert f"{tmp_path / 'extensions.conf'}:2" in result.stderr.decode()


async def test_sighup_reads_users_anew_and_lets_calls_go_on(tmp_path: Path) -> None:
    new = configuration().replace(PASSWORD, "another-one")
    with trio.fail_after(30):
        async with running(tmp_path, configuration()) as daemon:
            _, sip = await daemon.addresses()
            async with phone(sip) as caller, daemon.listen("app") as listener:
                call = caller.call("600")
                await call.answered.wait()
                file = tmp_path / "stasisd.toml"
                file.write_text("[http\n")
                daemon.process.send_signal(signal.SIGHUP)
                refused = await daemon.logs("nothing was read anew")
                assert "this is not TOML" in refused["why"]
                file.write_text(new)
                daemon.process.send_signal(signal.SIGHUP)
                await daemon.logs("users and certificate were read anew")
                with trio.fail_after(1):
                    await listener.wait_closed()
                assert listener.close_code == 1008
                assert not call.over.is_set()
            assert await daemon.end() == 0
