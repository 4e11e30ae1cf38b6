"""The live feed: one log, one hub for each process, many sockets."""
