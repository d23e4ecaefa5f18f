#!/usr/bin/env python3
"""Plants one bug at a time into the engine and counts the seeds until the simulation finds it.

    mutate.py --build build/release                     all of mutations/, as a table
    mutate.py --build build/release lost-retry ...      these
    mutate.py --check                                   whether each patch still applies; builds nothing

A mutation is a patch with a line of words above it, and perhaps a line "in: NAME" that says in which topology alone it
can be seen. Its files are patched in a folder of their own, in front of the
sources on the include path. The sources of the engine that see them are compiled as the build compiles them, and the
`mailroom` program is linked with these objects in front of its libraries: one to three compilations each, and the build
itself is not touched. The first of the topologies (below) that breaks under `mailroom simulate` counts.

Exit code 1: a patch does not apply, a mutation does not compile, or it was not found within --seeds.
"""
import argparse
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
# "workshop" has everything; "line" has nothing that gives a stage that stands still another chance; "pool" has workers that
# choose their jobs; "orders" has the events' clock.
TOPOLOGIES = ["tests/simulation/workshop/workshop.json", "tests/simulation/workshop/line.json", "tests/simulation/workshop/pool.json",
              "scenarios/orders/orders.json"]


class Failed(Exception):
    pass


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    return done.returncode, done.stdout, done.stderr


def read_patch(path):
    """The words above a patch, the files that it changes, and the topologies in which it can be seen."""
    text = path.read_text()
    files = re.findall(r"^\+\+\+ b/(\S+)$", text, re.M)
    if not files:
        raise Failed(f"{path.name}: it changes no file")
    where = re.search(r"^in: (\w+)$", text, re.M)
    topologies = [one for one in TOPOLOGIES if not where or pathlib.Path(one).stem == where.group(1)]
    if not topologies:
        raise Failed(f"{path.name}: no topology is called {where.group(1)}; there are: {', '.join(pathlib.Path(one).stem for one in TOPOLOGIES)}")
    return text.split("\n", 1)[0].strip(), files, topologies


def apply_patch(path, files, folder):
    """Leaves the patched files in `folder`, which stands for the root of the sources."""
    for file in files:
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        if not (SOURCE / file).exists():
            raise Failed(f"{path.name} does not apply: {file} is gone; make it anew or take it away")
        target.write_bytes((SOURCE / file).read_bytes())
    code, _, errors = run(["git", "apply", "--whitespace=nowarn", str(path)], cwd=folder, env={**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)})
    if code != 0:
        raise Failed(f"{path.name} does not apply any more: make it anew for what the code says now\n{errors}")
    if all((folder / file).read_bytes() == (SOURCE / file).read_bytes() for file in files):
        raise Failed(f"{path.name} was not applied: {files[0]} is as before")


class Build:
    def __init__(self, folder):
        self.folder = folder.resolve()
        commands = json.loads((self.folder / "compile_commands.json").read_text())
        # The engine and what it stands on; not the tests.
        self.compile = {pathlib.Path(c["file"]).resolve(): c for c in commands if re.search(r"CMakeFiles/mailroom-\w+\.dir/", c["command"])}
        code, out, errors = run(["ninja", "-t", "commands", "-s", "bin/mailroom"], cwd=self.folder)
        if code != 0:
            raise Failed(f"{self.folder} is no build of Ninja's: {errors}")
        self.link = re.sub(r"^: && | && :$", "", out.strip().splitlines()[-1])
        code, self.dependencies, _ = run(["ninja", "-t", "deps"], cwd=self.folder)

    def sources_that_see(self, file):
        if file.endswith(".cpp"):
            return [(SOURCE / file).resolve()]
        found = []
        for block in self.dependencies.split("\n\n"):
            lines = block.strip().splitlines()
            if any(os.path.realpath(os.path.join(self.folder, line.strip())) == str(SOURCE / file) for line in lines[1:]):
                for source, command in self.compile.items():
                    words = shlex.split(command["command"])
                    if words[words.index("-o") + 1] == lines[0].split(":")[0]:
                        found.append(source)
        if not found:
            raise Failed(f"{file}: no source of the engine includes it; is the build complete?")
        return found

    def mutant(self, files, overlay, out):
        """Builds the program with the patched files. Returns its path."""
        objects = []
        for source in sorted({source for file in files for source in self.sources_that_see(file)}):
            command = self.compile[source]
            patched = overlay / source.relative_to(SOURCE)
            object_file = out / (source.name + ".o")
            words = shlex.split(command["command"])
            words[words.index("-o") + 1] = str(object_file)
            words[words.index("-c") + 1] = str(patched if patched.exists() else source)
            first = next(i for i, word in enumerate(words) if word.startswith("-I") or word == "-isystem")
            words.insert(first, f"-I{overlay}")
            code, _, errors = run(words, cwd=command["directory"])
            if code != 0:
                raise Failed(f"{source.name} does not compile:\n{errors[-2000:]}")
            objects.append(str(object_file))
        program = out / "mailroom"
        words = shlex.split(self.link)
        place = words.index("-o")
        words[place + 1] = str(program)
        words[place:place] = objects
        code, _, errors = run(words, cwd=self.folder)
        if code != 0:
            raise Failed(f"the mutant does not link:\n{errors[-2000:]}")
        return program

    def simulate(self, program, topology, seeds, jobs):
        """The law that breaks first, and the seeds that it took; None: none breaks."""
        environment = {**os.environ, "MAILROOM_LIBRARY_PATH": str(self.folder / "lib/mailroom")}
        code, out, errors = run([str(program), "simulate", str(SOURCE / topology), "--seeds", str(seeds), "--jobs", str(jobs), "--no-shrink", "--quiet"],
                                env=environment)
        if code == 0:
            return None
        if "without any fault" in out:
            return out.splitlines()[1].strip(), 1
        seed = re.search(r"^seed (\d+)", out, re.M)
        if code != 4 or not seed:
            raise Failed(f"mailroom simulate ended with {code}:\n{out}{errors}")
        law = re.search(r"^seed \d+ breaks.*\n  (.*)$", out, re.M)
        return (law.group(1).strip() if law else "the process ends by itself"), int(seed.group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="mutations; none: all")
    parser.add_argument("--build", type=pathlib.Path, help="a complete build by Ninja")
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--check", action="store_true", help="only look whether the patches apply")
    arguments = parser.parse_args()
    patches = sorted((HERE / "mutations").glob("*.patch"))
    if arguments.names:
        unknown = set(arguments.names) - {patch.stem for patch in patches}
        if unknown:
            parser.error(f"no mutation is called {', '.join(sorted(unknown))}; there are: {', '.join(patch.stem for patch in patches)}")
        patches = [patch for patch in patches if patch.stem in arguments.names]
    if not arguments.check and not arguments.build:
        parser.error("say --build FOLDER, or --check")
    failures = 0
    build = None
    rows = 0
    for patch in patches:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="mailroom-mutation-") as temporary:
            overlay, out = pathlib.Path(temporary, "overlay"), pathlib.Path(temporary, "out")
            overlay.mkdir(), out.mkdir()
            try:
                words, files, topologies = read_patch(patch)
                apply_patch(patch, files, overlay)
                if arguments.check:
                    continue
                build = build or Build(arguments.build)
                program = build.mutant(files, overlay, out)
                if rows == 0:
                    print("| mutation | what is wrong | the law that breaks | in | seeds |\n|---|---|---|---|---|")
                rows += 1
                for topology in topologies:
                    found = build.simulate(program, topology, arguments.seeds, arguments.jobs)
                    if found:
                        break
                if not found:
                    failures += 1
                    print(f"| `{patch.stem}` | {words} | **NOT FOUND** | | {arguments.seeds:,} |", flush=True)
                    continue
                print(f"| `{patch.stem}` | {words} | *{found[0]}* | {pathlib.Path(topology).stem} | {found[1]:,} |", flush=True)
                print(f"{patch.stem}: {time.monotonic() - begun:.0f} s", file=sys.stderr)
            except Failed as problem:
                failures += 1
                print(f"FAILED: {patch.stem}: {problem}", file=sys.stderr, flush=True)
    if arguments.check:
        print(f"{len(patches) - failures} of {len(patches)} mutations apply")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
