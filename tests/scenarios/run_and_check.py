#!/usr/bin/env python3
"""Runs a scenario in memory and durably, with the shards of its topology and with others, and has its checker look each time.

  tests/scenarios/run_and_check.py --mailroom build/release/bin/mailroom --topology scenarios/nexmark/q5.json -- \\
      build/release/bin/nexmark-check {topology} {output}

What follows `--` is the checker; {topology}, {output} and {input} are put in. With --must-notice FILE a line is taken out of that
output in the end, and the checker must say so. Exit code 77 if the --input is not there.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mailroom", required=True)
    parser.add_argument("--topology", required=True, type=pathlib.Path)
    parser.add_argument("--input", type=pathlib.Path)
    parser.add_argument("--must-notice", metavar="FILE")
    parser.add_argument("check", nargs="+")
    arguments = parser.parse_args()
    if arguments.input and not arguments.input.exists():
        print(f"skipped: the data is not at {arguments.input}")
        sys.exit(77)

    with tempfile.TemporaryDirectory(prefix="mailroom-check-") as folder:
        work = pathlib.Path(folder)

        def check(topology, data):
            places = {"topology": topology, "output": data / "output", "input": arguments.input}
            return subprocess.run([part.format(**places) for part in arguments.check], capture_output=True, text=True)

        for durability, shards in (("durable", None), ("memory", 1), ("memory", 3)):
            what = f"{durability}, {shards or 'its own'} shards"
            definition = json.loads(arguments.topology.read_text())
            for stage in definition["stages"].values():
                if shards and "shards" in stage:
                    stage["shards"] = shards
            topology = work / arguments.topology.name
            topology.write_text(json.dumps(definition))
            data = work / f"{durability}-{shards}"
            command = [arguments.mailroom, "run", str(topology), "--data", str(data), "--durability", durability, "--progress", "off"]
            if arguments.input:
                command += ["--input", str(arguments.input)]
            run = subprocess.run(command, capture_output=True, text=True)
            if run.returncode != 0:
                sys.exit(f"{what}: the run ended with {run.returncode}\n{run.stdout}\n{run.stderr}")
            checked = check(topology, data)
            if checked.returncode != 0:
                sys.exit(f"{what}: the checker says\n{checked.stdout}\n{checked.stderr}")
            print(f"{what}: {run.stdout.strip().splitlines()[-2]}")
        if arguments.must_notice:
            output = data / "output" / arguments.must_notice
            lines = output.read_bytes().splitlines(keepends=True)
            output.write_bytes(b"".join(lines[:-1]))
            if check(topology, data).returncode != 1:
                sys.exit(f"the last line of {arguments.must_notice} is gone, and the checker did not notice")


if __name__ == "__main__":
    main()
