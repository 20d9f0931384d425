#!/usr/bin/env python3
"""What compilers cannot see: file and line length, forbidden words in pure rooms, layer rules, unfinished words.

Prints one finding a line with its reason; exits 1 if there is any.
"""
import re
import subprocess
import sys

MAX_LINE = 100          # columns; style
MAX_FILE = 400          # lines; a longer file holds two concepts
MAX_TEST_FILE = 800
MAX_FUNCTION = 70       # lines; TigerBeetle's limit

ROOMS = {  # folder: what it may include (docs/ARCHITECTURE.md, "Rooms")
    "core": [],
    "wire": ["core"],
    "gossip": ["core", "wire"],
    "supervision": ["core"],
    "membership": ["core", "wire", "gossip"],
    "messaging": ["core", "wire"],
    "replication": ["core", "wire"],
    "sharding": ["core", "wire", "membership", "replication", "supervision", "messaging"],
    "cluster": ["core", "wire", "gossip", "supervision", "membership", "messaging", "replication", "sharding"],
    "transport": ["core", "wire", "messaging"],
    "storage": ["core", "wire", "replication"],
    "sim": ["core", "wire", "gossip", "supervision", "membership", "messaging", "replication", "sharding", "cluster"],
}
PURE = ["core", "wire", "gossip", "supervision", "membership", "messaging", "replication", "sharding", "cluster", "sim"]
FORBIDDEN = {
    r"\bboost/": "no Boost in a pure room: sockets live in transport/",
    r"\b(steady|system|high_resolution)_clock\b": "no clock in a pure room: `now` is a parameter",
    r"\bstd::(mutex|thread|jthread|atomic|condition_variable)\b": "no thread in a pure room: shells own them",
    r"#include <(mutex|thread|atomic|condition_variable|fstream|filesystem)>": "no thread or disk in a pure room",
    r"\bunordered_(map|set)\b": "iteration order differs between libraries and would break replay",
    r"\brandom_device\b|std::uniform_": "own RNG only: std distributions differ between libraries",
    r"<lmdb|<sys/socket": "no disk or socket in a pure room",
}
ANYWHERE = {
    r"\b(TODO|FIXME|XXX)\b": "finish it or file it; unfinished words hide in code",
    r"\bco_(await|return|yield)\b": "GCC 12.2 miscompiles coroutines",
}
PUBLIC = r'#include [<"](boost/|msgpack|lmdb|nlohmann|spdlog|CLI/|doctest)'


def long_functions(path, lines):
    """A body opens with '{' at the end of an unindented line and closes with '}' in column 0."""
    start = None
    for number, line in enumerate(lines, 1):
        if re.match(r"^[A-Za-z].*[)\w:]\s*\{$", line) and not re.match(r"^(namespace|class|struct|enum|union|extern)", line):
            start = number
        elif line.startswith("}") and start is not None:
            if number - start > MAX_FUNCTION:
                yield start, f"function of {number - start} lines (limit {MAX_FUNCTION}): split it by concept"
            start = None


def findings(path):
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    room = path.split("/")[0]
    limit = MAX_TEST_FILE if room == "tests" else MAX_FILE
    if len(lines) - 1 > limit:
        yield 1, f"{len(lines) - 1} lines (limit {limit}): a file over the limit holds two concepts"
    yield from long_functions(path, lines)
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_LINE and "tests/" not in path and "http" not in line:
            yield number, f"{len(line)} columns (limit {MAX_LINE})"
        for pattern, why in ANYWHERE.items():
            if re.search(pattern, line) and "tidy" not in path:
                yield number, why
        code = line.split("//")[0]
        if room in PURE:
            for pattern, why in FORBIDDEN.items():
                if re.search(pattern, code):
                    yield number, why
        include = re.match(r'\s*#include [<"]coterie/(\w+)/', code)
        if include and room in ROOMS and include[1] != room and include[1] not in ROOMS[room]:
            yield number, f"{room}/ may not include {include[1]}/ (layer rule)"
        if "/include/" in path and re.search(PUBLIC, code) and not re.search(r"coterie/(msgpack|asio)\.hpp$", path):
            yield number, "a third-party header is reachable from a public header"


def main():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.cpp", "*.hpp"], capture_output=True, text=True,
                            check=True).stdout.split()
    count = 0
    for path in listed:
        for number, why in findings(path):
            print(f"{path}:{number}: {why}")
            count += 1
    print(f"tidy: {len(listed)} files, {count} findings")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
