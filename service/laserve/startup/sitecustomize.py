"""Hides modules in a process that `laserve` started; `laserve.startup` tells which and why.

Python imports the first `sitecustomize` of its path at every start. This one hands on to the next.
"""

import os
import sys

for _name in filter(None, os.environ.get("LASERVE_HIDDEN_MODULES", "").split(",")):
    sys.modules[_name] = None  # type: ignore[assignment]  # None: 'cannot be imported'

sys.path.remove(os.path.dirname(__file__))  # noqa: PTH120  # pathlib would slow every start
_this = sys.modules.pop("sitecustomize")
try:
    import sitecustomize  # type: ignore[import-not-found]  # noqa: F401
except ModuleNotFoundError as _error:
    if _error.name != "sitecustomize":
        raise
    # The import system looks its module up again when its code has run.
    sys.modules["sitecustomize"] = _this
