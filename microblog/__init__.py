"""microblog: a self-hosted microblogging service for one event loop.

Importing the package opens nothing: no file, no socket, no database. Everything that lives as long
as a process is built by :mod:`microblog.resources` when an application starts.
"""

__version__ = "0.1.0"
