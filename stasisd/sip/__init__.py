"""SIP without I/O."""
