"""The media process, and the control of it."""
