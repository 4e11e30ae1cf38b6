"""Between readers and the translator: asks once for what many want, keeps it, minds the budget."""

from microblog.interpreter.asking import Interpreter
from microblog.interpreter.paying import Payer, Purse
from microblog.interpreter.simultaneous import Simultaneous

__all__ = ["Interpreter", "Payer", "Purse", "Simultaneous"]
