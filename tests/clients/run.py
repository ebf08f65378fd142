"""Runs the real clients, from the package registry, against a live server: `python tests/clients/run.py [NAME ...]`.

Clients whose requirements collide live in separate environments below `.test-clients/`. Prints one line per claim and
exits 1 if one does not hold.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from environments import prepared  # noqa: E402 - the path is set above
from live import live  # noqa: E402 - the same

from app.snippets import DOCUMENTS, Snippet, snippets  # noqa: E402 - the same


@dataclass(frozen=True, slots=True)
class Environment:
    """Packages that can live together, and what runs with them."""

    name: str
    packages: tuple[str, ...]
    scripts: tuple[str, ...]
    snippets: tuple[str, ...]


# Pinned, so that a new release shows when it is asked for and not in an unrelated change.
PLAN = (
    Environment(
        "plain",
        ("cohere==7.3.1", "openai==3.54.0", "infinity_client==0.0.78", "rerankers==0.10.0"),
        ("cohere_sdk.py", "openai_sdk.py", "infinity.py", "rerankers_api.py"),
        ("Cohere", "OpenAI", "rerankers", "curl"),
    ),
    Environment(
        "haystack", ("jina-haystack==2.0.1", "cohere-haystack==11.0.0"), ("haystack_rankers.py",), ("Haystack",)
    ),
    Environment(
        "langchain",
        ("langchain-community==0.4.2", "langchain-cohere==0.6.0"),
        ("langchain_rerank.py", "cohere_sdk.py"),
        ("LangChain",),
    ),
    Environment(
        "llama",
        ("llama-index-postprocessor-jinaai-rerank==0.6.0", "llama-index-postprocessor-tei-rerank==0.6.0"),
        ("llama_rerank.py",),
        ("LlamaIndex",),
    ),
    Environment("litellm", ("litellm==1.106.2",), ("litellm_rerank.py", "openai_sdk.py"), ("litellm",)),
)


def main() -> int:
    """Run the plan, or the environments named; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(one.name for one in PLAN)}")
    wanted = set(parser.parse_args().names)
    failures = 0
    with live(bundled=True) as url:
        code = {one.title: one for one in snippets(url)}
        for environment in PLAN:
            if wanted and environment.name not in wanted:
                continue
            python = prepared(environment.name, environment.packages)
            for script in environment.scripts:
                command = [str(python), str(Path(__file__).parent / script), url]
                failures += told(f"{environment.name} {script}", command) is None
            for title in environment.snippets:
                failures += not answered(environment.name, python, code[title])
    sys.stdout.write(f"{failures} failed\n")
    return 1 if failures else 0


def told(name: str, command: list[str]) -> str | None:
    """Return what the command printed, or None if it failed; say which."""
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603 - ours
    sys.stdout.write(f"{'ok' if done.returncode == 0 else 'FAILED'} {name} ({time.perf_counter() - started:.1f} s)\n")
    sys.stdout.writelines(f"   {line}\n" for line in done.stdout.splitlines())
    if done.returncode != 0:
        sys.stdout.writelines(f"   {line}\n" for line in done.stderr.splitlines()[-12:])
        return None
    sys.stdout.flush()
    return done.stdout


def answered(environment: str, python: Path, snippet: Snippet) -> bool:
    """Return True if the snippet runs as it stands and puts the right document first."""
    command = [str(python), "-c", snippet.code] if snippet.language == "python" else ["bash", "-c", snippet.code]
    said = told(f"{environment} snippet {snippet.title}", command)
    if said is None:
        return False
    scored = sorted((line.split(maxsplit=1) for line in said.splitlines() if line[:1].isdigit()), reverse=True)
    best = scored[0][1] if scored else said[said.index('"results"') :] if '"results"' in said else ""
    right = DOCUMENTS[1] in best and (bool(scored) or best.index(DOCUMENTS[1]) < best.index(DOCUMENTS[0]))
    sys.stdout.write(f"{'ok' if right else 'FAILED'} {environment} snippet {snippet.title} answers\n")
    return right


if __name__ == "__main__":
    sys.exit(main())
