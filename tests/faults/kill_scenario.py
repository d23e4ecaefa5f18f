#!/usr/bin/env python3
"""Kills a scenario at random instants and proves that nothing was lost and nothing happened twice.

  tests/faults/kill_scenario.py orders --mailroom build/release/bin/mailroom --bin build/release/bin [--kills 200]

One undisturbed run is the reference. Then, again and again from an empty folder: start, kill -9 after a random
time, start, kill, ... until a run ends by itself. Its outputs must be the reference's: each file the same lines,
in the same order within each key (the order between keys is not promised), and the scenario's checker must find
that every invariant holds.
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

SCENARIOS = pathlib.Path(__file__).resolve().parent.parent.parent / "scenarios"


def ample_stock(definition, size):
    """With ample stock outcomes don't depend on which order reaches the shelf first."""
    definition["stages"]["lines"]["options"]["invoices"] = size
    definition["stages"]["inventory"]["options"].update(opening_least=10**7, opening_most=10**7, order_below=0)


class Orders:
    """Every file holds the same lines in every run (scenarios/orders/README.md, "What is fixed")."""
    topology = "orders/orders.json"
    size = 1500  # invoices
    checker = "orders-check"
    files = ["invoices", "outcomes", "stock", "payments", "refunds", "ledger", "notifications", "violations"]
    in_order = {"ledger": "invoice"}  # file: the field whose lines keep one order
    prepare = staticmethod(ample_stock)

    @staticmethod
    def check_arguments(topology, output):
        return [output]


class Analytics:
    """What is late is decided at the source, so every file holds the same lines in every run."""
    topology = "analytics/analytics.json"
    size = 50_000  # lines
    checker = "analytics-check"
    files = ["minutes", "top_paths", "sessions", "alerts", "set_aside"]
    in_order = {"top_paths": "minute", "sessions": "visitor"}

    @staticmethod
    def prepare(definition, size):
        definition["stages"]["lines"]["options"]["lines"] = size

    @staticmethod
    def check_arguments(topology, output):
        return [output, "--generated", topology]


class Feed:
    """What a feed is at rest does not depend on the run; pages read on the way do, and so does what was cancelled."""
    topology = "feed/feed.json"
    size = 25_000  # actions
    checker = "feed-check"
    files = ["notifications", "posts"]
    in_order = {}

    @staticmethod
    def prepare(definition, size):
        definition["stages"]["actions"]["options"].update(actions=size, users=size // 50)

    @staticmethod
    def check_arguments(topology, output):
        return [output, topology]


class Nexmark:
    """Every window's result is its last, so an answer is the same set of lines in every run."""
    size = 300_000  # events
    checker = "nexmark-check"
    in_order = {}

    def __init__(self, query, file):
        self.topology = f"nexmark/{query}.json"
        self.files = [file]

    @staticmethod
    def prepare(definition, size):
        for stage in definition["stages"].values():
            if "source" in stage:
                stage["options"]["events"] = size

    @staticmethod
    def check_arguments(topology, output):
        return [topology, output]


KNOWN = {"orders": Orders(), "analytics": Analytics(), "feed": Feed(),
         "nexmark-q5": Nexmark("q5", "hot_items"), "nexmark-q7": Nexmark("q7", "highest_bids"),
         "nexmark-q8": Nexmark("q8", "new_sellers"), "nexmark-q11": Nexmark("q11", "bidder_sessions")}


def some(lines):
    return "".join(f"\n    {line.decode()[:300]}" for line in list(lines)[:3])


def compare(scenario, reference, output):
    for name in scenario.files:
        expected, found = ((folder / f"{name}.jsonl").read_bytes().splitlines() for folder in (reference, output))
        if sorted(expected) != sorted(found):
            lost, more = collections.Counter(expected) - collections.Counter(found), collections.Counter(found) - collections.Counter(expected)
            return f"{name}.jsonl: {lost.total()} lines are missing{some(lost)}, {more.total()} are not expected{some(more)}"
        if name in scenario.in_order:
            field = scenario.in_order[name]
            sequences = []
            for lines in (expected, found):
                by_key = collections.defaultdict(list)
                for line in lines:
                    by_key[json.loads(line)[field]].append(line)
                sequences.append(by_key)
            for key, lines in sequences[0].items():
                if lines != sequences[1][key]:
                    return f"{name}.jsonl: {field} {key} is out of order:{some(sequences[1][key])}\n  expected{some(lines)}"
    return None


def write_topology(scenario, folder, size):
    definition = json.loads((SCENARIOS / scenario.topology).read_text())
    scenario.prepare(definition, size)
    path = folder / "topology.json"
    path.write_text(json.dumps(definition, indent=1))
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", choices=KNOWN)
    parser.add_argument("--mailroom", required=True)
    parser.add_argument("--bin", required=True, type=pathlib.Path, help="the folder of the scenario's checker")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--size", type=int, default=None, help="of the generated input, in the scenario's own unit")
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    scenario = KNOWN[arguments.scenario]
    seed = arguments.seed if arguments.seed is not None else random.randrange(10**9)
    chance = random.Random(seed)
    print(f"seed {seed}", flush=True)

    work = pathlib.Path(tempfile.mkdtemp(prefix=f"mailroom-kill-{arguments.scenario}-"))
    topology = write_topology(scenario, work, arguments.size or scenario.size)
    program = [arguments.mailroom, "run", str(topology), "--progress", "off"]
    checker = [str(arguments.bin / scenario.checker)]

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
        difference = compare(scenario, work / "reference" / "output", data / "output")
        if difference:
            sys.exit(f"seed {seed}, after {kills} kills: {difference}\nkept: {data}")
        checked = subprocess.run(checker + scenario.check_arguments(topology, data / "output"), capture_output=True, text=True)
        if checked.returncode != 0:
            sys.exit(f"seed {seed}, after {kills} kills: an invariant is broken\n{checked.stdout}\n{checked.stderr}\nkept: {data}")
        print(f"{kills} kills in {runs} starts: {rounds} rounds, each like the undisturbed run", flush=True)
    shutil.rmtree(work)
    print(f"{kills} kills, nothing lost, nothing twice, every invariant holds")


if __name__ == "__main__":
    main()
