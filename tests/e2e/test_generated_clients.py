"""Clients that public generators make of the OpenAPI document make a call.

PyPI's openapi-python-client wants other versions of our tools, so it is found on the PATH, as pipx
installs it. npm's openapi-typescript is installed by the test.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import trio

from tests.support.listening import Listener
from tests.support.program import PASSWORD, USER, Program, configuration, running

pytestmark = [pytest.mark.phone, pytest.mark.timeout(300)]

GENERATED = Path(__file__).parent / "generated"
PACKAGES = ("openapi-typescript@7", "openapi-fetch@0", "typescript@5", "@types/node@20")
TSCONFIG = {
    "compilerOptions": {
        "strict": True,
        "target": "es2022",
        "module": "nodenext",
        "moduleResolution": "nodenext",
        "skipLibCheck": True,
        "types": ["node"],
        "outDir": "out",
    },
    "files": ["call.ts"],
}


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


async def run(folder: Path, *command: str) -> str:
    """Run a program; its output, or its complaint."""
    done = await trio.run_process(
        command,
        cwd=folder,
        capture_stdout=True,
        stderr=subprocess.STDOUT,
        check=False,
        env={**os.environ, "PYTHONPATH": str(folder / "client")},
    )
    assert done.returncode == 0, done.stdout.decode()
    return done.stdout.decode()


async def document(daemon: Program, folder: Path) -> tuple[str, Path]:
    """The URL that clients call, and the document in a file."""
    url = f"{await daemon.url()}/ari"
    async with httpx.AsyncClient(auth=(USER, PASSWORD)) as client:
        answer = await client.get(f"{url}/api-docs/openapi.json")
    assert answer.json()["servers"] == [{"url": url}]
    file = folder / "openapi.json"
    file.write_bytes(answer.content)
    return url, file


async def check(socket: Listener, printed: str) -> None:
    """The client read its call and hung up, which the application heard; and a call is absent."""
    name, over, absent, message = json.loads(printed.strip().splitlines()[-1].replace("'", '"'))
    assert name.startswith("Local/600@default-")
    assert (over, absent, message) == (204, 404, "Channel not found")
    ended = await socket.until("ChannelDestroyed", channel="typed")
    assert (ended["channel"]["name"], ended["cause_txt"]) == (name, "User busy")


async def test_python(tmp_path: Path) -> None:
    generate = tool("openapi-python-client")
    async with running(tmp_path, configuration()) as daemon, daemon.listen("typed") as socket:
        url, file = await document(daemon, tmp_path)
        await run(tmp_path, generate, "generate", "--path", str(file), "--output-path", "client")
        called = await run(tmp_path, sys.executable, f"{GENERATED}/call.py", url, USER, PASSWORD)
        await check(socket, called)


async def test_typescript(tmp_path: Path) -> None:
    npm, node = tool("npm"), tool("node")
    async with running(tmp_path, configuration()) as daemon, daemon.listen("typed") as socket:
        url, file = await document(daemon, tmp_path)
        shutil.copy(GENERATED / "call.ts", tmp_path)
        (tmp_path / "tsconfig.json").write_text(json.dumps(TSCONFIG))
        await run(tmp_path, npm, "install", "--silent", *PACKAGES)
        programs = tmp_path / "node_modules" / ".bin"
        await run(tmp_path, f"{programs}/openapi-typescript", str(file), "-o", "ari.ts")
        await run(tmp_path, f"{programs}/tsc", "-p", ".")
        await check(socket, await run(tmp_path, node, "out/call.js", url, USER, PASSWORD))
