"""The dialplan: Asterisk's extensions.conf, read, matched and run."""
