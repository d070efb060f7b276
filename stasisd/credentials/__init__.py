"""Passwords and how they are proved: hashes, challenges, and limits for who guesses.

Sans-IO: time comes in as an argument. Knows nothing of SIP, HTTP or Trio.
"""
