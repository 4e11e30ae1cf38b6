"""The edge: what stands between the server and the application.

It refuses requests that no honest client sends (foreign hosts, broken encodings, two lengths,
bodies without end) before the framework sees them, and puts the security headers on every
answer. It knows HTTP, and nothing of the product. `rules` reads the head of a request,
`bodies` its body, `contents` looks into the body, `crowd` has it wait in its `line`, `answers` says
no, `gate` puts it together. Where a line has no room, `shedding` says so before anything is parsed;
`arrivals` counts who is on the way.
"""

from microblog.web.edge.arrivals import ARRIVAL, Arrival
from microblog.web.edge.crowd import Crowd, step_aside
from microblog.web.edge.gate import EXTENSION, Edge
from microblog.web.edge.refused import Beside, Refuse, plain_refusal
from microblog.web.edge.shedding import Shedder, is_always_let_in

__all__ = [
    "ARRIVAL",
    "EXTENSION",
    "Arrival",
    "Beside",
    "Crowd",
    "Edge",
    "Refuse",
    "Shedder",
    "is_always_let_in",
    "plain_refusal",
    "step_aside",
]
