"""Measurements, not tests: pages against a bare Quart, posts on their way, people who log in.

`python -m benchmarks` prints a table of each. Data is made once, in the folder that BENCH_DATA
names, and every run measures a copy of it, so that runs can be compared. The load comes from a
process of its own on the same machine: figures hold for that machine, ratios travel better.
"""

import warnings

# The wheel's PostgreSQL asks at its import for a folder that a server does not have.
warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
