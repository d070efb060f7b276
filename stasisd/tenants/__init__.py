"""The tenants of one daemon: how each is made of its settings.

- `making`: a tenant with its technologies and its dialplan, and the users and phones it has.
"""
