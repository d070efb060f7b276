"""The configuration: one TOML file to frozen settings, every mistake with its line.

`settings` says what can be set, `files` finds and reads it, `decode` turns tables into the
settings, `checks` judges what types can't, `lines` finds where a key was written.
"""

from .errors import ConfigurationError, Problem
from .files import Configuration, load
from .settings import Settings

__all__ = ["Configuration", "ConfigurationError", "Problem", "Settings", "load"]
