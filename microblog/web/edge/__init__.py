"""The edge: what stands between the server and the application.

It refuses requests that no honest client sends (foreign hosts, broken encodings, two lengths,
bodies without end) before the framework sees them, and puts the security headers on every
answer. It knows HTTP, and nothing of the product. `rules` reads the head of a request,
`bodies` its body, `contents` looks into the body, `crowd` has it wait in its `line`, `answers` says
no, `gate` puts it together.
"""

from microblog.web.edge.crowd import Crowd, step_aside
from microblog.web.edge.gate import Edge
from microblog.web.edge.refused import Beside, Refuse, plain_refusal

__all__ = ["Beside", "Crowd", "Edge", "Refuse", "plain_refusal", "step_aside"]
