#!/usr/bin/env python3
"""How long the placement registers have no leader: of three and of five ledgers the leader is killed (kill -9) or stopped (SIGSTOP),
and every survivor is asked without a pause until it names another one. usage: failover.py [--rounds N] [-o json]"""
import os
import signal
import statistics
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tests", "process"))
from cluster import Cluster, wait_for  # noqa: E402
from report import arguments, progress, show  # noqa: E402
from registers_test import leader_of, roles, settled  # noqa: E402


def time_to_new_leader(cluster, how):
    old = leader_of(cluster)
    survivors = [n for n in cluster.nodes if n is not old and n.process.poll() is None]
    seen = {}

    def watch(node):
        while node.name not in seen:
            if any(role == "leader" and name != old.name for name, role in roles(node).items()):
                seen[node.name] = time.monotonic()
    began = time.monotonic()
    os.kill(old.process.pid, how)
    watchers = [threading.Thread(target=watch, args=(n,)) for n in survivors]
    for watcher in watchers:
        watcher.start()
    for watcher in watchers:
        watcher.join()
    if how == signal.SIGKILL:
        old.process.wait()
        old.start().wait_ready()
    else:
        os.kill(old.process.pid, signal.SIGCONT)
    return max(seen.values()) - began


def main():
    options = arguments(10)
    rows = []
    for size in (3, 5):
        for what, how in (("killed", signal.SIGKILL), ("stands still", signal.SIGSTOP)):
            times = []
            with Cluster(size) as cluster:
                for round_ in range(options.rounds):
                    progress(f"{size} nodes, leader {what}: {round_ + 1} of {options.rounds}")
                    wait_for("all voters", lambda: settled(cluster, size))
                    times.append(time_to_new_leader(cluster, how) * 1000)
            rows.append({"nodes": size, "leader": what, "median_ms": round(statistics.median(times), 1),
                         "worst_ms": round(max(times), 1)})
    show(rows, options.output)


if __name__ == "__main__":
    main()
