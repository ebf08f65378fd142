"""Property-based calls of every route that the OpenAPI description names: `python tests/app/api/fuzz.py`.

Needs no hand-written cases: schemathesis makes them from the description, valid and invalid ones. Exits 1 on a server
error, on an answer that the description does not allow, or after fewer than 2,000 cases. `--json FILE` writes what was
called and what came of it; every other argument goes to `schemathesis run` (`--seed 20`, `--max-time 600`).
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from environments import prepared  # noqa: E402 - the path is set above
from live import live  # noqa: E402 - the same

CASES = 2000
EXAMPLES = 150
"""Random cases of each route, on top of the systematic ones."""
SEED = 20
DEADLINE = 3600.0
SERVER_ERROR = 500

# 400 is how a request is answered whose fields have the right types and still mean nothing: an object without text,
# dimensions that the model does not have. Everything else that the description allows must be accepted.
CONFIG = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "404", "409", "429"]
"""


def main() -> int:
    """Run the fuzzer against a live server; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the outcome to this file")
    options, more = parser.parse_known_args()
    python = prepared("fuzz", ("schemathesis>=4.32",))
    with tempfile.TemporaryDirectory() as temporary, live(aliases={"*": "bundled"}) as url:
        config, report = Path(temporary) / "schemathesis.toml", Path(temporary) / "report.json"
        config.write_text(CONFIG, encoding="utf-8")
        command = [
            str(python.with_name("schemathesis")),
            "--config-file",
            str(config),
            "run",
            f"{url}/openapi.json",
            "--checks=all",
            "--phases=examples,coverage,fuzzing,stateful",
            f"--max-examples={EXAMPLES}",
            f"--seed={SEED}",
            "--continue-on-failure",
            "--no-color",
            "--generation-database=none",
            "--report=json",
            f"--report-json-path={report}",
            *more,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False, cwd=temporary)  # noqa: S603 - ours
        sys.stdout.write(done.stdout + done.stderr)
        found = outcome(json.loads(report.read_text(encoding="utf-8")), answers(url))
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(
        f"{found['cases']} cases, at least {CASES} are asked for; {found['server_errors']} server errors, "
        f"{len(found['failures'])} kinds of failures\n"
    )
    good = not (done.returncode or found["failures"] or found["errors"] or found["server_errors"])
    return 0 if good and found["cases"] >= CASES else 1


def outcome(report: dict[str, Any], answered: dict[str, dict[str, int]]) -> dict[str, Any]:
    """Return what is worth keeping of schemathesis's report, with the answers that the server counted."""
    counted = [(status, times) for statuses in answered.values() for status, times in statuses.items()]
    return {
        "what": "fuzz",
        "schemathesis": report["schemathesis_version"],
        "python": platform.python_version(),
        "seed": report["seed"],
        "seconds": round(report["running_time"], 1),
        "stopped": report["stop_reason"],
        "operations": {name: report["operations"][name] for name in ("total", "tested", "errored", "skipped")},
        "phases": {name: phase["status"] for name, phase in report["phases"].items()},
        "cases": report["test_cases"]["generated"],
        "failures": report["failures"],
        "errors": report["errors"],
        "server_errors": sum(times for status, times in counted if int(status) >= SERVER_ERROR),
        "answers": answered,
    }


def answers(url: str) -> dict[str, dict[str, int]]:
    """Return how often each operation was answered with each status, as the server itself counted."""
    found: dict[str, dict[str, int]] = {}
    for family in text_string_to_metric_families(httpx.get(f"{url}/metrics", timeout=60).text):
        for sample in family.samples:
            if sample.name == "secondlook_requests_total":
                labels = sample.labels
                statuses = found.setdefault(f"{labels['method']} {labels['route']}", {})
                statuses[labels["status"]] = round(sample.value)
    return {name: dict(sorted(found[name].items())) for name in sorted(found)}


if __name__ == "__main__":
    sys.exit(main())
