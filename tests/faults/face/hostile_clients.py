#!/usr/bin/env python3
"""Hostile clients at a node's face, while an honest one is answered throughout.

  hostile_clients.py --mailroom PROGRAM [--connections 2000] [--frames 1000000] [--short]

Starts a node (scenarios/disorder), connects so many times and does something hostile or broken each time, sends so many fuzzed
WebSocket frames, and asks for /healthz all the while. Fails if the honest client is ever not answered, if the node
ends, or if its memory grows beyond what its limits allow."""
import argparse, base64, http.client, os, pathlib, random, re, socket, struct, subprocess, sys, threading, time

parser = argparse.ArgumentParser()
parser.add_argument("--mailroom", required=True)
parser.add_argument("--connections", type=int, default=2000)
parser.add_argument("--frames", type=int, default=1_000_000)
parser.add_argument("--short", action="store_true", help="a tenth of the connections, a hundredth of the frames")
parser.add_argument("--seed", type=int, default=1)
arguments = parser.parse_args()
if arguments.short:
    arguments.connections //= 10
    arguments.frames //= 100
choice = random.Random(arguments.seed)
root = pathlib.Path(__file__).resolve().parents[3]

node = subprocess.Popen([arguments.mailroom, "run", str(root / "scenarios/disorder/disorder.json"), "--listen", "127.0.0.1:0",
                         "--progress", "off", "--summary", "none", "--data", f"/tmp/mailroom-hostile-{os.getpid()}"],
                        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
port = None
for line in node.stderr:
    if found := re.search(r"Listening at http://127\.0\.0\.1:(\d+)", line):
        port = int(found.group(1))
        break
if port is None:
    sys.exit("the node does not listen")
threading.Thread(target=lambda: [None for _ in node.stderr], daemon=True).start()


def memory_mib():
    for line in open(f"/proc/{node.pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0


def connect():
    return socket.create_connection(("127.0.0.1", port), timeout=20)


UPGRADE = (f"GET /telemetry HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
           f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}\r\nSec-WebSocket-Protocol: mailroom.telemetry.v1\r\n\r\n").encode()


def masked(payload, first=0x82, mask=b"\0\0\0\0", length=None):
    size = len(payload) if length is None else length
    head = bytes([first]) + (bytes([0x80 | size]) if size < 126 else bytes([0xFE]) + struct.pack(">H", size) if size < 65536 else bytes([0xFF]) + struct.pack(">Q", size))
    return head + mask + payload


def random_bytes(most):
    return choice.randbytes(choice.randint(1, most))


honest = {"asked": 0, "worst_ms": 0.0, "failed": []}
over = threading.Event()


def honest_client():
    while not over.is_set():
        begin = time.monotonic()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            if answer.status != 200 or answer.read() != b"ok\n":
                honest["failed"].append(f"status {answer.status}")
            connection.close()
        except Exception as error:
            honest["failed"].append(repr(error))
        honest["asked"] += 1
        honest["worst_ms"] = max(honest["worst_ms"], (time.monotonic() - begin) * 1000)
        time.sleep(0.005)


watcher = threading.Thread(target=honest_client)
watcher.start()
held = []
begin = time.monotonic()
start_memory = memory_mib()

for n in range(arguments.connections):
    try:
        one = connect()
        what = n % 12
        if what == 0: one.sendall(random_bytes(5000))                                         # garbage
        elif what == 1: one.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")            # a header without end
        elif what == 2: pass                                                                     # silence
        elif what == 3: one.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 20000)
        elif what == 4: one.sendall(b"POST /api/v1/dead-letters/retry HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n\r\n")
        elif what == 5: one.sendall(UPGRADE)                                                      # a WebSocket that says nothing more
        elif what == 6: one.sendall(UPGRADE + random_bytes(3000))                                 # and one that speaks in tongues
        elif what == 7: one.sendall(UPGRADE + masked(b"", length=2**40))                          # a frame of a tebibyte
        elif what == 8: one.sendall(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 50)        # a flood, none of it read
        elif what == 9: one.sendall(UPGRADE + masked(bytes([0x9F]) * 4000))                       # arrays in one another
        elif what == 10: one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
        else: one.sendall(b"GET /telemetry HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\n\r\n")
        if choice.random() < 0.5 and what != 10:
            held.append(one)
            if len(held) > 300: held.pop(choice.randrange(300)).close()
        else:
            one.close()
    except OSError:
        pass  # shown the door
# Those who hang go on hanging for a while.
patience = time.monotonic() + 30
while honest["asked"] < 20 and time.monotonic() < patience: time.sleep(0.05)
for one in held: one.close()

sent = 0
valid = b"\xa4dtypeisubscribegrate_hz\x0afgauges\xf5fevents\xf4"
while sent < arguments.frames:
    try:
        one = connect()
        one.sendall(UPGRADE)
        burst = []
        for _ in range(1000):
            frame = bytearray(valid)
            for _ in range(choice.randint(0, 3)): frame[choice.randrange(len(frame))] = choice.randrange(256)
            burst.append(masked(bytes(frame), first=choice.choice([0x82, 0x82, 0x82, 0x81, 0x02, 0x80, choice.randrange(256)])))
        sent += len(burst)
        one.sendall(b"".join(burst))
        one.close()
    except OSError:
        pass
    if node.poll() is not None: break

seconds = time.monotonic() - begin
over.set()
watcher.join()
end_memory = memory_mib()
alive = node.poll() is None
if alive:
    node.terminate()
    node.wait(timeout=60)
print(f"{arguments.connections} hostile connections, {sent} fuzzed frames in {seconds:.0f} s; honest client: {honest['asked']} answers, "
      f"worst {honest['worst_ms']:.0f} ms, {len(honest['failed'])} failed; memory {start_memory:.0f} -> {end_memory:.0f} MiB")
problems = []
if not alive: problems.append(f"the node ended with {node.returncode}")
if honest["failed"]: problems.append("the honest client: " + honest["failed"][0])
if honest["asked"] < 10: problems.append("the honest client was hardly answered at all")
if end_memory > start_memory + 100: problems.append("the node's memory has grown")
sys.exit("; ".join(problems) or 0)
