"""The documents that describe our operations to clients, derived from their declarations.

- `swagger`: Swagger 1.1, from which ARI clients build their methods and classes.
- `openapi`: OpenAPI 3.1, for generators of clients and tools.
- `serving`: the documents as bytes, each for the host at which it is asked for.
"""

from .serving import SwaggerDocuments

__all__ = ["SwaggerDocuments"]
