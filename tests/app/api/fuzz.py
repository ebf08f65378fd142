"""Property-based calls of every route that the OpenAPI description names: `python tests/app/api/fuzz.py`.

Needs no hand-written cases: schemathesis makes them from the description, valid and invalid ones. Exits 1 on a server
error, on an answer that the description does not allow, or after fewer than 2,000 cases.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from environments import prepared  # noqa: E402 - the path is set above
from live import live  # noqa: E402 - the same

CASES = 2000
EXAMPLES = 150
"""Random cases of each route, on top of the systematic ones."""
DEADLINE = 900.0

# 400 is how a request is answered whose fields have the right types and still mean nothing: an object without text,
# dimensions that the model does not have. Everything else that the description allows must be accepted.
CONFIG = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "404", "409", "429"]
"""


def main() -> int:
    """Run the fuzzer against a live server; return the exit status."""
    python = prepared("fuzz", ("schemathesis>=4.32",))
    with tempfile.TemporaryDirectory() as temporary, live(aliases={"*": "bundled"}) as url:
        config = Path(temporary) / "schemathesis.toml"
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
            "--continue-on-failure",
            "--no-color",
            "--generation-database=none",
            *sys.argv[1:],
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False, cwd=temporary)  # noqa: S603 - ours
    sys.stdout.write(done.stdout + done.stderr)
    found = re.search(r"([\d,]+) generated", done.stdout)
    cases = int(found.group(1).replace(",", "")) if found else 0
    sys.stdout.write(f"{cases} cases, at least {CASES} are asked for\n")
    return 1 if done.returncode or cases < CASES else 0


if __name__ == "__main__":
    sys.exit(main())
