"""Fixtures for all tests."""

pytest_plugins = ["tests.support.clock", "tests.support.media", "tests.support.tenant"]
