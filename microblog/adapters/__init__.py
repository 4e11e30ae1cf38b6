"""The outside world: each thing behind a small promise, with a harmless stand-in where one is needed."""
