"""Loads the application with the garbage collector at rest.

What loading makes stays: modules, classes, functions. Looking through it for garbage, again and
again, is a tenth of a cold start's CPU; so it is set aside, and no later look meets it either.
Afterwards a look is due less often: an answer's rows are thousands of objects, all of them free
without one, and looking at them was a twentieth of such a call.
"""

import gc
from functools import cache
from types import ModuleType

_LOOK_AFTER_OBJECTS = 10_000


@cache
def loaded_app() -> ModuleType:
    """Return `zava.app`, loaded at first need."""
    gc.disable()
    try:
        from zava import app
    finally:
        gc.enable()
    gc.freeze()
    gc.set_threshold(_LOOK_AFTER_OBJECTS)
    return app
