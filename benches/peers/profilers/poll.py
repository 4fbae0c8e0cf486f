"""Polls the resident set of a command with psutil, every 10 ms, and writes the highest value to a file.

poll.py FILE COMMAND...
"""

import subprocess
import sys
import time

import psutil

PERIOD = 0.01

child = subprocess.Popen(sys.argv[2:])
process = psutil.Process(child.pid)
peak = 0
while child.poll() is None:
    try:
        peak = max(peak, process.memory_info().rss)
    except psutil.NoSuchProcess:
        break
    time.sleep(PERIOD)
code = child.wait()
with open(sys.argv[1], "w") as file:
    file.write(str(peak))
sys.exit(code if code >= 0 else 128 - code)
