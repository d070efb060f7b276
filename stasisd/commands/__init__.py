"""The commands on tokens: they ask no running daemon, only files and the state folder.

- `limits`: options that become caveats
- `tokens`: mint, attenuate, inspect, verify
- `explain`: what a token may do, and by which caveat not
- `ring`: the keys of the state folder
"""
