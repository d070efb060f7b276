"""Fixtures for all tests."""

pytest_plugins = ["tests.support.media", "tests.support.tenant"]
