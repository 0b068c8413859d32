"""A service that holds much does not stop to look through it for garbage."""

import subprocess

from runtime.python import python_command

# What a service holds from its start, requests that are freed at once, and what is remembered of each.
PROGRAM = """
import gc
from runtime.garbage import collect_seldom, keep_for_good
held = [[number] for number in range(300_000)]
collect_seldom()
keep_for_good()
before = gc.get_stats()[2]["collections"]
remembered = []
for number in range(200_000):
    request = {"body": [number], "headers": {}}
    remembered.append((number, [request["body"]]))
print(gc.get_freeze_count() >= len(held), gc.get_stats()[2]["collections"] - before)
"""


def test_the_collector_never_looks_through_a_service_s_first_objects_again() -> None:
    done = subprocess.run(python_command("-c", PROGRAM), capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["True", "0"]
