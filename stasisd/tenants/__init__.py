"""The tenants of one daemon: how each is made of its settings, and how it lives.

- `making`: a tenant with its technologies and its dialplan, and the users and phones it has
- `entry`: the task that carries one
- `tenants`: all of them, and the changes that an operator makes
- `judging`: settings that come at run time
- `keeping`: passwords, keys and folders
"""
