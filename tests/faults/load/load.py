#!/usr/bin/env python3
"""Proves how the engine behaves under load and faults (docs/proof-load.md).

  tests/faults/load/load.py CASE... --mailroom build/release/bin/mailroom [--short]

Cases: overload, slow_sink, poison, throwing, hanging, slow, burn, sigterm, or all. Each runs topologies made of the
library `faults` beside this file, and checks what the node says of itself (--summary json) against what the sink
itself has seen of each key. --short is for CI: seconds, and nothing in it depends on how fast the machine is.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

MB = 1 << 20
STOP_DEADLINE = 10  # seconds for handlers to return once the node stops (EngineOptions::stop_deadline)
DRAIN_TIMEOUT = 30  # seconds, the default of --drain-timeout
EXIT_DONE, EXIT_FAILED, EXIT_DRAINED, EXIT_CHECKPOINTED = 0, 1, 10, 11
# Of the whole process, at its highest. What is in it: about 15 MB of program and libraries, the mailboxes, and in
# durable mode RocksDB's memory tables (64 MB) and block cache (32 MB).
MEMORY_CAP = {"memory": 64 * MB, "durable": 256 * MB}


class Broken(Exception):
    """A promise that was not kept."""


def expect(found, expected, what):
    if found != expected:
        raise Broken(f"{what}: found {found}, expected {expected}")


def expect_that(holds, what):
    if not holds:
        raise Broken(what)


def megabytes(count):
    return f"{count / MB:.0f} MB"


def disk_of(folder):
    total = 0
    for path, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.stat(os.path.join(path, name)).st_blocks * 512
            except FileNotFoundError:
                pass  # a table that was compacted away meanwhile
    return total


class Run:
    """One run of a topology, watched from outside."""

    def __init__(self, bench, name, definition, mode, *, threads=2, drain=None, data=None, fresh=True):
        self.bench, self.name, self.mode = bench, name, mode
        self.data = pathlib.Path(data or bench.folder / "data")
        if fresh:
            shutil.rmtree(self.data, ignore_errors=True)
        file = bench.folder / f"{name}.json"
        file.write_text(json.dumps({"mailroom": 1, "name": "load", "library": "faults", "durability": mode, **definition}, indent=1))
        command = [bench.mailroom, "run", str(file), "--data", str(self.data), "--summary", "json", "--progress", "off",
                   "--threads", str(threads)]
        if drain is not None:
            command += ["--drain-timeout", str(drain)]
        self.begun = time.monotonic()
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        bench.processes.append(self.process)
        self.highest_memory = self.highest_disk = self.last_spill = 0
        self.said = []  # (seconds since the start, line)
        self.output = ""
        self.watchers = [threading.Thread(target=watch, daemon=True) for watch in (self._read_errors, self._read_output, self._sample)]
        for watcher in self.watchers:
            watcher.start()

    def _read_errors(self):
        for line in self.process.stderr:
            self.said.append((time.monotonic() - self.begun, line.rstrip()))

    def _read_output(self):
        self.output = self.process.stdout.read()

    def _sample(self):
        folder = pathlib.Path(f"/proc/{self.process.pid}")
        round_ = 0
        while self.process.poll() is None:
            try:
                # The kernel keeps the highest mark itself: nothing between two samples is missed.
                highest = re.search(r"VmHWM:\s+(\d+) kB", (folder / "status").read_text())
                if highest:
                    self.highest_memory = max(self.highest_memory, int(highest[1]) * 1024)
                if round_ % 4 == 0:
                    self.last_spill = self._unlinked_files()
                    self.highest_disk = max(self.highest_disk, disk_of(self.data) + self.last_spill)
            except (FileNotFoundError, ProcessLookupError):
                break
            round_ += 1
            time.sleep(0.05)

    def _unlinked_files(self):
        """Memory mode's spill files have no name any more; they are found by who holds them."""
        total = 0
        for descriptor in os.scandir(f"/proc/{self.process.pid}/fd"):
            try:
                if "mailroom-spill-" in os.readlink(descriptor.path):
                    total += os.stat(descriptor.path).st_blocks * 512
            except OSError:
                pass
        return total

    def stop(self):
        self.process.send_signal(signal.SIGTERM)

    def said_at(self, pattern, timeout=0.0):
        """When the line that matches was said, seconds since the start; None if it was not within the time."""
        until = time.monotonic() + timeout
        while True:
            for at, line in list(self.said):
                if re.search(pattern, line):
                    return at
            if time.monotonic() >= until or self.process.poll() is not None:
                return None
            time.sleep(0.02)

    def wait(self, expected, timeout=600):
        expected = expected if isinstance(expected, tuple) else (expected,)
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Broken(f"{self.name}: did not end within {timeout} s")
        for watcher in self.watchers:
            watcher.join(10)
        self.seconds = time.monotonic() - self.begun
        self.code = self.process.returncode
        self.errors = "\n".join(line for _, line in self.said)
        if self.code not in expected:
            raise Broken(f"{self.name}: exit code {self.code}, expected {' or '.join(map(str, expected))}\n"
                         f"{self.output[-600:]}\n{self.errors[-2000:]}")
        self.summary = json.loads(self.output)
        # Now, because the next run may have the same folder.
        self.seen_by = {file.stem: json.loads(file.read_text()) for file in (self.data / "output").glob("*check.json")}
        return self

    # --- what it left ---

    def seen(self, sink="check"):
        return self.seen_by[sink]

    def shards(self, stage):
        return [shard for shard in self.summary["shards"] if shard["stage"] == stage]

    def total(self, stage, field):
        return sum(shard[field] for shard in self.shards(stage))

    def given(self, stage="source"):
        return next(source["events"] for source in self.summary["sources"] if source["stage"] == stage)

    def edges(self, field):
        return sum(edge[field] for edge in self.summary["edges"])

    def check_books(self, left_inside=0):
        for edge in self.summary["edges"]:
            expect(edge["difference"], 0, f"{self.name}: the books of {edge['from']} -> {edge['to']}, difference")
        if left_inside is not None:
            expect(self.edges("in_flight"), left_inside, f"{self.name}: events left inside")
        for shard in self.summary["shards"]:
            expect(shard["order_violations"], 0, f"{self.name}: order violations at {shard['stage']}/{shard['shard']}")

    def check_order(self, sink="check"):
        seen = self.seen(sink)
        expect(seen["out_of_order"], 0, f"{self.name}: events out of their key's order at the sink")
        expect(seen["repeated"], 0, f"{self.name}: events repeated at the sink")
        expect(sum(seen["count"]), seen["events"], f"{self.name}: events by key at the sink")
        return seen

    def check_memory(self):
        cap = MEMORY_CAP[self.mode]
        expect_that(self.highest_memory <= cap, f"{self.name}: {megabytes(self.highest_memory)} of memory at its highest, the cap is {megabytes(cap)}")


def source(**options):
    return {"source": "faults_generator", "options": options}


def check(of="stage", **options):
    return {"sink": "faults_check", "from": [of], "path": "check.json", "options": options}


def given_of(key, keys, events):
    """How many of the source's first `events` events are of this key."""
    return (events - key + keys - 1) // keys if events > key else 0


class Bench:
    def __init__(self, arguments, folder):
        self.mailroom, self.short = arguments.mailroom, arguments.short
        self.pairs, self.folder = arguments.pairs, folder
        self.chance = random.Random(arguments.seed)
        self.processes = []

    def say(self, text):
        print("  " + text, flush=True)

    # ------------------------------------------------------------------------------------------------ overload

    def overload(self):
        """Ten times what a stage can take, under each overflow policy."""
        seconds = 1.5 if self.short else 60
        for mode in ("memory", "durable"):
            def pipeline(overflow, rate, run_for):
                return {"stages": {
                    "source": source(seconds=run_for, rate=rate),
                    # It is slow for as long as the source gives, then recovers: what was kept can be drained.
                    "stage": {"actor": "Slow", "from": ["source"], "key": "key", "mailbox": {"capacity": 4096, "overflow": overflow},
                              "options": {"sleep_us": 100, "for_ms": int(run_for * 1000)}},
                    "check": check()}}
            probe = Run(self, f"overload-probe-{mode}", pipeline("backpressure", 0, 1 if self.short else 5), mode).wait(EXIT_DONE)
            slots = probe.seen()["others_per_100ms"][: 10 if self.short else 50]
            sustainable = 10 * sum(slots) / len(slots)
            self.say(f"{mode}: sustainable {sustainable:,.0f} events/s; offered {10 * sustainable:,.0f} for {seconds} s")
            for overflow in ("backpressure", "spill", "drop_oldest", "drop_newest", "reject"):
                run = Run(self, f"overload-{mode}-{overflow}", pipeline(overflow, 10 * sustainable, seconds), mode).wait(EXIT_DONE)
                run.check_books()
                run.check_memory()
                seen = run.check_order()
                given = run.given()
                shed = {reason: run.edges(reason) for reason in ("dropped_oldest", "dropped_newest", "rejected")}
                dead = run.total("source", "dead_letters") + run.total("stage", "dead_letters")
                counted = {"drop_oldest": "dropped_oldest", "drop_newest": "dropped_newest", "reject": "rejected"}.get(overflow)
                for reason, count in shed.items():
                    if reason != counted:
                        expect(count, 0, f"{run.name}: events {reason}")
                expect(dead, shed["rejected"], f"{run.name}: dead letters, one for each rejected event")
                expect(seen["events"] + sum(shed.values()), given, f"{run.name}: events at the sink and events shed, of those given")
                if counted:
                    expect_that(shed[counted] > 0, f"{run.name}: nothing was shed at ten times the sustainable rate")
                else:
                    expect(seen["missing"], 0, f"{run.name}: events missing within their key")
                self.say(f"{mode:8} {overflow:13} given {given:>10,}  done {seen['events']:>10,}  shed {sum(shed.values()):>10,}  "
                         f"memory {megabytes(run.highest_memory):>7}  disk {megabytes(run.highest_disk):>7}  {run.seconds:5.0f} s")

    # ----------------------------------------------------------------------------------------------- slow_sink

    def slow_sink(self):
        """A sink that stands still until all of the input is behind it, spilled."""
        events = 200_000 if self.short else 10_000_000
        for mode in ("memory", "durable"):
            marker = self.folder / "all-given"
            marker.unlink(missing_ok=True)
            run = Run(self, f"slow-sink-{mode}", {"stages": {
                # Keeps the node running for a while after all is drained, so that what is given back by then can be seen.
                "tick": source(seconds=2 if self.short else 30, rate=10), "ticked": {"sink": "null", "from": ["tick"]},
                "source": source(events=events, say_when_done=str(marker)),
                "stage": {"actor": "Pass", "from": ["source"], "key": "key", "shards": 2},
                "check": {**check(still_until=str(marker)), "mailbox": {"capacity": 8192, "overflow": "spill"}}}}, mode)
            run.wait(EXIT_DONE, 1800)
            run.check_books()
            run.check_memory()
            seen = run.check_order()
            expect(seen["events"], events, f"{run.name}: events at the sink")
            expect(seen["missing"], 0, f"{run.name}: events missing within their key")
            expect(seen["miscounted"], 0, f"{run.name}: events whose count in the actor's state is wrong")
            left = disk_of(run.data / "journal") if mode == "durable" else run.last_spill
            self.say(f"{mode:8} {events:,} events behind the sink, drained in {seen['drained_in']:.1f} s, in order; memory "
                     f"{megabytes(run.highest_memory)} (cap {megabytes(MEMORY_CAP[mode])}); disk {megabytes(run.highest_disk)} at its "
                     f"highest, {megabytes(left)} {'in the journal at the end' if mode == 'durable' else 'in spill files once drained'}")
            if not self.short:
                expect_that(run.highest_disk > 20 * events, f"{run.name}: {megabytes(run.highest_disk)} of disk for {events} events: nothing was spilled")
                expect_that(left < run.highest_disk / 4, f"{run.name}: {megabytes(left)} of disk of {megabytes(run.highest_disk)} are still held at the end")

    # ---------------------------------------------------------------------------- one key misbehaves, in pairs

    KEYS, SHARDS, BAD_KEY, BAD_NUMBER, RATE = 100, 8, 7, 50, 20_000

    def misbehaving(self, actor, options, seconds=None, *, mailbox=None, supervision=None, root=None, deadline=None, on_failure=None):
        stage = {"actor": actor, "from": ["source"], "key": "key", "shards": self.SHARDS, "options": options}
        for name, value in (("mailbox", mailbox), ("supervision", supervision), ("deadline", deadline), ("on_failure", on_failure)):
            if value is not None:
                stage[name] = value
        definition = {"stages": {
            "source": source(seconds=seconds or self.pair_seconds, rate=self.RATE, keys=self.KEYS),
            "stage": stage,
            "check": check(keys=self.KEYS, shards=self.SHARDS, bad_key=self.BAD_KEY)}}
        if root is not None:
            definition["supervision"] = root
        return definition

    @property
    def pair_seconds(self):
        return 1.5 if self.short else 10

    def neighbours_rate(self, run):
        """Completed events a second of the keys in other shards, while the source was giving."""
        slots = run.seen()["others_per_100ms"][: int(self.pair_seconds * 10)]
        return sum(slots) / self.pair_seconds

    def in_pairs(self, name, actor, good, bad, verify, *, is_control=False, **stage):
        """`verify(definition)` runs the misbehaving topology and returns its Run. Full runs compare with the same topology,
        its actor behaving, several times by turns: what else the machine does falls on both."""
        ratios, slowest, last = [], [], None
        for _ in range(1 if self.short else self.pairs):
            if not self.short:
                quiet = Run(self, f"{name}-behaving", self.misbehaving(actor, good, **stage), "memory").wait(EXIT_DONE)
            last = verify(self.misbehaving(actor, bad, **stage))
            if not self.short:
                ratios.append(self.neighbours_rate(last) / self.neighbours_rate(quiet))
                slowest.append(last.seen()["latency"]["others"]["p99_us"] / max(1, quiet.seen()["latency"]["others"]["p99_us"]))
        text = f"{name}: as the topology says"
        if ratios:
            middle = statistics.median(ratios)
            text += (f"; the neighbours' rate is {100 * middle:.1f} % of that beside a key that behaves "
                     f"({', '.join(f'{100 * ratio:.1f}' for ratio in ratios)}); their p99 latency {statistics.median(slowest):.1f} times")
            if is_control:
                expect_that(middle < 0.95, f"{text}: expected below 95 %, or this comparison sees nothing")
            else:
                expect_that(middle > 0.95, f"{text}: expected above 95 %")
        self.say(text)
        return last

    def bad_given(self, run):
        return given_of(self.BAD_KEY, self.KEYS, run.given())

    def check_neighbours_complete(self, run, same_shard=True):
        """Every event of every other key came through (of other shards, if the shard itself had to wait)."""
        seen = run.check_order()
        for key in range(self.KEYS):
            if key != self.BAD_KEY and (same_shard or seen["group"][key] == 2):
                expect(seen["count"][key], given_of(key, self.KEYS, run.given()), f"{run.name}: events of key {key} at the sink")
        return seen

    def until_stopped(self, name, definition, wait, **more):
        """A run that a waiting key would keep for ever: stopped by SIGTERM once its source has ended."""
        drain = 2 if self.short else 5  # for the neighbours to be done, on a busy machine too; the waiting key makes use of all of it
        run = Run(self, name, definition, "memory", drain=drain, **more)
        time.sleep(wait)
        run.stop()
        return run.wait(EXIT_CHECKPOINTED, drain + STOP_DEADLINE + 5)

    def poison(self):
        """One event that always throws."""
        good = {"key": 10**6}
        bad = {"key": self.BAD_KEY, "number": self.BAD_NUMBER}
        retries = {"retries": 2, "backoff": "20ms..100ms"}
        before = self.BAD_NUMBER - 1

        def skip(definition):
            run = Run(self, "poison-skip", definition, "memory").wait(EXIT_DONE)
            run.check_books()
            seen = self.check_neighbours_complete(run)
            expect(run.total("stage", "dead_letters"), 1, "poison-skip: dead letters")
            expect(run.total("stage", "order_breaks"), 1, "poison-skip: order breaks")
            expect(run.total("stage", "retries"), 2, "poison-skip: retries")
            expect(seen["missing"], 1, "poison-skip: events missing at the sink")
            expect(seen["count"][self.BAD_KEY], self.bad_given(run) - 1, "poison-skip: events of the bad key at the sink")
            return run
        self.in_pairs("poison-skip", "Poison", good, bad, skip, on_failure={**retries, "then": "skip"})

        def park(definition):
            run = Run(self, "poison-park_key", definition, "memory").wait(EXIT_DONE)
            run.check_books()
            seen = self.check_neighbours_complete(run)
            expect(seen["count"][self.BAD_KEY], before, "poison-park_key: events of the bad key at the sink")
            expect(run.edges("parked"), self.bad_given(run) - before, "poison-park_key: parked, the poison and all behind it")
            return run
        self.in_pairs("poison-park_key", "Poison", good, bad, park, on_failure={**retries, "then": "park_key"})

        def block(definition):
            run = self.until_stopped("poison-block_key", definition, self.pair_seconds + 1)
            run.check_books(left_inside=None)
            seen = self.check_neighbours_complete(run)
            expect(seen["count"][self.BAD_KEY], before, "poison-block_key: events of the bad key at the sink")
            expect(run.edges("in_flight"), self.bad_given(run) - before, "poison-block_key: waiting, the poison and all behind it")
            return run
        self.in_pairs("poison-block_key", "Poison", good, bad, block, on_failure={**retries, "then": "block_key"})

        def block_shard(definition):
            run = self.until_stopped("poison-block_shard", definition, self.pair_seconds + 1)
            run.check_books(left_inside=None)
            seen = self.check_neighbours_complete(run, same_shard=False)
            expect(seen["count"][self.BAD_KEY], before, "poison-block_shard: events of the bad key at the sink")
            return run
        self.in_pairs("poison-block_shard", "Poison", good, bad, block_shard, on_failure={**retries, "then": "block_shard"},
                      mailbox={"capacity": 8192, "overflow": "spill"})

        escalate = {"retries": 0, "backoff": "20ms..100ms", "then": "escalate"}
        quick = {"backoff": "50ms..100ms"}

        def heals(definition):
            run = Run(self, "poison-escalate", definition, "memory").wait(EXIT_DONE)
            run.check_books()
            seen = self.check_neighbours_complete(run)
            expect(seen["missing"], 0, "poison-escalate: events missing at the sink")
            expect(seen["count"][self.BAD_KEY], self.bad_given(run), "poison-escalate: events of the bad key at the sink")
            expect(sorted(shard["restarts"] for shard in run.shards("stage")), [0] * (self.SHARDS - 1) + [3],
                   "poison-escalate: restarts, shard by shard")
            return run
        self.in_pairs("poison-escalate", "Poison", good, {**bad, "heals_after": 3}, heals, on_failure=escalate,
                      supervision={"intensity": {"restarts": 5, "within": "60s"}, **quick})

        # It never heals. The stage's supervisor restarts the shard twice, then asks the topology's, which restarts the
        # whole stage twice, each time with a new count below it, and then stops the node: 3 x 2 + 2 for the shard.
        run = Run(self, "poison-escalate-for-ever", self.misbehaving(
            "Poison", bad, 60, on_failure=escalate, supervision={"intensity": {"restarts": 2, "within": "60s"}, **quick},
            root={"intensity": {"restarts": 2, "within": "60s"}, **quick}), "memory").wait(EXIT_FAILED, 40)
        run.check_books(left_inside=None)
        run.check_order()
        expect(sorted(shard["restarts"] for shard in run.shards("stage")), [2] * (self.SHARDS - 1) + [8],
               "poison-escalate-for-ever: restarts, shard by shard")
        for part in ("failed again after 2 restarts within 60000 ms", f"poison: key {self.BAD_KEY} number {self.BAD_NUMBER}"):
            expect_that(part in run.summary["result"]["reason"], f"poison-escalate-for-ever: the reason '{run.summary['result']['reason']}' "
                        f"does not say '{part}'")
        self.say("poison-escalate-for-ever: 8 restarts of the shard, 2 of its neighbours, then the node stopped and said why")

        run = Run(self, "poison-stop", self.misbehaving("Poison", bad, 60, on_failure={**retries, "then": "stop"}), "memory").wait(EXIT_FAILED, 40)
        run.check_books(left_inside=None)
        run.check_order()
        expect_that(f"poison: key {self.BAD_KEY} number {self.BAD_NUMBER}" in run.summary["result"]["reason"],
                    f"poison-stop: the reason does not name the event: {run.summary['result']['reason']}")
        self.say("poison-stop: the node stopped and named the event")

    def throwing(self):
        """Handlers that throw at random, drawn from a seed, so that the dead letters are known beforehand."""
        seed, chance, retries = 11, 0.3, 3

        def mix(n):
            n = (n + 0x9E3779B97F4A7C15) % 2**64
            n = (n ^ (n >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
            n = (n ^ (n >> 27)) * 0x94D049BB133111EB % 2**64
            return n ^ (n >> 31)

        def throws(key, number, attempt):  # as Throwing::on()
            return (mix(seed ^ mix(key ^ mix(number ^ mix(attempt)))) >> 11) * 2.0**-53 < chance

        def verify(definition):
            run = Run(self, "throwing", definition, "memory").wait(EXIT_DONE)
            run.check_books()
            seen = self.check_neighbours_complete(run)
            given = self.bad_given(run)
            doomed = sum(all(throws(self.BAD_KEY, number, attempt) for attempt in range(1, retries + 2)) for number in range(1, given + 1))
            expect(run.total("stage", "dead_letters"), doomed, "throwing: dead letters")
            expect(seen["count"][self.BAD_KEY], given - doomed, "throwing: events of the bad key at the sink")
            expect_that(run.total("stage", "retries") > 0, "throwing: nothing was tried again")
            return run
        self.in_pairs("throwing", "Throwing", {"key": 10**6}, {"key": self.BAD_KEY, "chance": chance, "seed": seed}, verify,
                      on_failure={"retries": retries, "backoff": "1ms..4ms", "then": "skip"})

    # ------------------------------------------------------------------------------------------------- hanging

    def check_reported(self, run, key, deadline, hang_ms):
        began = run.said_at(rf"key {key} hangs for {hang_ms} ms", 10)
        expect_that(began is not None, f"{run.name}: the actor did not say that it hangs")
        reported = run.said_at(r"has been handling Item for", deadline + 5)
        expect_that(reported is not None, f"{run.name}: the stuck actor was not reported")
        late = reported - began - deadline
        # It is looked for every 200 ms and must be seen twice; the rest is for a busy machine.
        expect_that(-0.3 <= late <= (3.0 if self.short else 1.0), f"{run.name}: reported {reported - began:.2f} s after it began, the deadline is {deadline} s")
        return reported - began

    def hanging(self):
        """A handler that does not return for a while."""
        deadline = 0.5 if self.short else 1
        hang_ms = 1500 if self.short else 3000
        options = {"keys": [self.BAD_KEY], "number": self.BAD_NUMBER, "ms": hang_ms}
        after = []

        def verify(definition):
            run = Run(self, "hanging", definition, "memory")
            after.append(self.check_reported(run, self.BAD_KEY, deadline, hang_ms))
            run.wait(EXIT_DONE)
            run.check_books()
            seen = self.check_neighbours_complete(run)
            expect(seen["missing"], 0, "hanging: events missing at the sink")
            expect(len(re.findall("has been handling", run.errors)), 1, "hanging: reports of the one incident")
            return run
        # 8192 events are what comes to a shard in more than three seconds here: nobody is made to wait for the one that hangs.
        self.in_pairs("hanging", "Hang", {**options, "keys": [10**6]}, options, verify, deadline=f"{int(deadline * 1000)}ms")
        self.say(f"hanging: reported {max(after):.2f} s after it began at the latest, the deadline is {deadline} s")

        # As many as there are threads: nothing else of the stages can run. The node must still see it, say it, and end.
        name, hang_ms, keys = "hanging-all-threads", 4000 if self.short else 60_000, self.keys_of_two_shards()
        run = Run(self, name, self.misbehaving("Hang", {**options, "keys": keys, "ms": hang_ms}, 30,
                                               deadline=f"{int(deadline * 1000)}ms"), "memory", drain=1)
        reported = self.check_reported(run, keys[0], deadline, hang_ms)
        run.stop()
        begun = time.monotonic()
        run.wait((EXIT_CHECKPOINTED, EXIT_DRAINED), 1 + STOP_DEADLINE + 5)
        self.say(f"{name}: reported {reported:.2f} s after it began; SIGTERM ended the node after {time.monotonic() - begun:.1f} s with exit "
                 f"code {run.code} (1 s of draining and {STOP_DEADLINE} s for handlers to return)")
        run.check_books(left_inside=None)

    def keys_of_two_shards(self):
        """The bad key and one of another shard, as the sink's file of any run with this shape says."""
        seen = json.loads((self.folder / "data" / "output" / "check.json").read_text())
        return [self.BAD_KEY, next(key for key in range(self.KEYS) if seen["group"][key] == 2)]

    # ---------------------------------------------------------------------------------------------------- slow

    def slow(self):
        """A key that takes long, within and beyond what its shard can do."""
        good = {"key": 10**6, "sleep_us": 2000}

        def complete(name):
            def verify(definition):
                run = Run(self, name, definition, "memory").wait(EXIT_DONE)
                run.check_books()
                seen = self.check_neighbours_complete(run)
                expect(seen["missing"], 0, f"{name}: events missing at the sink")
                return run
            return verify

        def shedding(definition):
            run = Run(self, "slow-beyond-drop_newest", definition, "memory").wait(EXIT_DONE)
            run.check_books()
            seen = run.check_order()  # a mailbox this small sheds for a neighbour too if the machine stands still for half a second
            expect(seen["events"] + run.edges("dropped_newest"), run.given(), "slow-beyond-drop_newest: done and shed, of those given")
            return run
        small = {"capacity": 1024}
        beyond = {"key": self.BAD_KEY, "sleep_us": 10_000}  # 200 events/s of 10 ms: twice what a shard can do
        self.in_pairs("slow-within", "Slow", good, {"key": self.BAD_KEY, "sleep_us": 2000}, complete("slow-within"))
        self.in_pairs("slow-beyond-spill", "Slow", good, beyond, complete("slow-beyond-spill"), mailbox={**small, "overflow": "spill"})
        self.in_pairs("slow-beyond-drop_newest", "Slow", good, beyond, shedding, mailbox={**small, "overflow": "drop_newest"})
        # Backpressure stops the source, and the source is everybody's: the topology asked for it, and it must show here.
        self.in_pairs("slow-beyond-backpressure", "Slow", good, beyond, complete("slow-beyond-backpressure"), mailbox=small, is_control=True)

    # ---------------------------------------------------------------------------------------------------- burn

    def burn(self):
        """Stages that burn all the CPU there is, beside a pipeline that needs little of it."""
        seconds = 1.5 if self.short else 10

        def pipelines(burn_us):
            stages = {"calm": source(seconds=seconds, rate=2000), "calm_stage": {"actor": "Pass", "from": ["calm"], "key": "key", "shards": 2},
                      "check": check("calm_stage")}
            if burn_us:
                stages |= {"hot": source(seconds=seconds, rate=0),
                           "hot_stage": {"actor": "Pass", "from": ["hot"], "key": "key", "shards": 4, "options": {"burn_us": burn_us},
                                         # Small, so that the end is not a minute of burning what is left.
                                         "mailbox": {"capacity": 1024}},
                           "hot_check": {**check("hot_stage"), "path": "hot_check.json"}}
            return {"stages": stages}

        def measure(burn_us):
            run = Run(self, f"burn-{burn_us}us", pipelines(burn_us), "memory").wait(EXIT_DONE)
            run.check_books()
            for stage, sink in (("calm", "check"), ("hot", "hot_check"))[: 2 if burn_us else 1]:
                seen = run.check_order(sink)
                expect(seen["events"], run.given(stage), f"{run.name}: events of the pipeline '{stage}' at its sink")
                expect(seen["miscounted"], 0, f"{run.name}: events of '{stage}' whose count in the actor's state is wrong")
            slots = run.seen()["others_per_100ms"][: int(seconds * 10)]
            return sum(slots) / seconds, run.seen()["latency"]["others"]
        for burn_us in (200,) if self.short else (50, 200, 1000):
            ratios, latencies, alone = [], [], []
            for _ in range(1 if self.short else self.pairs):
                quiet_rate, quiet = measure(0)
                rate, latency = measure(burn_us)
                ratios.append(rate / quiet_rate)
                latencies.append(latency)
                alone.append(quiet)
            if self.short:
                self.say(f"{burn_us} us an event: both pipelines complete and in order")
                continue
            middle = statistics.median(ratios)
            in_ms = lambda records, field: statistics.median(record[field] for record in records) / 1000
            text = (f"{burn_us} us an event: the calm pipeline has {100 * middle:.1f} % of the rate it has alone ({', '.join(f'{100 * ratio:.1f}' for ratio in ratios)}); "
                    f"latency p50 {in_ms(latencies, 'p50_us'):.0f} ms (alone {in_ms(alone, 'p50_us'):.0f}), p99 {in_ms(latencies, 'p99_us'):.0f} ms "
                    f"(alone {in_ms(alone, 'p99_us'):.0f}), longest {in_ms(latencies, 'longest_us'):.0f} ms")
            self.say(text)
            expect_that(middle > 0.95, f"{text}: expected above 95 %")

    # ------------------------------------------------------------------------------------------------- sigterm

    def sigterm(self):
        """SIGTERM at random moments under load."""
        times = 6 if self.short else 50
        events, keys = 200_000 if self.short else 500_000, 100
        longest, codes = 0.0, collections.Counter()

        def pipeline():
            return {"stages": {
                "source": source(events=events, keys=keys),
                "stage": {"actor": "Pass", "from": ["source"], "key": "key", "shards": 4, "options": {"burn_us": 4}},
                "more": {"actor": "Pass", "from": ["stage"], "key": "key", "shards": 3, "mailbox": {"overflow": "spill"}, "options": {"burn_us": 2}},
                "check": check("more", keys=keys),
                "out": {"sink": "jsonl", "from": ["more"], "path": "out.jsonl"}}}

        def stop_one(mode, length, fresh):
            nonlocal longest
            # Hardly any time for draining now and then: what is left must then be in the journal, or be counted as lost.
            drain = self.chance.choice((0.01, 0.1, DRAIN_TIMEOUT))
            run = Run(self, f"sigterm-{mode}", pipeline(), mode, drain=drain, fresh=fresh)
            # Before it has begun to listen, SIGTERM ends it as it ends any program; that is not what is tried here.
            time.sleep(self.chance.uniform(0.1, max(0.2, 0.9 * length)))
            begun = time.monotonic()
            run.stop()
            deadline = drain + STOP_DEADLINE + 5
            run.wait((EXIT_DONE, EXIT_DRAINED, EXIT_CHECKPOINTED), deadline)
            longest = max(longest, time.monotonic() - begun)
            run.check_books(left_inside=run.summary["result"]["left_inside"])
            if run.code != EXIT_CHECKPOINTED:
                expect(run.summary["result"]["left_inside"], 0, f"{run.name}: events left inside after a drain")
            codes[mode, run.code] += 1
            return run

        def check_output(run, complete):
            seen = run.check_order()
            expect(seen["missing"], 0, f"{run.name}: events missing within their key")
            expect(seen["miscounted"], 0, f"{run.name}: events whose count in the actor's state is wrong")
            last = [0] * keys
            with open(run.data / "output" / "out.jsonl") as lines:
                for line in lines:
                    item = json.loads(line)
                    expect((item["number"], item["counted"]), (last[item["key"]] + 1,) * 2,
                           f"{run.name}: number and count of the next event of key {item['key']} in out.jsonl")
                    last[item["key"]] += 1
            if complete:
                expect(last, [given_of(key, keys, events) for key in range(keys)], f"{run.name}: events by key in out.jsonl, undisturbed")
                expect(seen["count"], last, f"{run.name}: events by key at the checking sink")
            return sum(last)

        length = {}
        for mode in ("memory", "durable"):
            reference = Run(self, f"sigterm-undisturbed-{mode}", pipeline(), mode).wait(EXIT_DONE)
            check_output(reference, complete=True)
            length[mode] = reference.seconds
        for _ in range(times // 2):
            run = stop_one("memory", length["memory"], fresh=True)
            written = check_output(run, complete=run.code == EXIT_DONE)
            inside = {(edge["from"], edge["to"]): edge["in_flight"] for edge in run.summary["edges"]}
            for sink, found in (("out", written), ("check", run.seen()["events"])):
                path = (("source", "stage"), ("stage", "more"), ("more", sink))
                expect(found + sum(inside[step] for step in path), run.given(), f"{run.name}: events at '{sink}' and on their way to it, of those given")

        done = times // 2
        while done < times:
            fresh = True
            while True:
                if done < times:
                    done += 1
                    run = stop_one("durable", length["durable"] * self.chance.choice((0.3, 1.0)), fresh)
                else:
                    run = Run(self, "sigterm-durable", pipeline(), "durable", fresh=fresh).wait(EXIT_DONE)
                    run.check_books()
                fresh = False
                if run.code == EXIT_DONE:
                    break
                check_output(run, complete=False)
            check_output(run, complete=True)
        told = ", ".join(f"{mode} {code}: {count}" for (mode, code), count in sorted(codes.items()))
        self.say(f"{times} times SIGTERM: each ended within its deadline (--drain-timeout + {STOP_DEADLINE} s for handlers), the slowest after "
                 f"{longest:.1f} s; exit codes by mode: {told}; nothing lost but what was said to be, nothing twice")


CASES = ["overload", "slow_sink", "poison", "throwing", "hanging", "slow", "burn", "sigterm"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="+", metavar="CASE", choices=CASES + ["all"], help=", ".join(CASES) + " or all")
    parser.add_argument("--mailroom", required=True)
    parser.add_argument("--short", action="store_true", help="for CI: seconds, no comparison of rates")
    parser.add_argument("--pairs", type=int, default=3, help="how often runs with and without the fault are compared")
    parser.add_argument("--seed", type=int, default=random.randrange(10**9))
    parser.add_argument("--folder", help="where to work [a new one in the temporary folder]")
    arguments = parser.parse_args()
    names = CASES if "all" in arguments.cases else arguments.cases
    print(f"seed {arguments.seed}", flush=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix="mailroom-load-", dir=arguments.folder))
    failed = []
    for name in names:
        folder = work / name
        folder.mkdir()
        bench = Bench(arguments, folder)
        print(f"{name}: {getattr(bench, name).__doc__}", flush=True)
        begun = time.monotonic()
        try:
            getattr(bench, name)()
        except Broken as broken:
            failed.append(name)
            print(f"{name}: BROKEN: {broken}\n  topology and data of the run: {folder}", flush=True)
        else:
            shutil.rmtree(folder)
            print(f"{name}: holds ({time.monotonic() - begun:.0f} s)", flush=True)
        finally:
            for process in bench.processes:
                if process.poll() is None:
                    process.kill()
                    process.wait()
    if failed:
        sys.exit(f"{len(failed)} of {len(names)} cases do not hold: {', '.join(failed)}; seed {arguments.seed}; kept: {work}")
    shutil.rmtree(work)
    print(f"{len(names)} of {len(names)} cases hold")


if __name__ == "__main__":
    main()
