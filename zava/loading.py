"""Loads the application with the garbage collector at rest.

What loading makes stays: modules, classes, functions. Looking through it for garbage, again and
again, is a tenth of a cold start's CPU; so it is set aside, and no later look meets it either.
"""

import gc
from functools import cache
from types import ModuleType


@cache
def loaded_app() -> ModuleType:
    """Return `zava.app`, loaded at first need."""
    gc.disable()
    try:
        from zava import app
    finally:
        gc.enable()
    gc.freeze()
    return app
