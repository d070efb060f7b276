"""How stasisd is asked: the wire protocols in front of the operations."""
