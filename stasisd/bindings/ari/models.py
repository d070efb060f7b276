"""ARI's models, all of them.

`encoding` writes what they describe, the documents that clients load have them, and a test holds
the two together.
"""

from collections.abc import Mapping

from .event_models import ANSWERS, EVENTS, REQUESTS
from .model import Model
from .object_models import OBJECTS

# What ARI's documents list and nothing here sends: clients made of the documents name them.
UNSENT: Mapping[str, Model] = {
    "MissingParams": Model("events", {"params": "List[string]"}),
    "RESTHeader": Model("events", {"name": "string", "value": "string"}),
    "Dialed": Model("channels"),
}

MODELS: Mapping[str, Model] = {
    "Message": Model(
        "events",
        {"type": "string"},
        {"asterisk_id": "string"},
        subtypes=("MissingParams", "Event"),
        discriminator="type",
    ),
    "Event": Model(
        "events", {"application": "string", "timestamp": "Date"}, subtypes=(*EVENTS, *ANSWERS)
    ),
    **EVENTS,
    **ANSWERS,
    **REQUESTS,
    **UNSENT,
    **OBJECTS,
}
