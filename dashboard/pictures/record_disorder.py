#!/usr/bin/env python3
"""Records docs/dashboard/disorder.mailroom-session anew: scenarios/disorder on a real node, with disorder planted at known times.

  record_disorder.py --mailroom PROGRAM --out FILE [--seconds 75]

Sixteen sensors count their readings, some forty a second in all. What is planted, by the second after the first reading, each once and
with a sensor of its own, is in PLANTED below; the sensor's shard is the node's business. tests/dashboard reads the session and looks
for each of them."""
import argparse, json, pathlib, re, shutil, signal, subprocess, tempfile, threading, time

parser = argparse.ArgumentParser()
parser.add_argument("--mailroom", required=True)
parser.add_argument("--out", required=True)
parser.add_argument("--seconds", type=float, default=75)
arguments = parser.parse_args()

# second, sensor, what. The names are such that s-late and s-burst meet in station/3, s-twice is in station/2, s-gap-2 and s-retry-2 are
# in station/1, and station/0 stays calm.
PLANTED = [
    (14.0, "s-late", "late"),         # a reading is held back for 1.5 s
    (22.0, "s-twice", "duplicate"),   # a reading comes again after 1 s
    (29.0, "s-gap-2", "gap"),         # three readings never come
    (37.0, "s-retry-2", "retry"),     # a handler throws once
    (42.0, "s-refused", "refused"),   # a reading is rejected
    (48.0, "s-burst", "burst"),       # five held back together, two of them twice, two never
    (56.0, "s-late", "too late"),     # held back for 3 s, longer than the grace time
    (62.0, "s-twice", "duplicate"),
    (66.0, "s-retry-2", "retry"),
]

work = pathlib.Path(tempfile.mkdtemp(prefix="mailroom-disorder-"))
scenario = pathlib.Path(__file__).resolve().parents[2] / "scenarios/disorder"
shutil.copy(scenario / "disorder.json", work)
for name in ("readings.jsonl", "calm.jsonl"):
    (work / name).write_text("")
node = subprocess.Popen([arguments.mailroom, "run", str(work / "disorder.json"), "--listen", "127.0.0.1:0", "--progress", "off", "--summary", "none",
                         "--data", str(work / "data"), "--trace-one-in", "16"], stderr=subprocess.PIPE, text=True)
for line in node.stderr:
    if found := re.search(r"Listening at http://127\.0\.0\.1:(\d+)", line):
        port = found.group(1)
        break
else:
    raise SystemExit("the node does not listen")
threading.Thread(target=lambda: [None for _ in node.stderr], daemon=True).start()
recorder = subprocess.Popen([arguments.mailroom, "record", port, arguments.out, "--force", "--seconds", str(arguments.seconds - 1)])
time.sleep(1)

numbers = {}
later = []  # (second, line)
with open(work / "readings.jsonl", "a", buffering=1) as readings, open(work / "calm.jsonl", "a", buffering=1) as calm:
    def reading(sensor, fault=""):
        numbers[sensor] = numbers.get(sensor, 0) + 1
        return json.dumps({"sensor": sensor, "number": numbers[sensor], "fault": fault}) + "\n"

    troubled = ["s-late", "s-twice", "s-gap-2", "s-retry-2", "s-refused", "s-burst"]
    planted = list(PLANTED)
    begin = time.monotonic()
    step = 0
    while (now := time.monotonic() - begin) < arguments.seconds:
        for due in [each for each in later if each[0] <= now]:
            readings.write(due[1])
            later.remove(due)
        sensor = troubled[step % len(troubled)]
        if planted and now >= planted[0][0] and sensor == planted[0][1]:
            what = planted.pop(0)[2]
            if what in ("late", "too late"):
                later.append((now + (1.5 if what == "late" else 3), reading(sensor)))
            elif what == "duplicate":
                line = reading(sensor)
                readings.write(line)
                later.append((now + 1, line))
            elif what == "gap":
                for _ in range(3):
                    reading(sensor)
            elif what == "retry":
                readings.write(reading(sensor, "fails once"))
            elif what == "refused":
                readings.write(reading(sensor, "refused"))
            elif what == "burst":
                held = [reading(sensor) for _ in range(5)]
                for at, line in enumerate(held):
                    later.append((now + 1.2 + 0.1 * at, line))
                later += [(now + 2.0, held[0]), (now + 2.1, held[1])]
                for _ in range(2):
                    reading(sensor)
        else:
            readings.write(reading(sensor))
        if step % 3:
            calm.write(reading(f"calm-{step % 10}"))
        step += 1
        time.sleep(0.04)
recorder.wait()
node.send_signal(signal.SIGTERM)
node.wait()
shutil.rmtree(work)
