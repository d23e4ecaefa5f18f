#!/usr/bin/env python3
"""Follows docs/write-your-own.md to the letter: makes its files, runs its commands, compares what they print.

  tests/guide/follow_guide.py --build build/release

A line that is one `file name` in backquotes, then a code block: that file. A ```console block: after "$ " a command, then
what it must print; "..." stands for any lines, or none. Commands run in the new project's folder with an empty home folder,
"cmake --install build/release" in this repository. Exit code 0: everything is as the page says.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
PAGE = SOURCE / "docs" / "write-your-own.md"


def steps(text):
    """("file", name, content) and ("run", command, expected lines), in the page's order."""
    for block in re.finditer(r"(?:^`([\w./-]+)`\n)?^```(\w+)\n(.*?)^```$", text, re.M | re.S):
        name, language, content = block.groups()
        if name:
            yield "file", name, content
        elif language == "console":
            for part in re.split(r"^\$ ", content, flags=re.M)[1:]:
                command, _, expected = part.partition("\n")
                yield "run", command, expected.splitlines()
        else:
            sys.exit(f"{PAGE}: a {language} block has no file name before it")


def same(expected, printed):
    pattern = "".join(r"(?:.*\n)*?" if line == "..." else re.escape(line) + r"\n" for line in expected)
    return re.fullmatch(pattern, "".join(line + "\n" for line in printed)) is not None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=pathlib.Path, help="the build folder to install from")
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    home = pathlib.Path(tempfile.mkdtemp(prefix="mailroom-guide-"))
    project = home / "doorbell"
    project.mkdir()
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("MAILROOM_")} | {"HOME": str(home)}
    # The compiler cache stays where it is.
    surroundings.setdefault("CCACHE_DIR", subprocess.run(["ccache", "-k", "cache_dir"], capture_output=True, text=True).stdout.strip()
                            if shutil.which("ccache") else "")
    count = 0
    for kind, what, content in steps(PAGE.read_text()):
        count += 1
        if kind == "file":
            (project / what).write_text(content)
            continue
        in_source = what.startswith("cmake --install build/release")
        command = what.replace("build/release", str(build)) if in_source else what
        done = subprocess.run(["bash", "-c", command], cwd=SOURCE if in_source else project, env=surroundings, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
        if done.returncode != 0:
            sys.exit(f"$ {what}\nended with {done.returncode}:\n{done.stdout}\nkept: {home}")
        if not same(content, done.stdout.splitlines()):
            sys.exit(f"$ {what}\nprinted:\n{done.stdout}\nbut the page says:\n" + "\n".join(content) + f"\nkept: {home}")
        print(f"$ {what}", flush=True)
    if count < 8:
        sys.exit(f"{PAGE}: only {count} steps were found")
    shutil.rmtree(home)
    print(f"{count} steps of {PAGE.name}, each as the page says")


if __name__ == "__main__":
    main()
