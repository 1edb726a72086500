"""Runs the advisor's whole loop on each program of this folder: find, fix, measure.

    python examples/advice/run.py [--memsight PROGRAM] [--python PROGRAM] [--only NAME ...] [--runs N]

Nothing of the folder is changed but `data/`, where the programs put their inputs. Ends with 1 where a program has no fix that is
kept, or a technique no program that needs less than half.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
#: Techniques, their programs, and the rule that each is about. Rules that need evidence are selected by hand.
PROGRAMS = {
    "generators": {"log_report": "MS105", "traffic_sum": "MS101,MS103", "sales_export": "MS107"},
    "fewer objects": {"order_texts": "MS201", "sensors": "MS203", "price_history": "MS205"},
    "compact structures": {"temperatures": "MS305", "visited_pages": "MS306", "order_book": "MS302"},
    "explicit freeing": {"ranking": "MS401", "product_names": "MS403", "import_orders": "MS407"},
}
MIB = 1 << 20


def verified(name: str, rules: str, args: argparse.Namespace, folder: str) -> dict[str, Any]:
    """The result of `memsight advise --verify` on a program."""
    program = f"{name}.py"
    # Makes the input, once: the copies then have it.
    subprocess.run([args.python, program], cwd=FOLDER, check=True, stdout=subprocess.DEVNULL)
    # What is promised comes from a trace of the program as it is.
    trace = Path(folder) / f"{name}.trace"
    record = [args.memsight, "run", "--exact", "--quiet", "-o", str(trace), "--", args.python, program]
    subprocess.run(record, cwd=FOLDER, check=True, stdout=subprocess.DEVNULL)
    command = [args.memsight, "advise", program, "--select", rules, "--unsafe-fixes", "--verify", "--tree", "."]
    command += ["--trace", str(trace), "--runs", str(args.runs), "--format", "json", "--", args.python, program]
    done = subprocess.run(command, cwd=FOLDER, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"{program}: memsight ended with {done.returncode}")
    result: dict[str, Any] = json.loads(done.stdout)["verify"]
    return result


def said(fix: dict[str, Any]) -> str:
    """What was promised of a fix: bytes, where the trace tells, and the figure."""
    if fix["promised_bytes"] is None:
        return f"{fix['rule']} {fix['saves']}, {fix['formula']}"
    return f"{fix['rule']} {fix['saves']} {fix['promised_bytes'] / MIB:.1f} MiB"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memsight", default="memsight")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    is_good = True
    print(f"{'program':16} {'rules':14} {'before':>11} {'after':>11} {'saved':>20} {'less':>5} {'time':>6}  promised")
    for technique, programs in PROGRAMS.items():
        print(technique)
        best, count = 0.0, 0
        for name, rules in programs.items():
            if args.only and name not in args.only:
                continue
            with tempfile.TemporaryDirectory() as folder:
                verify = verified(name, rules, args, folder)
            count += 1
            kept = [fix for fix in verify["fixes"] if fix["verdict"] == "kept"]
            undone = [fix for fix in verify["fixes"] if fix["verdict"] != "kept"]
            for fix in undone:
                print(f"  {fix['rule']} {fix['file']}:{fix['line']} is undone: {fix['reason'] or 'it saves nothing'}")
            if not kept or not verify["together"]:
                print(f"  {name:14} {rules:14} nothing is kept")
                is_good = False
                continue
            peak, cpu = verify["together"]["peak"], verify["together"]["cpu_ns"]
            error = (peak["saved_range"][1] - peak["saved_range"][0]) / 2
            part = peak["saved"] / peak["before"]
            best = max(best, part)
            time = f"{cpu['after'] / cpu['before']:.2f}x" if cpu["is_seen"] else "same"
            saved = f"{peak['saved'] / MIB:.1f} ±{error / MIB:.1f} MiB"
            promised = "; ".join(said(fix) for fix in kept)
            before, after = (f"{peak[key] / MIB:.1f} MiB" for key in ("before", "after"))
            print(f"  {name:14} {rules:14} {before:>11} {after:>11} {saved:>20} {part:>5.0%} {time:>6}  {promised}")
        if count and best <= 0.5 and not args.only:
            print(f"  no program of {technique} needs less than half")
            is_good = False
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
