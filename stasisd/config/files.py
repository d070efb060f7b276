"""Finding the configuration and reading it. All of this blocks; it runs before Trio starts."""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
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
# The tenant of those who have only one: its files have no name in theirs.
DEFAULT = "default"
# What the built-in configuration refers to.
BUILT_IN = Path(stasisd.__file__).parent / "defaults"


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """The settings, where they came from (None: built in), and the state folder."""

    settings: Settings
    source: Path | None
    state: Path

    def folder(self, name: str) -> Path:
        """Where a tenant of this name keeps its files, if it says nothing else."""
        return self.state if name == DEFAULT else self.state / "tenants" / name

    def dialplan(self, name: str, tenant: Tenant) -> Path:
        """A tenant's dialplan, beside the configuration.

        If none was named, a file named for the tenant, and the built-in one where that is missing.
        """
        folder = BUILT_IN if self.source is None else self.source.parent
        if tenant.dialplan is not None:
            return folder / tenant.dialplan
        usual = folder / ("extensions.conf" if name == DEFAULT else f"extensions-{name}.conf")
        return usual if usual.exists() else BUILT_IN / "extensions.conf"

    def recordings(self, name: str, tenant: Tenant) -> Path:
        """The folder that the recordings of a tenant of this name are kept in."""
        return self.state / (tenant.recordings or self.folder(name) / "recordings")

    def audit(self, name: str) -> Path:
        """The folder of a tenant's audit log."""
        return self.state / "audit" / name

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
    mistakes = [*mistakes_of_files(configuration)]
    if source is not None and mistakes:
        raise _error(source, _text(source), mistakes)
    return configuration


def mistakes_of_files(configuration: Configuration) -> Iterator[Mistake]:
    """What is wrong with the files and folders that a configuration names."""
    yield from _missing_dialplans(configuration)
    yield from _shared_recordings(configuration)


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


def _missing_dialplans(configuration: Configuration) -> Iterator[Mistake]:
    for name, tenant in configuration.settings.tenants.items():
        path = configuration.dialplan(name, tenant)
        if tenant.dialplan is not None and not path.is_file():
            place = ("tenants", name, "dialplan")
            yield Mistake(place, "a file", f'"{path}"', "There is none.")


def _shared_recordings(configuration: Configuration) -> Iterator[Mistake]:
    """Folders that are another tenant's, or inside it: each could read what the other recorded."""
    owners: dict[Path, str] = {}
    above: dict[Path, str] = {}  # whose folder is somewhere below this one
    for name, tenant in configuration.settings.tenants.items():
        folder = configuration.recordings(name, tenant).resolve()
        lineage = (folder, *folder.parents)
        around = (owners[each] for each in lineage if each in owners)
        owner = next(around, None) or above.get(folder)
        if owner is not None:
            place = ("tenants", name, "recordings")
            yield Mistake(place, "a folder of its own", f"one shared with '{owner}'")
        owners[folder] = name
        above |= dict.fromkeys(lineage, name)
