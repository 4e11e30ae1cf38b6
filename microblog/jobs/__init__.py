"""Work that nobody waits for: done in the loop, beside the requests, from rows that promise it."""
