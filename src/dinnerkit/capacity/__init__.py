"""How many servers, connections and shards a load takes, and what they cost a month: arithmetic on measured figures, no I/O but files.

>>> from dinnerkit.capacity import Load, plan, shipped_figures, shipped_prices
>>> plan(Load(users=1_000, rps=50.0), shipped_figures(), shipped_prices()).app.servers
3
"""

from dinnerkit.capacity.billing import Bill, Line
from dinnerkit.capacity.figures import Figures, read_figures, shipped_figures
from dinnerkit.capacity.load import KINDS, MIX, Load
from dinnerkit.capacity.planning import Plan, plan
from dinnerkit.capacity.prices import Prices, read_prices, shipped_prices

__all__ = [
    "KINDS",
    "MIX",
    "Bill",
    "Figures",
    "Line",
    "Load",
    "Plan",
    "Prices",
    "plan",
    "read_figures",
    "read_prices",
    "shipped_figures",
    "shipped_prices",
]
