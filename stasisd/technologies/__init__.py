"""The ways to reach somebody: each technology makes channels and is their far side."""
