"""What a process of one build does for a test of both: it plays a market, or verifies a log."""

import hashlib
import json
import sys
from pathlib import Path

import pytest

from audit.log.export_log import export_log
from audit.log.folder import FolderLog
from audit.verify.verify import VerifyRequest, verify
from engine.core.fingerprint import state_digest
from engine.snapshot.copy_on_write import begin_copy, end_copy
from schemas.compiled import running
from tests.audit.logs import busy_log, golden_log, parts_log, second_log
from tests.projector.streams import busy_exchange
from tests.properties.plant import ROUNDINGS, plant

LOGS = {"golden": golden_log, "parts": parts_log, "second": second_log, "busy": busy_log}


def played(seeds: str) -> dict[str, str]:
    """Play random markets, and give the hash of every event, snapshot page and ledger of each."""
    found = {}
    for seed in range(int(seeds)):
        exchange = busy_exchange(seed, accounts=15, rounds=60, orders=8, parts=True)
        whole = hashlib.sha256()
        for shard, state in enumerate(exchange.states):
            for value in exchange.values[shard]:
                whole.update(value)
            for page in iter(begin_copy(state).next_page, None):
                whole.update(page)
            end_copy(state)
            whole.update(state_digest(state))
        found[str(seed)] = whole.hexdigest()
    return found


def exported(folder: str) -> list[str]:
    """Write each of the tests' logs, as this build gives them, into a folder of exports."""
    for name, log in LOGS.items():
        export_log(log(), Path(folder) / name, shard=None, to={})
    return sorted(LOGS)


def verified(folder: str, defect: str = "") -> dict[str, list[str]]:
    """Verify exports, and give the differences of each. defect: the name of one that is planted first."""
    if defect:
        plant(pytest.MonkeyPatch(), next(each for each in ROUNDINGS if each.name == defect))
    found = {}
    for path in sorted(Path(folder).iterdir()):
        log = FolderLog(path)
        verdict = verify(log, VerifyRequest(log.held, processes=1))
        found[path.name] = [difference.sentence() for difference in verdict.differences]
    return found


if __name__ == "__main__":
    task, *arguments = sys.argv[1:]
    result = {"played": played, "exported": exported, "verified": verified}[task](*arguments)
    print(json.dumps({"build": running(), "result": result}))
