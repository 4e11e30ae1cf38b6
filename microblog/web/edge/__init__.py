"""The edge: what stands between the server and the application.

It refuses requests that no honest client sends (foreign hosts, broken encodings, two lengths,
bodies without end) before the framework sees them, and puts the security headers on every
answer. It knows HTTP, and nothing of the product. `rules` reads the head of a request,
`bodies` its body, `contents` looks into the body, `answers` says no, `gate` puts it together.
"""

from microblog.web.edge.gate import Edge
from microblog.web.edge.refused import Refuse, plain_refusal

__all__ = ["Edge", "Refuse", "plain_refusal"]
