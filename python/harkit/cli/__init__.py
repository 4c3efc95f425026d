"""The command line: ``harkit COMMAND``; one file a command, over the public face alone.

harkit's errors are one line on standard error and exit code 2 (``--debug`` shows where they come from and
what FFmpeg has to say), Ctrl-C is exit code 130. Results go to standard output, all else to standard error.
"""

from __future__ import annotations

from harkit.cli._group import Commands
from harkit.cli.demo import demo
from harkit.cli.doctor import doctor
from harkit.cli.enhance import enhance
from harkit.cli.extract_frames import extract_frames
from harkit.cli.inspect import inspect
from harkit.cli.list import list_experiments
from harkit.cli.predict import predict
from harkit.cli.report import report
from harkit.cli.run import run

__all__ = ["main"]

main = Commands("harkit", help="Human action recognition from video.", no_args_is_help=True)
for _command in (demo, doctor, enhance, extract_frames, inspect, list_experiments, predict, report, run):
    main.add_command(_command)
