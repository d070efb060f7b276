"""Finding the configuration and reading it. All of this blocks; it runs before Trio starts."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

import stasisd

from .checks import check
from .decode import decode
from .errors import ConfigurationError, Mistake, Problem
from .lines import line_of, lines_of
from .settings import Settings, Tenant

# Where the file is looked for when none is named, in this order.
PLACES = (Path("conf/stasisd.toml"), Path("/etc/stasisd/stasisd.toml"))
# What the built-in configuration refers to.
BUILT_IN = Path(stasisd.__file__).parent / "defaults"


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """The settings, where they came from (None: built in), and the state folder."""

    settings: Settings
    source: Path | None
    state: Path

    def dialplan(self, tenant: Tenant) -> Path:
        """The tenant's dialplan: beside the configuration; the built-in one if none was named."""
        folder = BUILT_IN if self.source is None else self.source.parent
        path = folder / tenant.dialplan
        if tenant.dialplan == Tenant().dialplan and not path.exists():
            return BUILT_IN / tenant.dialplan
        return path

    def recordings(self, tenant: Tenant) -> Path:
        """The folder that the tenant's recordings are kept in."""
        return self.state / tenant.recordings

    def sounds(self, tenant: Tenant) -> list[Path]:
        """The folders of the tenant's sounds."""
        return [self.state / folder for folder in tenant.sounds]


def load(named: Path | None = None, environment: Mapping[str, str] = os.environ) -> Configuration:
    """The configuration that is named, else the first of PLACES, else the built-in one.

    Raises ConfigurationError with every mistake found.
    """
    source = named or next((place for place in PLACES if place.is_file()), None)
    settings = Settings() if source is None else read(source)
    configuration = Configuration(
        settings=settings,
        source=None if source is None else source.absolute(),
        state=state_folder(environment),
    )
    _require_dialplans(configuration)
    return configuration


def read(path: Path) -> Settings:
    """The settings of a file; raises ConfigurationError."""
    text = _text(path)
    settings, mistakes = decode(Settings, _parse(path, text))
    mistakes = mistakes or [*check(settings)]
    if mistakes:
        raise _error(path, text, mistakes)
    return settings


def state_folder(environment: Mapping[str, str]) -> Path:
    """Where the daemon keeps what outlives it: systemd's folder, else the user's own."""
    given = environment.get("STATE_DIRECTORY", "").partition(":")[0]
    if given:
        return Path(given)
    base = environment.get("XDG_STATE_HOME", "")
    # A relative path there is to be ignored (XDG Base Directory Specification).
    root = Path(base) if base.startswith("/") else Path.home() / ".local" / "state"
    return root / "stasisd"


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise ConfigurationError(Problem(path, 0, f"can't be read: {error.strerror}")) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigurationError(Problem(path, line, "the file is not UTF-8")) from None


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        reason = f"this is not TOML: {str(error).partition(' (at ')[0]}"
    except RecursionError:
        line, reason = 0, "this is not TOML: nested too deeply"
    raise ConfigurationError(Problem(path, line, reason))


def _error(path: Path, text: str, mistakes: list[Mistake]) -> ConfigurationError:
    lines = lines_of(text)
    problems = [Problem(path, line_of(lines, each.path), str(each)) for each in mistakes]
    return ConfigurationError(*sorted(problems, key=lambda problem: problem.line))


def _require_dialplans(configuration: Configuration) -> None:
    source = configuration.source
    if source is None:
        return
    missing = [
        Mistake(("tenants", name, "dialplan"), "a file", f'"{path}"', "There is none.")
        for name, tenant in configuration.settings.tenants.items()
        if tenant.dialplan != Tenant().dialplan
        and not (path := configuration.dialplan(tenant)).is_file()
    ]
    if missing:
        raise _error(source, _text(source), missing)
