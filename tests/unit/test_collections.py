"""The garbage collector passes over the objects of loading."""

import subprocess
import sys

import pytest

_PROGRAM = """
import gc
from zava.cli.commands import quickstart

def never(*_, **__):
    raise SystemExit(gc.get_freeze_count() > 10_000 and gc.get_threshold()[0] >= 10_000)

async def before():
    pass

import uvicorn
uvicorn.Server = never
class Endpoint:
    process_time = None
class Application:
    endpoint = Endpoint()
    async def close(self):
        pass
quickstart.serve(Application(), None, None, before=before)
"""


@pytest.mark.slow
def test_local_server_leaves_the_objects_of_loading_out_of_its_collections() -> None:
    ended = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, check=False)
    assert ended.returncode == 1, ended.stderr
    assert ended.stderr == b""
