#!/usr/bin/env python3
"""Makes docs/benchmark.md and its plots from the figures of measure.py.

  tests/bench/report.py [--results docs/benchmark/results.json]
"""
import argparse
import json
import math
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
WORDS = (ROOT / "tests" / "bench" / "report_template.md").read_text()


def table(head, rows):
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    line = lambda cells: "| " + " | ".join(str(cell).ljust(width) for cell, width in zip(cells, widths)) + " |"
    return "\n".join([line(head), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *(line(row) for row in rows)])


def human(number):
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:.3g} {unit}"
    return f"{number:.3g}"


def milliseconds(us):
    return f"{us / 1000:.2f}"


def plot(title, x_label, y_label, points, path):
    """A line with a logarithmic x axis; values at the points, so that no one has to measure the picture."""
    width, height, left, right, top, bottom = 640, 300, 70, 30, 44, 56
    xs = [math.log10(max(x, 1)) for x, _ in points]
    low, high = min(xs), max(xs)
    most = max(y for _, y in points) * 1.25
    at_x = lambda x: left + (x - low) / ((high - low) or 1) * (width - left - right)
    at_y = lambda y: height - bottom - y / most * (height - top - bottom)
    step = 10 ** math.floor(math.log10(most / 2))
    step = next(step * factor for factor in (1, 2, 5) if most / (step * factor) <= 6)
    grid = []
    for i in range(int(most / step) + 1):
        y = at_y(i * step)
        grid.append(f'<line x1="{left}" y1="{y:.1f}" x2="{width - right}" y2="{y:.1f}" stroke="#ddd"/>'
                    f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{i * step:.3g}</text>')
    line = " ".join(f"{at_x(x):.1f},{at_y(y):.1f}" for x, (_, y) in zip(xs, points))
    dots = "".join(f'<circle cx="{at_x(x):.1f}" cy="{at_y(y):.1f}" r="4" fill="#1f6feb"/>'
                   f'<text x="{at_x(x):.1f}" y="{at_y(y) - 10:.1f}" text-anchor="middle" font-weight="bold">{y:.3g}</text>'
                   f'<text x="{at_x(x):.1f}" y="{height - bottom + 18}" text-anchor="middle">{human(value)}</text>'
                   for x, (value, y) in zip(xs, points))
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="12" fill="#222"><rect width="{width}" height="{height}" fill="#fff"/>'
        f'<text x="{left}" y="24" font-size="15" font-weight="bold">{title}</text>{"".join(grid)}'
        f'<polyline points="{line}" fill="none" stroke="#1f6feb" stroke-width="2"/>{dots}'
        f'<text x="{(left + width - right) / 2}" y="{height - 14}" text-anchor="middle">{x_label}</text>'
        f'<text transform="translate(18 {(top + height - bottom) / 2}) rotate(-90)" text-anchor="middle">{y_label}</text></svg>\n')


def speed_table(speed):
    names = {"memory": "Mailroom, memory", "caf": "the same by hand on CAF", "ring": "two threads and a ring",
             "durable": "Mailroom, durable", "append": "append and fdatasync of the same bytes"}
    rows = []
    for name, words in names.items():
        row = speed[name]
        cpu = f"{row['cpu_us_per_event']:.3f}" if "cpu_us_per_event" in row else "-"
        rows.append([words, human(row["events_per_second"]), f"{human(row['least'])} .. {human(row['most'])}", cpu])
    return table(["", "events/s, median", "range", "CPU us/event"], rows)


def latency_table(rows):
    return table(["mode", "events/s", "p50 ms", "p99 ms", "p99.9 ms", "worst ms", "fdatasync p50 / p99 / worst ms"],
                 [[row["mode"], human(row["rate"]), *(milliseconds(row["latency_us"][q]) for q in ("p50", "p99", "p99_9", "max")),
                   " / ".join(milliseconds(row[f"sync_{q}_us"]) for q in ("p50", "p99", "max")) if row["mode"] == "durable" else "-"] for row in rows])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "docs" / "benchmark" / "results.json")
    arguments = parser.parse_args()
    found = json.loads(arguments.results.read_text())
    folder = arguments.results.parent
    costs = []
    for name, rows in found["costs"].items():
        file = name.replace(", ", "-").replace(" ", "-") + ".svg"
        plot(f"CPU per event by {name}", name.split(",")[0], "CPU us per event", [(row["value"], row["cpu_us_per_event"]) for row in rows], folder / file)
        costs.append(f"**{name[0].upper()}{name[1:]}**\n\n" +
                     table([name.split(",")[0], "CPU us/event", "events/s", "RSS peak MiB"],
                           [[f"{row['value']:,}", f"{row['cpu_us_per_event']:.3f}", human(row["events_per_second"]), f"{row['rss_peak_mib']:.0f}"] for row in rows]) +
                     f"\n\n![CPU per event by {name}](benchmark/{file})")
    memory, idle, machine, speed = found["memory"], found["idle"], found["machine"], found["speed"]
    page = WORDS
    for name, value in {
        "MACHINE": f"{machine['cpu']}, {machine['cores']} cores, Linux {machine['system']}, {machine['when']}",
        "SPEED": speed_table(speed),
        "TO_CAF": f"{speed['memory_to_caf'] * 100:.0f} %",
        "TO_APPEND": f"{speed['durable_to_append'] * 100:.0f} %",
        "LATENCY": latency_table(found["latency"]),
        "COSTS": "\n\n".join(costs),
        "MEMORY": table(["", "MiB"], [["a node with 24 shards, at rest", f"{memory['empty_node_mib']:.0f}"],
                                      ["each 1,000 actors (shards) more, at rest", f"{memory['mib_per_1000_actors']:.1f}"],
                                      ["the pipeline with 10,000 keys, after 20 M events", f"{memory['mib_with_10k_keys']:.0f}"],
                                      ["with 1,000,000 keys", f"{memory['mib_with_1m_keys']:.0f}"]]),
        "IDLE": table(["a node that waits for its file to grow", "% of a core"],
                      [[mode, f"{idle[f'{mode}_percent_of_a_core']:.2f}"] for mode in ("memory", "durable")]),
    }.items():
        page = page.replace(f"@{name}@", value)
    (ROOT / "docs" / "benchmark.md").write_text(page)


if __name__ == "__main__":
    main()
