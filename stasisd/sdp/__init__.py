"""Session descriptions: reading, writing and negotiating them, without any I/O."""
