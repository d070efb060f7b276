"""Capability tokens: macaroons with typed caveats. Knows neither telephony nor Trio."""
