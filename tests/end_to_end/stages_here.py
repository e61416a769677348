"""Stages in copies of one process that has imported what they import, for runs of many: `dvc repro` as it stands.

`python` is found first on the PATH, hands `-m padstal.stages.…` with its folder, environment and standard streams to
that process, and ends as the copy does; everything else is Python's own.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PYTHON = """\
#!{python} -IS
import json, os, socket, sys
if sys.argv[1:2] != ["-m"] or not sys.argv[2].startswith("padstal.stages."):
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
with socket.socket(socket.AF_UNIX) as asked:
    asked.connect({address!r})
    socket.send_fds(asked, [b"."], [0, 1, 2])
    asked.sendall(json.dumps([sys.argv[2:], os.getcwd(), dict(os.environ)]).encode())
    asked.shutdown(socket.SHUT_WR)
    sys.exit(int(asked.recv(10) or 1))
"""
IMPORTED = (
    "great_expectations", "lightning.pytorch", "soundfile", "transformers.models.t5.modeling_t5", "wandb.apis.public",
    "wandb.sdk.launch",
)  # fmt: skip
"""Beside the stages' own modules and LAION's: what they import only where they work."""


@contextmanager
def stages_here(root: Path) -> Iterator[Path]:
    """Folder of the `python` that runs stages of the checkout at `root`, with its own code."""
    address = str(root.parent / "stages.sock")
    python = root.parent / "bin" / "python"
    python.parent.mkdir()
    python.write_text(PYTHON.format(python=sys.executable, address=address))
    python.chmod(0o755)
    environment = {**os.environ, "PYTHONPATH": str(root / "src")}
    server = subprocess.Popen(
        [sys.executable, __file__, address], cwd=root, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        yield python.parent
    finally:
        server.kill()
        server.wait()


def _serve(address: str) -> None:
    import gc
    import pkgutil
    import runpy
    from importlib import import_module

    import padstal.stages
    from padstal.core.arithmetic import settle
    from padstal.core.parent_death import die_with_parent
    from padstal.foundation.laion_classes import clap_module

    die_with_parent()
    for stage in pkgutil.iter_modules(padstal.stages.__path__, "padstal.stages."):
        import_module(stage.name)
    for name in IMPORTED:
        import_module(name)
    clap_module()
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        print("ready", flush=True)
        while True:
            asked, _ = listening.accept()
            with asked, asked.makefile("rb") as reading:
                _, streams, _, _ = socket.recv_fds(asked, 1, 3)
                arguments, folder, variables = json.loads(reading.read())
                pid = os.fork()
                if pid == 0:
                    for stream, own in enumerate(streams):
                        os.dup2(own, stream)
                    os.chdir(folder)
                    os.environ.clear()
                    os.environ.update(variables)
                    settle()
                    sys.argv = ["-m", *arguments[1:]]
                    sys.modules.pop(arguments[0])
                    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
                    sys.exit()
                for stream in streams:
                    os.close(stream)
                _, status = os.waitpid(pid, 0)
                asked.sendall(str(os.waitstatus_to_exitcode(status)).encode())


if __name__ == "__main__":
    _serve(sys.argv[1])
