from tests.support.media import media, network

__all__ = ["media", "network"]
