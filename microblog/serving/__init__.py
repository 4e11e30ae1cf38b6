"""How a process listens, serves and stops: sockets, signals, Hypercorn.

Nothing of the product is known here: the app comes in as a value, and nothing is imported from it.
"""
