#!/usr/bin/env python3
"""What telemetry costs the engine: the benchmark's pipeline with and without, by turns on the same machine.

  telemetry_cost.py --mailroom PROGRAM [--pairs 12] [--events 5000000] [--mode memory]

With: traces sampled one in 1,024, a WebSocket client that takes everything at 20 Hz, in a process of its own.
Without: no traces, no face. Says the median of the pairs' ratios (with / without), and the middle half of them."""
import argparse, json, socket, statistics, subprocess, time

parser = argparse.ArgumentParser()
parser.add_argument("--mailroom", required=True)
parser.add_argument("--pairs", type=int, default=12)
parser.add_argument("--events", type=int, default=5_000_000)
parser.add_argument("--mode", default="memory")
arguments = parser.parse_args()

with socket.create_server(("127.0.0.1", 0)) as probe:
    port = probe.getsockname()[1]


def run(telemetry):
    command = [arguments.mailroom, "bench", "--json", "--mode", arguments.mode, "--events", str(arguments.events)]
    command += ["--listen", f"127.0.0.1:{port}"] if telemetry else ["--trace-one-in", "0"]
    bench = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    client = None
    if telemetry:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.005)
        client = subprocess.Popen([arguments.mailroom, "record", str(port), "/dev/null"], stderr=subprocess.PIPE, text=True)
    row = json.loads(bench.communicate()[0])[0]
    if client:
        said = client.communicate()[1]
        row["client"] = said.strip()
    return row


pairs = []
for n in range(arguments.pairs + 1):
    order = (True, False) if n % 2 else (False, True)
    rows = {telemetry: run(telemetry) for telemetry in order}
    if n == 0:
        print("client of the first run:", rows[True]["client"])
        continue  # warms up
    pairs.append((rows[True], rows[False]))
for what, title in (("events_per_second", "events a second"), ("cpu_us_per_event", "CPU per event")):
    ratios = sorted(with_it[what] / without[what] for with_it, without in pairs)
    quarter = len(ratios) // 4
    print(f"{title}: with / without = {statistics.median(ratios):.3f} (middle half {ratios[quarter]:.3f} to {ratios[-1 - quarter]:.3f}, {len(ratios)} pairs)")
