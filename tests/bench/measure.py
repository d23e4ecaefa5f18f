#!/usr/bin/env python3
"""Measures Mailroom on this machine and writes the figures as JSON; report.py makes the page of them.

  tests/bench/measure.py [--build build/release] [--out docs/benchmark/results.json] [--only speed,latency,...] [--quick]

What is compared is run by turns, several times; the figures are medians. Absolute figures move by half from one hour to
the next on a shared machine, the ratios of one run much less.
"""
import argparse
import json
import os
import pathlib
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def run_json(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    found = json.loads(done.stdout)
    return found[0] if isinstance(found, list) else found


class Machine:
    def __init__(self, build, quick):
        self.mailroom = build / "bin" / "mailroom"
        self.floors = build / "bin" / "bench-floors"
        self.quick = quick
        self.rounds = 1 if quick else 5

    def bench(self, mode, **options):
        arguments = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", value)]
        return run_json(self.mailroom, "bench", "--json", "--mode", mode, *arguments)

    def events(self, full):
        return full // 10 if self.quick else full


def medians(rows):
    """Figure by figure; ranges beside them for what is a speed."""
    found = {}
    for name, value in rows[0].items():
        if isinstance(value, dict):
            found[name] = medians([row[name] for row in rows])
        elif isinstance(value, (int, float)):
            found[name] = statistics.median(row[name] for row in rows)
        else:
            found[name] = value
    if "events_per_second" in found:
        found["least"], found["most"] = (pick(row["events_per_second"] for row in rows) for pick in (min, max))
    return found


def speed(machine):
    """Mailroom beside the same work without it, in turns."""
    runs = {"memory": [], "caf": [], "ring": [], "durable": [], "append": []}
    for _ in range(machine.rounds):
        memory, durable = machine.events(10_000_000), machine.events(4_000_000)
        runs["memory"].append(machine.bench("memory", events=memory))
        for floor in ("caf", "ring"):
            runs[floor].append(run_json(machine.floors, floor, "--events", memory))
        row = machine.bench("durable", events=durable)
        runs["durable"].append(row)
        append = run_json(machine.floors, "append", "--batches", row["commits"], "--bytes-per-batch", row["committed_bytes"] // row["commits"])
        append["events_per_second"] = durable / append["seconds"]
        runs["append"].append(append)
    found = {name: medians(rows) for name, rows in runs.items()}
    found["memory_to_caf"] = statistics.median(ours["events_per_second"] / raw["events_per_second"]
                                               for ours, raw in zip(runs["memory"], runs["caf"]))
    found["durable_to_append"] = statistics.median(ours["events_per_second"] / raw["events_per_second"]
                                                   for ours, raw in zip(runs["durable"], runs["append"]))
    return found


def latency(machine):
    seconds = 2 if machine.quick else 20
    return [{"mode": mode, "rate": rate, **medians([machine.bench(mode, rate=rate, events=rate * seconds) for _ in range(min(3, machine.rounds))])}
            for mode in ("memory", "durable") for rate in (10_000, 100_000)]


def costs(machine):
    """CPU per event as one thing changes."""
    def series(mode, values, **fixed):
        name, points = values
        rows = []
        for value, events in points:
            shape = {**fixed, name: value, "events": machine.events(events)}
            if name == "backlog":
                shape["backlog"] = machine.events(value)
            rows.append({"value": value, **medians([machine.bench(mode, **shape) for _ in range(min(3, machine.rounds))])})
        return rows
    keys = ("customers", [(10_000, 8_000_000), (100_000, 8_000_000), (1_000_000, 8_000_000)])
    durable_keys = ("customers", [(10_000, 2_000_000), (100_000, 2_000_000), (1_000_000, 2_000_000)])
    shards = ("shards", [(n, 6_000_000) for n in (1, 2, 4, 8, 16, 32, 64)])
    sizes = ("event_bytes", [(16, 4_000_000), (64, 4_000_000), (256, 4_000_000), (1024, 1_000_000), (4096, 250_000)])
    backlogs = ("backlog", [(0, 4_000_000), (10_000, 4_000_000), (100_000, 4_000_000), (1_000_000, 4_000_000), (10_000_000, 10_000_000)])
    return {"keys, memory": series("memory", keys), "keys, durable": series("durable", durable_keys), "shards, memory": series("memory", shards),
            "event size, memory": series("memory", sizes), "backlog, memory": series("memory", backlogs)}


def running(machine, topology, ask, wait=3.0):
    """Starts a node, lets it come to rest, asks its process, ends it."""
    with tempfile.TemporaryDirectory(prefix="mailroom-bench-") as folder:
        path = pathlib.Path(folder) / "topology.json"
        path.write_text(json.dumps(topology))
        (pathlib.Path(folder) / "empty.jsonl").touch()
        node = subprocess.Popen([str(machine.mailroom), "run", str(path), "--data", f"{folder}/data", "--progress", "off"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            time.sleep(wait)
            if node.poll() is not None:
                sys.exit(f"a node that should wait has ended: {node.stderr.read()}")
            return ask(node.pid)
        finally:
            node.send_signal(signal.SIGTERM)
            node.communicate(timeout=60)


def resident_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def waiting_topology(shards, durability):
    """A source that waits for its file to grow, so nothing ever happens."""
    return {"mailroom": 1, "name": "waiting", "durability": durability,
            "stages": {"payments": {"source": "tail", "path": "empty.jsonl", "event": "BenchPayment", "options": {"format": "jsonl"}},
                       "totals": {"actor": "BenchTotals", "from": ["payments"], "key": "customer", "shards": shards},
                       "check": {"sink": "bench_check", "from": ["totals"]}}}


def memory(machine):
    few, many = 24, 1_024
    rss = {shards: running(machine, waiting_topology(shards, "memory"), resident_mib) for shards in (few, many)}
    keys = {customers: machine.bench("memory", events=machine.events(20_000_000), customers=customers)["rss_mib"] for customers in (10_000, 1_000_000)}
    return {"mib_per_1000_actors": (rss[many] - rss[few]) / (many - few) * 1000, "mib_with_10k_keys": keys[10_000], "mib_with_1m_keys": keys[1_000_000],
            "empty_node_mib": rss[few]}


def idle(machine):
    def cpu(pid):
        def ticks():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
            return int(fields[11]) + int(fields[12])
        seconds, before = 2 if machine.quick else 20, ticks()
        time.sleep(seconds)
        return (ticks() - before) / os.sysconf("SC_CLK_TCK") / seconds * 100
    return {f"{mode}_percent_of_a_core": running(machine, waiting_topology(8, mode), cpu) for mode in ("memory", "durable")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = {"speed": speed, "latency": latency, "costs": costs, "memory": memory, "idle": idle}
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs" / "benchmark" / "results.json")
    parser.add_argument("--only", default=",".join(parts), help="some of: " + ", ".join(parts))
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, once: to try the script")
    arguments = parser.parse_args()
    machine = Machine(arguments.build, arguments.quick)
    found = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    found["machine"] = {"cpu": model, "cores": os.cpu_count(), "system": platform.release(), "when": time.strftime("%Y-%m-%d")}
    for name in arguments.only.split(","):
        if name not in parts:
            sys.exit(f"--only {name}: expected some of {', '.join(parts)}")
        print(f"{name} ...", file=sys.stderr, flush=True)
        found[name] = parts[name](machine)
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
