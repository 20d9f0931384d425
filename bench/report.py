"""Options and tables of the benchmarks that are Python programs."""
import argparse
import json
import sys


def arguments(rounds):
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--only", help="one row by its name")
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")
    return parser.parse_args()


def longest_gap(times, began):
    """Between two of the times, the last one before it began included."""
    after = [t for t in times if t > began]
    before = max((t for t in times if t <= began), default=began)
    return max(b - a for a, b in zip([before] + after, after)) if after else None


def progress(text):
    print(f"\r{text:60}", end="", file=sys.stderr)


def show(rows, output):
    """Every row has the same keys; what ends with _ms has its unit in the heading."""
    progress("")
    print("\r", end="", file=sys.stderr)
    if output == "json":
        return print(json.dumps(rows))
    table = [[key.upper().replace("_MS", ", MS").replace("_", " ") for key in rows[0]]]
    table += [[str(value) for value in row.values()] for row in rows]
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
