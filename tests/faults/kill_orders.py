#!/usr/bin/env python3
"""Kills the orders scenario at random instants and proves that nothing was lost and nothing happened twice.

  tests/faults/kill_orders.py --mailroom build/release/bin/mailroom --check build/release/bin/orders-check [--kills 200]

One undisturbed run is the reference. Then, again and again from an empty folder: start, kill -9 after a random
time, start, kill, ... until a run ends by itself. Its outputs must be the reference's: each file the same lines,
in the same order within each key (the order between keys is not promised), and every invariant must hold.
"""
import argparse
import collections
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
# With ample stock every file holds the same lines in every run (scenarios/orders/README.md, "What is fixed"), and
# these keep them in order within each invoice. The order between invoices is not promised.
FILES = ["invoices", "outcomes", "stock", "payments", "refunds", "ledger", "notifications", "violations"]
IN_ORDER = ["ledger"]


def some(lines):
    return "".join(f"\n    {line.decode()[:300]}" for line in list(lines)[:3])


def compare(reference, output):
    for name in FILES:
        expected, found = ((folder / f"{name}.jsonl").read_bytes().splitlines() for folder in (reference, output))
        if sorted(expected) != sorted(found):
            lost, more = collections.Counter(expected) - collections.Counter(found), collections.Counter(found) - collections.Counter(expected)
            return f"{name}.jsonl: {lost.total()} lines are missing{some(lost)}, {more.total()} are not expected{some(more)}"
        if name in IN_ORDER:
            sequences = []
            for lines in (expected, found):
                by_invoice = collections.defaultdict(list)
                for line in lines:
                    by_invoice[json.loads(line)["invoice"]].append(line)
                sequences.append(by_invoice)
            for invoice, lines in sequences[0].items():
                if lines != sequences[1][invoice]:
                    return f"{name}.jsonl: invoice {invoice} is out of order:{some(sequences[1][invoice])}\n  expected{some(lines)}"
    return None


def topology(folder, invoices):
    """The shipped topology with ample stock, so that outcomes don't depend on which order reaches the shelf first."""
    source = HERE.parent.parent / "scenarios" / "orders" / "orders.json"
    definition = json.loads(source.read_text())
    definition["stages"]["lines"]["options"]["invoices"] = invoices
    definition["stages"]["inventory"]["options"].update(opening_least=10**7, opening_most=10**7, order_below=0)
    path = folder / "orders.json"
    path.write_text(json.dumps(definition, indent=1))
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mailroom", required=True)
    parser.add_argument("--check", required=True, help="the orders-check program")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--invoices", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.randrange(10**9)
    chance = random.Random(seed)
    print(f"seed {seed}", flush=True)

    work = pathlib.Path(tempfile.mkdtemp(prefix="mailroom-kill-"))
    program = [arguments.mailroom, "run", str(topology(work, arguments.invoices)), "--progress", "off"]

    def start(data, **more):
        return subprocess.Popen(program + ["--data", str(data), "--summary", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, **more)

    begin = time.monotonic()
    reference = start(work / "reference")
    text, errors = reference.communicate(timeout=300)
    if reference.returncode != 0:
        sys.exit(f"the undisturbed run ended with {reference.returncode}:\n{errors}")
    length = time.monotonic() - begin
    print(f"undisturbed: {length:.1f} s", flush=True)

    kills = runs = rounds = 0
    while kills < arguments.kills:
        rounds += 1
        data = work / "killed"
        shutil.rmtree(data, ignore_errors=True)
        while True:
            runs += 1
            process = start(data)
            if kills < arguments.kills:
                # Also before the engine is up, and in the middle of recovery.
                wait = chance.uniform(0, length * chance.choice((0.1, 0.5, 1.0)))
                try:
                    text, errors = process.communicate(timeout=wait)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.communicate()
                    kills += 1
                    continue
            else:
                text, errors = process.communicate(timeout=300)
            if process.returncode != 0:
                sys.exit(f"seed {seed}, after {kills} kills: exit code {process.returncode}\n{text[-2000:]}\n{errors}\nkept: {data}")
            break
        summary = json.loads(text)
        unbalanced = [edge for edge in summary["edges"] if edge["difference"] != 0 or edge["in_flight"] != 0]
        if unbalanced:
            sys.exit(f"seed {seed}, after {kills} kills: the books do not balance: {unbalanced}\nkept: {data}")
        difference = compare(work / "reference" / "output", data / "output")
        if difference:
            sys.exit(f"seed {seed}, after {kills} kills: {difference}\nkept: {data}")
        checked = subprocess.run([arguments.check, str(data / "output")], capture_output=True, text=True)
        if checked.returncode != 0:
            sys.exit(f"seed {seed}, after {kills} kills: an invariant is broken\n{checked.stdout}\n{checked.stderr}\nkept: {data}")
        print(f"{kills} kills in {runs} starts: {rounds} rounds, each like the undisturbed run", flush=True)
    shutil.rmtree(work)
    print(f"{kills} kills, nothing lost, nothing twice, every invariant holds")


if __name__ == "__main__":
    main()
