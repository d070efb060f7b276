"""stasis-core: the objects of a call, the messages about them, and the tasks they live in.

Everything belongs to a :class:`~stasisd.core.tenant.Tenant`. An object's current state is an
immutable snapshot; each change makes a new one and publishes an event on the tenant's bus.
Verbs are synchronous unless they may have to wait, so a change of state and its event are one
step that nothing can interrupt, and both are safe in ``finally``.
"""
