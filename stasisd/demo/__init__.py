"""`stasisd demo`: a whole call on one machine, for the newcomer without a phone.

- `walkthrough`: starts the daemon, the application and the phone, and judges how it went.
- `caller`: the person with the phone, who listens, presses keys and leaves a message.
- `application`: the ARI application "demo", over `ari`, a small ARI client.
- `phone`, `call`, `stream`: a SIP phone; `hearing` and `speaking` are its two directions of sound.
- `ear`: recognises sounds; `narration`: what is printed.
"""
