"""A client of the cosignet gate that fails closed.

``Gate.run`` asks people, waits, claims, and verifies what came of it offline, under a policy that
the caller has pinned. The act gets an ``Approved``, and verification alone makes one. Everything
else ends in ``Denied``: there is no answer of a gate, no failure of a network and no setting with
which the act runs otherwise.
"""

from ._connection import VERSION as __version__
from ._connection import Keys
from .aio import AsyncGate
from .approved import Approved
from .ask import Ask
from .asking import Asking
from .break_glass import BreakGlass, Broken, Emergency, Settings
from .denied import Denied, Reason
from .gate import Gate, Ran
from .journal import Journal, Record
from .payload import Payload
from .uses import Reported, Use, Uses

__all__ = [
    "Approved",
    "Ask",
    "Asking",
    "AsyncGate",
    "BreakGlass",
    "Broken",
    "Denied",
    "Emergency",
    "Gate",
    "Journal",
    "Keys",
    "Payload",
    "Ran",
    "Reason",
    "Record",
    "Reported",
    "Settings",
    "Use",
    "Uses",
    "__version__",
]
