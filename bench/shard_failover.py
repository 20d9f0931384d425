#!/usr/bin/env python3
"""How long a shard is without service: five ledgers, one client for each of 48 accounts deposits without a pause through a node that
stays; one node that leads some of them, or the leader of the registers, is killed (kill -9), stopped (SIGSTOP) or asked to leave (SIGTERM).
For each account that it led, and in one row of which it had a copy in sync: the longest time between two acknowledged deposits. usage: shard_failover.py [--rounds N] [-o json]"""
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tests", "process"))
from cluster import Cluster, request, wait_for  # noqa: E402
from registers_test import leader_of, settled  # noqa: E402
from report import arguments, longest_gap, progress, show  # noqa: E402

ACCOUNTS = [f"acc{i}" for i in range(48)]


SHARDS = {}


def find_shards(node):
    for account in ACCOUNTS:
        row = subprocess.check_output([os.path.join(os.environ["COTERIE_BIN"], "coterie"), "shards", "--of", account, "-o", "json",
                                       "--management", f"127.0.0.1:{node.management}"])
        SHARDS[account] = json.loads(row)[0]["shard"]


def owners(node):
    return {s["shard"]: s["primary"] for s in json.loads(request(node.management, "GET", "/shards")[1])}


def followed(node, name):
    """Shards of which `name` has a copy in sync, and leads them not: each commit waits for it."""
    return {s["shard"] for s in json.loads(request(node.management, "GET", "/shards")[1]) if name in s["in_sync"] and s["primary"] != name}


class Client(threading.Thread):
    """Deposits to one account, again under the same id until acknowledged."""

    def __init__(self, account, node, number):
        super().__init__(daemon=True)
        self.account, self.node, self.number = account, node, number
        self.times, self.stop = [], threading.Event()
        self.again = 0  # attempts that were not acknowledged

    def run(self):
        count = 0
        while not self.stop.is_set():
            count += 1
            body = json.dumps({"cents": 1, "id": f"{self.number}-{count}"})
            while not self.stop.is_set():
                try:
                    if request(self.node.http, "POST", f"/accounts/{self.account}/deposit", body, timeout=10)[0] == 200:
                        break
                except OSError:
                    pass
                self.again += 1
                time.sleep(0.002)
            self.times.append(time.monotonic())
            time.sleep(0.005)


def one_round(cluster, how, register_leader, number, follows=False):
    wait_for("all voters", lambda: settled(cluster, 5))
    leader = leader_of(cluster)
    placed = owners(leader)
    leads = {placed[shard] for shard in SHARDS.values()}
    victim = leader if register_leader else next(n for n in cluster.nodes if n is not leader and n.name in leads)
    if victim.name not in leads:
        return []
    asked = next(n for n in cluster.nodes if n is not victim)
    watched = followed(leader, victim.name) if follows else {shard for shard, name in placed.items() if name == victim.name}
    led = [a for a in ACCOUNTS if SHARDS[a] in watched]
    clients = [Client(account, asked, f"{number}-{i}") for i, account in enumerate(led)]
    for client in clients:
        client.start()
    wait_for("load", lambda: all(len(c.times) > 5 for c in clients))
    began = time.monotonic()
    os.kill(victim.process.pid, how)
    wait_for("all are served by others", lambda: all(sum(t > began + 0.01 for t in c.times) > 5 for c in clients)
             and victim.name not in owners(asked).values())
    for client in clients:
        client.stop.set()
    for client in clients:
        client.join()
    if how == signal.SIGSTOP:
        os.kill(victim.process.pid, signal.SIGCONT)
    else:
        victim.process.wait()
        victim.start()
    wait_for("it is back", victim.ready)
    wait_for("all in sync", lambda: all(len(s["in_sync"]) == 3 for s in json.loads(request(asked.management, "GET", "/shards")[1])))
    return [(longest_gap(c.times, began) * 1000, c.again) for c in clients]


def moves(cluster, count):
    """Shards are moved one after the other to another node that has them in sync, by the command for that."""
    wait_for("all voters", lambda: settled(cluster, 5))
    asked = cluster.nodes[0]
    # So that the balance takes nothing back meanwhile. A node that has just started refuses for a while.
    for node in cluster.nodes:
        wait_for(f"{node.name} is cordoned", lambda node=node: coterie(asked, "cordon", node.name))
    results = []
    accounts = ACCOUNTS[:10]  # about as many clients as the other rows have
    clients = {account: Client(account, asked, f"move-{i}") for i, account in enumerate(accounts)}
    for client in clients.values():
        client.start()
    wait_for("load", lambda: all(len(c.times) > 5 for c in clients.values()))
    for number in range(count):
        account = accounts[number % len(accounts)]
        shard = json.loads(request(asked.management, "GET", "/shards")[1])[SHARDS[account]]
        target = next(name for name in shard["in_sync"] if name != shard["primary"])
        began = time.monotonic()
        wait_for("the move is accepted", lambda shard=SHARDS[account], target=target: coterie(asked, "move", str(shard), target))
        times = clients[account].times
        wait_for("it is served", lambda times=times, began=began: sum(t > began for t in times) > 5)
        results.append((longest_gap(times, began) * 1000, 0))
    for client in clients.values():
        client.stop.set()
    for client in clients.values():
        client.join()
    for node in cluster.nodes:
        wait_for(f"{node.name} is uncordoned", lambda node=node: coterie(asked, "uncordon", node.name))
    return [(gap, again if i else sum(c.again for c in clients.values())) for i, (gap, again) in enumerate(results)]


def coterie(node, *arguments):
    return subprocess.run([os.path.join(os.environ["COTERIE_BIN"], "coterie"), *arguments, "--management",
                           f"127.0.0.1:{node.management}"], capture_output=True, check=False).returncode == 0


def main():
    options = arguments(6)
    rows = []
    with Cluster(5) as cluster:
        find_shards(cluster.nodes[0])
        for what, how, leads in (("killed", signal.SIGKILL, False), ("killed: followed", signal.SIGKILL, False),
                                 ("killed, and led the registers", signal.SIGKILL, True), ("stands still", signal.SIGSTOP, False),
                                 ("leaves", signal.SIGTERM, False), ("hands one shard over", None, False)):
            if options.only and options.only != what:
                continue
            results = []
            if how is None:
                progress(what)
                results = moves(cluster, options.rounds * 10)
            for number in range(options.rounds if how is not None else 0):
                progress(f"{what}: {number + 1} of {options.rounds}")
                results += one_round(cluster, how, leads, f"{what}-{number}", "followed" in what)
            gaps = sorted(gap for gap, _ in results)
            rows.append({"node": what, "shards": len(gaps), "median_ms": round(statistics.median(gaps)),
                         "p99_ms": round(gaps[min(len(gaps) - 1, int(len(gaps) * 0.99))]), "worst_ms": round(gaps[-1]), "again": sum(again for _, again in results)})
    show(rows, options.output)


if __name__ == "__main__":
    main()
