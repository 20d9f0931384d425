#!/usr/bin/env python3
"""Real members on loopback, ours beside the Go memberlist program: one of N is killed, who suspects first, who declares it dead
first, when do all know; and what a member costs at rest. Both in one run, the rounds interleaved.

usage: membership_peers.py [--members 32] [--rounds 3] [--load SECONDS] [-o json]
With --load: both under as much other work as four processes a core make; how many deaths are declared although nobody died.
Runs in a network namespace of its own where it may, so that the loopback counters are its own.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tests", "process"))
REST_SECONDS = 15
TICKS = os.sysconf("SC_CLK_TCK")


def loopback():
    """Bytes and packets that loopback carried so far."""
    with open("/proc/net/dev", encoding="utf-8") as file:
        for line in file:
            if line.strip().startswith("lo:"):
                fields = line.split(":")[1].split()
                return int(fields[0]), int(fields[1])
    return 0, 0


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        total += (int(fields[11]) + int(fields[12])) / TICKS
    return total


def resident_mb(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            total += next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024
    return total


def at_rest(pids, members):
    time.sleep(5)  # a measurement, not a wait for something: what was said at the start is over
    bytes0, packets0, cpu0 = *loopback(), cpu_seconds(pids)
    time.sleep(REST_SECONDS)
    bytes1, packets1, cpu1 = *loopback(), cpu_seconds(pids)
    share = members * REST_SECONDS
    return {"packets_per_member_s": (packets1 - packets0) / share, "bytes_per_member_s": (bytes1 - bytes0) / share,
            "cpu_percent_per_member": 100 * (cpu1 - cpu0) / share, "resident_mb_per_member": resident_mb(pids) / members}


class Watch:
    """When each observer first saw the victim suspect, and dead."""

    def __init__(self, victim):
        self.victim, self.began = victim, None
        self.suspect, self.dead = {}, {}

    def saw(self, observer, state):
        if self.began is not None and observer != self.victim and state in ("suspect", "dead"):
            getattr(self, state).setdefault(observer, time.monotonic() - self.began)

    def figures(self, observers):
        until = time.monotonic() + 60
        while len(self.dead) < observers and time.monotonic() < until:
            time.sleep(0.005)
        if len(self.dead) < observers:
            raise SystemExit(f"only {len(self.dead)} of {observers} noticed within 60 s")
        return {"first_suspicion_s": min(self.suspect.values(), default=0), "first_dead_s": min(self.dead.values()),
                "all_know_s": max(self.dead.values())}


class Load:
    """Four busy processes a core, for as long as the block lasts."""

    def __enter__(self):
        self.busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4 * os.cpu_count())]

    def __exit__(self, *_):
        for process in self.busy:
            process.kill()
            process.wait()


def start_ours(members, directory):
    from cluster import BIN, Process, wait_for
    nodes = []
    for i in range(members):
        nodes.append(Process([BIN + "/coterie", "agent"], f"n{i}", directory, join=nodes[0].gossip if nodes else None,
                             extra=["--pool", "memberlist", "--workers", "0"]).start())
    wait_for("all see all", lambda: all(n.ready() and sum(m["state"] == "alive" for m in n.members().values()) == members
                                        for n in nodes), 120)
    return nodes


def false_deaths(members, seconds):
    """Deaths that were declared under load, of ours and of the Go program's members."""
    from memberlist_peer import GoPeer
    directory = tempfile.mkdtemp(prefix="coterie-bench-")
    nodes = start_ours(members, directory)
    try:
        with Load():
            time.sleep(seconds)
        ours = sum(node.log().count("is dead") for node in nodes)
    finally:
        for node in nodes:
            node.kill()
        shutil.rmtree(directory, ignore_errors=True)
    peer = GoPeer("n", count=members, port=20000)
    try:
        with Load():
            time.sleep(seconds)
        theirs = sum(line.get("state") == "dead" for line in list(peer.lines))
    finally:
        peer.kill()
    return {"members": members, "seconds": seconds, "coterie": ours, "memberlist, LAN defaults": theirs}


def run_ours(members):
    import http.client
    directory = tempfile.mkdtemp(prefix="coterie-bench-")
    nodes = start_ours(members, directory)
    try:
        watch = Watch(f"n{members - 1}")

        def read(node):
            connection = http.client.HTTPConnection("127.0.0.1", node.management, timeout=120)
            connection.request("GET", "/monitor")
            try:
                for line in connection.getresponse():
                    event = json.loads(line)
                    if event.get("type") == "member" and event["name"] == watch.victim:
                        watch.saw(node.name, event["state"])
            except (OSError, ValueError, http.client.HTTPException):
                pass
        rest = at_rest([n.process.pid for n in nodes], members)
        for node in nodes[:-1]:
            threading.Thread(target=read, args=(node,), daemon=True).start()
        time.sleep(1)
        watch.began = time.monotonic()
        nodes[-1].kill()
        return rest | watch.figures(members - 1)
    finally:
        for node in nodes:
            if node.process and node.process.poll() is None:
                node.kill()
        shutil.rmtree(directory, ignore_errors=True)


def run_go(members, profile):
    from cluster import wait_for
    from memberlist_peer import GoPeer
    peer = GoPeer("n", count=members, port=20000, profile=profile)
    try:
        def views():
            peer.tell("members")
            latest = {line["observer"]: len(line["members"]) for line in list(peer.lines) if "members" in line}
            return len(latest) == members and set(latest.values()) == {members}
        wait_for("all see all", views, 120)
        rest = at_rest([peer.process.pid], members)
        watch = Watch(f"n{members - 1}")
        seen = len(peer.lines)
        watch.began = time.monotonic()
        offset = time.time() - watch.began
        peer.tell("shutdown " + watch.victim)
        until = time.monotonic() + 90
        while len(watch.dead) < members - 1 and time.monotonic() < until:
            for line in list(peer.lines)[seen:]:
                if line.get("name") == watch.victim and line.get("observer") != watch.victim and "state" in line:
                    table = {"suspect": watch.suspect, "dead": watch.dead}.get(line["state"])
                    if table is not None:
                        table.setdefault(line["observer"], line["at"] - offset - watch.began)
            time.sleep(0.05)
        return rest | watch.figures(members - 1)
    finally:
        peer.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--load", type=int, default=0, metavar="SECONDS")
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")
    options = parser.parse_args()
    if not os.environ.get("COTERIE_BENCH_ALONE") and shutil.which("unshare"):
        os.environ["COTERIE_BENCH_ALONE"] = "1"
        probe = subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False)
        if probe.returncode == 0:
            os.execvp("unshare", ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", sys.executable, *sys.argv])
        print("no network namespace here: other traffic on loopback is counted as well", file=sys.stderr)
    if options.load:
        result = false_deaths(options.members, options.load)
        print(json.dumps(result) if options.output == "json" else
              "\n".join(f"{name}: {value}" for name, value in result.items()))
        return
    runs = {"coterie": [], "memberlist, LAN defaults": [], "memberlist, Local profile": []}
    for number in range(options.rounds):
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
        runs["coterie"].append(run_ours(options.members))
        runs["memberlist, LAN defaults"].append(run_go(options.members, "lan"))
        runs["memberlist, Local profile"].append(run_go(options.members, "local"))
    medians = {who: {what: round(statistics.median(r[what] for r in rounds), 3) for what in rounds[0]} for who, rounds in runs.items()}
    if options.output == "json":
        print(json.dumps({"members": options.members, "rounds": options.rounds, "medians": medians}))
        return
    names = list(medians["coterie"])
    print(f"{options.members} members, medians of {options.rounds} rounds")
    print(f"{'':28}" + "".join(f"{who:>28}" for who in medians))
    for name in names:
        print(f"{name:28}" + "".join(f"{medians[who][name]:>28}" for who in medians))


if __name__ == "__main__":
    main()
