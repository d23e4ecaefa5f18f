#!/usr/bin/env python3
"""Makes the disk fail under Mailroom, at each of its writes and syncs in turn, and proves that nothing acknowledged is lost.

  tests/faults/disk/disk_faults.py --mailroom build/release/bin/mailroom --preload build/release/lib/libdisk-faults.so [--points 2000]

300 records go through a keyed ledger into two files, durably. The library (fault_plan.hpp tells its faults) numbers each
call that changes or syncs a file. One undisturbed run is the reference. Each case then is: a run with one fault at one
point, a look at what is left, an undisturbed run, and the result must be the reference's. Half of the cases begin with an
empty folder, the others go on from a run that was killed, whose bytes the disk does not have yet.

--planted turns it round: syncs are left out on purpose, and it passes only if that is noticed.
"""
import argparse
import collections
import concurrent.futures
import csv
import json
import os
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading

RECORDS, ACCOUNTS, DEADLINE = 300, 13, 60
OUTPUTS = ["balances.jsonl", "balances.csv"]

# kind -> the library's environment, and the points at which it makes sense
WRITES, SYNCS = ("write", "pwrite", "writev", "pwritev"), ("fsync", "fdatasync", "sync_file_range")
KINDS = {
    "kill-before": (dict(KIND="kill-before"), lambda call: True),
    "kill-after": (dict(KIND="kill-after"), lambda call: True),
    "torn": (dict(KIND="torn"), lambda call: call in WRITES),
    "cut": (dict(KIND="cut", KEEP="none"), lambda call: True),
    "cut-some": (dict(KIND="cut", KEEP="some"), lambda call: True),
    "cut-at-end": (dict(AT_END="cut"), None),  # of a run without a fault: what it called finished is
    "sync-fails-kept": (dict(KIND="sync-fails-kept"), lambda call: call in SYNCS),
    "sync-fails-lost": (dict(KIND="sync-fails-lost", AT_END="cut"), lambda call: call in SYNCS),
    "write-fails": (dict(KIND="write-fails"), lambda call: call not in SYNCS),
    "full": (dict(KIND="full"), lambda call: call not in SYNCS),
    "full-short": (dict(KIND="full-short"), lambda call: call in WRITES),
    "short": (dict(KIND="short"), lambda call: call in WRITES),
    "flip": (None, None),
}
MUST_DIE = ("kill-before", "kill-after", "torn", "cut", "cut-some")

# Mailroom goes on without these, and may: hints, tidying up, who the owner is, RocksDB's copy of its options.
HARMLESS_FILES = re.compile(r"/(OWNER|OPTIONS-\d+(\.dbtmp)?)$")
HARMLESS_CALLS = ("sync_file_range", "fallocate", "unlink", "ftruncate")
# What the person in front of it can do.
ADVICE = re.compile(r"start again|restore|free space|put it back|look at|give another|let this user", re.IGNORECASE)
NEVER_READ_AGAIN = re.compile(r"^(LOCK|OWNER)$")  # bits flipped here mean nothing


class Failure(Exception):
    pass


class Refused(Failure):
    """A tool read damaged bytes and said so."""


def shorten(text, size=1200):
    return text if len(text) <= size else text[: size // 2] + "\n  [...]\n" + text[-size // 2:]


def acknowledged_in(path):
    """The commit number in ACKNOWLEDGED (runtime/journal/acknowledged_mark.cpp); 0 where nothing was acknowledged yet."""
    bytes_ = path.read_bytes() if path.exists() else b""
    return struct.unpack("<Q", bytes_[8:16])[0] if len(bytes_) == 32 else 0


class Lab:
    def __init__(self, arguments, work):
        self.arguments, self.work = arguments, work
        self.topology = work / "disk.json"
        self.write_scenario()

    def write_scenario(self):
        chance = random.Random(1)
        lines = []
        for number in range(RECORDS):
            account = f"account {chance.randrange(ACCOUNTS)}"
            cents = -chance.randrange(2000) if chance.random() < 0.2 else chance.randrange(1000)
            lines.append(json.dumps({"account": account, "cents": cents if number % 60 != 37 else "a lot"}))
        (self.work / "deposits.jsonl").write_text("\n".join(lines) + "\n")
        # Small mailboxes make many commits and syncs; few resident keys make the journal be read while it runs.
        self.topology.write_text(json.dumps({
            "mailroom": 1, "name": "disk", "library": "bank", "durability": "durable",
            "defaults": {"mailbox": {"capacity": 16}, "resident_keys": 3},
            "stages": {
                "deposits": {"source": "jsonl", "path": "deposits.jsonl", "event": "Deposit"},
                "ledger": {"actor": "Ledger", "from": ["deposits"], "key": "account", "shards": 2},
                "lines": {"sink": "jsonl", "from": ["ledger"], "path": OUTPUTS[0]},
                "table": {"sink": "csv", "from": ["ledger"], "path": OUTPUTS[1]}}}, indent=1))

    def call(self, *words, **faults):
        """(exit code, stdout, stderr) of one mailroom; with the library in front of it if there are faults."""
        environment = dict(os.environ)
        if faults:
            environment["LD_PRELOAD"] = str(self.arguments.preload)
            environment |= {f"DISK_FAULTS_{name}": str(value) for name, value in faults.items()}
        process = subprocess.Popen([self.arguments.mailroom, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=environment)
        try:
            out, errors = process.communicate(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            out, errors = process.communicate()
            raise Failure(f"`mailroom {words[0]}` hangs: no end after {DEADLINE} s\n{shorten(errors.decode(errors='replace'))}")
        return process.returncode, out.decode(errors="replace"), errors.decode(errors="replace")

    def run(self, disk, **faults):
        if faults:
            faults |= dict(FOLDER=disk, REPORT=disk.parent / "report", SHOW="data/journal/ACKNOWLEDGED:data/output/*")
        return self.call("run", self.topology, "--data", disk / "data", "--progress", "off", "--summary", "none", **faults)

    def inspect(self, data):
        """(last commit, bytes committed of each output), or the text that says why not."""
        code, out, errors = self.call("journal", "inspect", data)
        if code != 0:
            return None, errors
        commit = int(re.search(r"last commit ([\d,]+)", out)[1].replace(",", ""))
        committed = dict(re.findall(r'^(\w+)/0 .*\{"bytes":(\d+)', out, re.MULTILINE))
        return commit, {name: int(committed.get(stage, 0)) for stage, name in zip(("lines", "table"), OUTPUTS)}

    def result(self, data):
        """What a run comes to: each account's lines in order, and the dead letters."""
        books = {}
        for name in OUTPUTS:
            by_account = collections.defaultdict(list)
            text = (data / "output" / name).read_text()
            for row in map(json.loads, text.splitlines()) if name.endswith("jsonl") else csv.DictReader(text.splitlines()):
                by_account[row["account"]].append(str(row["cents"]))
            books[name] = dict(by_account)
        code, out, errors = self.call("dead-letters", "list", data, "--json")
        if code != 0:
            raise (Refused if code == 1 else Failure)(f"`dead-letters list` ended with {code}: {errors}")
        letters = [json.loads(line) for line in out.splitlines()]
        for letter in letters:
            letter.pop("when")
        books["dead letters"] = sorted(json.dumps(letter, sort_keys=True) for letter in letters)
        return books

    def check_result(self, data):
        found = self.result(data)
        for name, expected in self.reference.items():
            if found[name] == expected:
                continue
            if name == "dead letters":
                raise Failure(f"dead letters: {len(found[name])} found, {len(expected)} expected; "
                              f"missing {sorted(set(expected) - set(found[name]))[:2]}, not expected {sorted(set(found[name]) - set(expected))[:2]}")
            for account in sorted(set(expected) | set(found[name])):
                want, got = expected.get(account, []), found[name].get(account, [])
                if want != got:
                    what = "lost or twice" if sorted(want) != sorted(got) else "out of order"
                    raise Failure(f"{name}: {account}: {what}: found {len(got)} lines {got[:30]}, expected {len(want)} lines {want[:30]}")

    def check_verify(self, data):
        code, out, errors = self.call("journal", "verify", data)
        if code != 0 or "sound" not in out:
            raise Failure(f"`journal verify` after the end: {code}\n{out}{errors}")

    def prepare(self):
        """The reference, the killed runs to go on from, and the points of each."""
        whole = self.new_folder("reference")
        code, _, errors = self.run(whole, SEED=1)
        if code != 0:
            sys.exit(f"the undisturbed run ended with {code}:\n{errors}")
        self.reference = self.result(whole / "data")
        lines = sum(map(len, self.reference[OUTPUTS[0]].values()))
        letters = len(self.reference["dead letters"])
        if lines + letters != RECORDS or letters < 10:
            sys.exit(f"the scenario is wrong: {lines} lines and {letters} dead letters of {RECORDS} records")
        self.points = {"empty": self.points_of(whole)}
        for share in (40, 70, 90):
            name = f"killed{share}"
            disk = self.new_folder(name)
            at = len(self.points["empty"]) * share // 100
            self.run(disk, KIND="kill-after", AT=at, LEFT=disk.parent / "left")
            trial = self.copy(name, name + "-count")
            code, _, errors = self.run(trial, LEFT=trial.parent / "left", SEED=1)
            if code != 0:
                sys.exit(f"going on after kill -9 at point {at} ended with {code}:\n{errors}")
            self.check_result(trial / "data")
            self.check_verify(trial / "data")
            self.points[name] = self.points_of(trial)
        # For the flips: also journals with tables in them, at rest.
        self.flip_bases = [name for name in self.points if name != "empty"] + [name + "-count" for name in self.points if name != "empty"]

    def new_folder(self, name):
        folder = self.work / name
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "disk").mkdir(parents=True)
        return folder / "disk"

    def copy(self, name, to):
        shutil.rmtree(self.work / to, ignore_errors=True)
        shutil.copytree(self.work / name, self.work / to)
        (self.work / to / "report").unlink()
        return self.work / to / "disk"

    @staticmethod
    def points_of(disk):
        return [line.split(" ", 3)[1] for line in read_lines(disk.parent / "report") if line[0].isdigit()]

    # One case.

    def try_case(self, case, plant=None):
        """How the run with the fault ended, in a word. Raises Failure."""
        folder = f"case-{threading.get_ident()}"
        disk = self.new_folder(folder) if case.base == "empty" else self.copy(case.base, folder)
        try:
            return self.flip(disk, case.seed) if case.kind == "flip" else self.fault(disk, case, plant)
        except Failure as failure:
            kept = self.work / f"failed-{case}".replace(":", "-")
            shutil.rmtree(kept, ignore_errors=True)
            shutil.move(self.work / folder, kept)
            failure.kept = kept
            raise

    def fault(self, disk, case, plant):
        environment = dict(KINDS[case.kind][0], SEED=case.seed, LEFT=disk.parent / "left")
        if case.at:
            environment["AT"] = case.at
        if case.kind not in MUST_DIE and case.seed % 2:
            # What the process did after the fault, or before its end, must survive a power cut, too.
            environment |= dict(AT_END="cut", KEEP="some" if case.seed % 4 == 1 else "none")
        if plant:
            environment["PLANT"] = plant
        code, _, errors = self.run(disk, **environment)
        fault = self.fault_of(read_lines(disk.parent / "report"))
        word = self.check_end(disk, case.kind, code, errors, fault)
        committed = self.check_left(disk)
        code, _, errors = self.run(disk)
        if code != 0:
            raise Failure(f"the undisturbed start after it ended with {code}:\n{shorten(errors)}")
        self.check_result(disk / "data")
        self.check_verify(disk / "data")
        for name, begin in committed.items():
            if not (disk / "data" / "output" / name).read_bytes().startswith(begin):
                raise Failure(f"output/{name}: the {len(begin)} bytes that were committed are not how it begins now")
        return word

    @staticmethod
    def fault_of(report):
        """The fault's call and path; `file` is the path, or for a folder the last name that was changed in it."""
        last_change = {}
        for line in report:
            number, call, _, path = line.split(" ", 3) if line[0].isdigit() else (None, None, None, None)
            if call in ("create", "rename", "unlink", "mkdir"):
                last_change[path.rpartition("/")[0]] = path
            if line.startswith("fault "):
                _, _, call, _, path = line.split(" ", 4)
                return Fault(call, path, last_change.get(path, path))
        return None

    def check_end(self, disk, kind, code, errors, fault):
        if code == 99:
            raise Failure(f"the preload library gave up: {errors}")
        if kind in MUST_DIE and fault:
            if code != -9:
                raise Failure(f"ended with {code} before it was killed:\n{shorten(errors)}")
            return "killed"
        if code == 0:
            if fault is None:
                return "no fault" if kind != "cut-at-end" else "ended"
            if kind == "short" or fault.call in HARMLESS_CALLS or HARMLESS_FILES.search(fault.file):
                return "went on"
            raise Failure(f"exit code 0 although {fault.call} of {fault.path} failed")
        if code != 1:
            raise Failure(f"ended with {code}, expected 1 and a message:\n{shorten(errors)}")
        if fault is None:
            raise Failure(f"ended with 1 without a fault:\n{shorten(errors)}")
        self.check_message(disk, errors)
        return "stopped"

    @staticmethod
    def check_message(disk, errors):
        if str(disk) not in errors:
            raise Failure(f"the message does not name the journal or file in {disk}:\n{shorten(errors)}")
        if not ADVICE.search(errors):
            raise Failure(f"the message does not say what to do:\n{shorten(errors)}")

    def check_left(self, disk):
        """What was acknowledged when the fault came must be there now. The bytes of each output that count as committed."""
        seen = disk.parent / "report.seen"

        def as_seen(name):
            shown = seen / ("data/" + name).replace("/", "_")
            return shown if shown.exists() else disk / "data" / name

        acknowledged = acknowledged_in(as_seen("journal/ACKNOWLEDGED"))
        if acknowledged == 0:
            return {}
        commit, committed = self.inspect(disk / "data")
        if commit is None:
            raise Failure(f"commit {acknowledged} was acknowledged, and now the journal can't be read:\n{committed}")
        if commit < acknowledged:
            raise Failure(f"commit {acknowledged} was acknowledged, and the journal ends at commit {commit}")
        begins = {}
        for name, length in committed.items():
            if length == 0:
                continue
            now, before = ((path.read_bytes() if path.exists() else b"") for path in (disk / "data" / "output" / name, as_seen("output/" + name)))
            if len(now) < length or now[:length] != before[:length]:
                raise Failure(f"output/{name}: {length} bytes are committed, {len(now)} are there, the first {common(now, before)} as they were")
            begins[name] = now[:length]
        return begins

    def flip(self, disk, seed):
        """One bit of one stored file. Refused, and right again once the bit is back; or right at once."""
        chance = random.Random(seed)
        journal = disk / "data" / "journal"
        files = sorted(path for path in journal.rglob("*") if path.is_file() and not NEVER_READ_AGAIN.match(path.name) and path.stat().st_size)
        path = chance.choice(files)
        whole = path.read_bytes()
        at = chance.randrange(len(whole))
        flipped = bytearray(whole)
        flipped[at] ^= 1 << chance.randrange(8)
        acknowledged = acknowledged_in(journal / "ACKNOWLEDGED")
        path.write_bytes(flipped)
        what = f"a bit of byte {at} of {path.relative_to(disk)} ({len(whole)} bytes) flipped"
        try:
            commit, _ = self.inspect(disk / "data")
            if commit is not None and path.name != "ACKNOWLEDGED" and commit < acknowledged:
                raise Failure(f"commit {acknowledged} was acknowledged, and the journal ends at commit {commit}, without a word")
            code, _, errors = self.run(disk)
            if code == 0:
                try:
                    self.check_result(disk / "data")  # the bit may still be there, where nobody has read it
                except Refused as refused:
                    self.check_message(disk, str(refused))
                    return "refused later"
                return "right"
            if code != 1:
                raise Failure(f"ended with {code}, expected 0, or 1 and a message:\n{shorten(errors)}")
            self.check_message(disk, errors)
            if path.exists():
                path.write_bytes(whole)
            code, _, errors = self.run(disk)
            if code != 0:
                raise Failure(f"refused; then with the bit put back it ended with {code}:\n{shorten(errors)}")
            self.check_result(disk / "data")
            self.check_verify(disk / "data")
            return "refused"
        except Failure as failure:
            raise Failure(f"{what}: {failure}") from None

    # All cases.

    def cases(self, kinds, count, seed):
        chance = random.Random(seed)
        cases = []
        for kind in kinds:
            bases = self.flip_bases if kind == "flip" else ["empty", "killed40", "empty", "killed70", "empty", "killed90"]
            share = count // len(kinds) + (kinds.index(kind) < count % len(kinds))
            for number in range(share):
                # Bases in turn, and evenly over the points of each.
                base, place = bases[number % len(bases)], (number // len(bases) + chance.random()) / -(-share // len(bases))
                fitting = [at for at, call in enumerate(self.points.get(base, []), 1) if KINDS[kind][1] and KINDS[kind][1](call)]
                cases.append(Case(kind, base, fitting[min(int(place * len(fitting)), len(fitting) - 1)] if fitting else 0, chance.randrange(10**6)))
        return cases


Fault = collections.namedtuple("Fault", "call path file")


class Case(collections.namedtuple("Case", "kind base at seed")):
    def __str__(self):
        return f"{self.kind}:{self.base}:{self.at}:{self.seed}"


def read_lines(path):
    return path.read_text().splitlines() if path.exists() else []


def common(one, other):
    return next((i for i, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))


def run_cases(lab, cases, jobs, plant=None, stop_at_failure=False):
    """(kind -> word -> count, [(case, failure)])"""
    words, failures, enough = collections.defaultdict(collections.Counter), [], threading.Event()

    def attempt(case):
        return "left out" if enough.is_set() else lab.try_case(case, plant)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        tries = {pool.submit(attempt, case): case for case in cases}
        for done in concurrent.futures.as_completed(tries):
            case = tries[done]
            try:
                words[case.kind][done.result()] += 1
            except Failure as failure:
                words[case.kind]["FAILED"] += 1
                failures.append((case, failure))
                if len(failures) > 2:  # one is shown; the folders of more help nobody
                    shutil.rmtree(failure.kept, ignore_errors=True)
                if stop_at_failure:
                    enough.set()
    return words, failures


def check_planted(lab, jobs, seed):
    """Leaves out syncs that matter: the checks must notice."""
    missed = []
    for plant in ("*/journal/store/*.log", "*/journal/store/MANIFEST-*", "*/journal/store", "*/output/balances.*"):
        cases = lab.cases(["cut", "cut-at-end"], 60, seed)
        _, failures = run_cases(lab, cases, jobs, plant, stop_at_failure=True)
        for case, failure in failures:
            shutil.rmtree(failure.kept, ignore_errors=True)
        if failures:
            print(f"no sync of {plant}: noticed: {str(failures[0][1]).splitlines()[0]} ({failures[0][0]})", flush=True)
        else:
            missed.append(plant)
            print(f"no sync of {plant}: NOT noticed in {len(cases)} power cuts", flush=True)
    return missed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mailroom", required=True)
    parser.add_argument("--preload", required=True, help="libdisk-faults.so")
    parser.add_argument("--points", type=int, default=200, help="cases in all [%(default)s]")
    parser.add_argument("--kinds", default=",".join(KINDS), help="some of %(default)s")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--planted", action="store_true", help="leave out syncs; pass only if that is noticed")
    parser.add_argument("--replay", metavar="CASE", help="one case again, as a failure names it; threads may run otherwise, so try --repeat")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--work", type=pathlib.Path, help="a folder to make the test's folder in [/dev/shm, which is fast]")
    arguments = parser.parse_args()
    arguments.mailroom, arguments.preload = (str(pathlib.Path(path).resolve()) for path in (arguments.mailroom, arguments.preload))
    kinds = arguments.kinds.split(",")
    for kind in kinds:
        if kind not in KINDS:
            parser.error(f"--kinds: found {kind}, expected some of {', '.join(KINDS)}")
    seed = arguments.seed if arguments.seed is not None else random.randrange(10**6)
    memory = pathlib.Path("/dev/shm")
    home = arguments.work or (memory if os.access(memory, os.W_OK) else None)
    work = pathlib.Path(tempfile.mkdtemp(prefix="mailroom-disk-", dir=home))

    lab = Lab(arguments, work)
    lab.prepare()
    counts = ", ".join(f"{len(points)} {'from an empty folder' if base == 'empty' else 'after ' + base}" for base, points in lab.points.items())
    print(f"seed {seed}; writes and syncs: {counts}", flush=True)

    if arguments.planted:
        missed = check_planted(lab, arguments.jobs, seed)
        shutil.rmtree(work)
        sys.exit(f"{len(missed)} missing syncs were not noticed: {', '.join(missed)}" if missed else None)

    if arguments.replay:
        kind, base, at, case_seed = arguments.replay.split(":")
        cases = [Case(kind, base, int(at), int(case_seed))] * arguments.repeat
    else:
        cases = lab.cases(kinds, arguments.points, seed)
    words, failures = run_cases(lab, cases, arguments.jobs)
    for kind in KINDS:
        if kind in words:
            print(f"  {kind:16} {words[kind].total():5}: " + ", ".join(f"{count} {word}" for word, count in words[kind].most_common()), flush=True)
    if failures:
        case, failure = failures[0]
        again = f"{sys.argv[0]} --mailroom {arguments.mailroom} --preload {arguments.preload} --replay {case}"
        others = "".join(f"\n  {case}: {str(failure).splitlines()[0][:200]}" for case, failure in failures[1:20])
        sys.exit(f"{len(failures)} of {len(cases)} cases failed. {case}:\n{failure}\nkept: {failure.kept}\nagain: {again}"
                 + (f"\nothers:{others}" if others else ""))
    shutil.rmtree(work)
    print(f"{len(cases)} cases: nothing acknowledged was lost, nothing twice, every message says what to do")


if __name__ == "__main__":
    main()
