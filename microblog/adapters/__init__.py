"""The outside world: each thing behind a small promise, real ones and harmless stand-ins."""
