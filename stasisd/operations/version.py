"""The version of what can be asked, by semantic versioning.

The second number grows with each operation, parameter, field or event that is added; the first
where one is removed or means something else, so that a client that worked might not.
"""

API_VERSION = "1.0.0"
