#!/usr/bin/env python3
"""What shard_failover.py measures of us, of a Redis cluster: three masters with a replica each (node time-out 1 s, every write synced),
one client for each of 48 keys increments without a pause; the master that leads some of them is killed (kill -9) and never returns.
For each of its keys: the longest time between two acknowledged increments, and how many acknowledged ones are missing afterwards.
usage: redis_failover.py [--rounds N] [-o json]; REDIS_BIN names the directory of redis-server and redis-cli."""
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tests", "process"))
from cluster import free_ports, wait_for  # noqa: E402
from report import arguments, longest_gap, progress, show  # noqa: E402

BIN = os.environ.get("REDIS_BIN", "/usr/bin")
KEYS = [f"acc{i}" for i in range(48)]


class Connection:
    """One socket, one command at a time, in RESP."""

    def __init__(self, port, timeout):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.file = self.socket.makefile("rb")

    def ask(self, *words):
        self.socket.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w.encode()) for w in words))
        return self.read()

    def read(self):
        line = self.file.readline()
        if not line:
            raise ConnectionError("closed")
        kind, rest = line[:1], line[1:-2].decode()
        if kind == b"-":
            raise ValueError(rest)
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == "-1" else self.file.read(int(rest) + 2)[:-2].decode()
        if kind == b"*":
            return [self.read() for _ in range(int(rest))]
        return rest

    def close(self):
        self.file.close()
        self.socket.close()


def bus_is_free(port):
    """Redis binds a second port for its cluster."""
    with socket.socket() as bus:
        try:
            bus.bind(("127.0.0.1", port + 10000))
            return True
        except OSError:
            return False


class RedisCluster:
    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="coterie-redis-")
        self.ports = []
        while len(self.ports) < 6:
            self.ports += [port for port in free_ports(1) if bus_is_free(port)]
        self.processes = {}

    def __enter__(self):
        for port in self.ports:
            directory = os.path.join(self.directory, str(port))
            os.makedirs(directory)
            self.processes[port] = subprocess.Popen(
                [os.path.join(BIN, "redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--dir", directory, "--cluster-enabled",
                 "yes", "--cluster-node-timeout", "1000", "--appendonly", "yes", "--appendfsync", "always", "--save", ""],
                stdout=subprocess.DEVNULL)
        wait_for("the servers answer", lambda: all(self.answers(port) for port in self.ports))
        subprocess.run([os.path.join(BIN, "redis-cli"), "--cluster", "create", *[f"127.0.0.1:{port}" for port in self.ports],
                        "--cluster-replicas", "1", "--cluster-yes"], check=True, stdout=subprocess.DEVNULL)
        wait_for("replicas are online", lambda: all(self.online(port) for port in self.masters()) and len(self.masters()) == 3)
        return self

    def __exit__(self, *_):
        for process in self.processes.values():
            process.kill()
            process.wait()

    def answers(self, port):
        try:
            Connection(port, 1).close()
            return True
        except OSError:
            return False

    def masters(self):
        """Port -> ranges of slots, as the first server that lives sees it."""
        for port, process in self.processes.items():
            if process.poll() is None:
                out = {}
                for first, last, master, *_ in Connection(port, 1).ask("CLUSTER", "SLOTS"):
                    out.setdefault(master[1], []).append((first, last))
                return out
        return {}

    def online(self, port):
        info = Connection(port, 1).ask("INFO", "replication")
        return "state=online" in info and Connection(port, 1).ask("CLUSTER", "INFO").startswith("cluster_state:ok")


class Client(threading.Thread):
    """Increments one key, again until acknowledged, wherever it is told that the key is."""

    def __init__(self, key, ports):
        super().__init__(daemon=True)
        self.key, self.ports, self.port = key, ports, ports[0]
        self.acknowledged, self.times, self.again, self.stop = 0, [], 0, threading.Event()

    def run(self):
        connection = None
        while not self.stop.is_set():
            try:
                connection = connection or Connection(self.port, 1)
                connection.ask("INCR", self.key)
                self.acknowledged += 1
                self.times.append(time.monotonic())
                time.sleep(0.005)
            except ValueError as said:
                words = str(said).split()
                if words[0] == "MOVED":
                    self.port, connection = int(words[2].rsplit(":", 1)[1]), None
                else:
                    self.again += 1
                    time.sleep(0.002)
            except OSError:
                self.again += 1
                connection, self.port = None, self.ports[(self.ports.index(self.port) + 1) % len(self.ports)]
                time.sleep(0.002)


def one_round():
    with RedisCluster() as cluster:
        clients = {key: Client(key, cluster.ports) for key in KEYS}
        for client in clients.values():
            client.start()
        wait_for("load", lambda: all(len(c.times) > 20 for c in clients.values()))
        asked = Connection(cluster.ports[0], 5)
        masters = cluster.masters()
        victim = next(port for port in masters if port != cluster.ports[0])
        slots = {key: asked.ask("CLUSTER", "KEYSLOT", key) for key in KEYS}
        led = [key for key in KEYS if any(first <= slots[key] <= last for first, last in masters[victim])]
        began = time.monotonic()
        os.kill(cluster.processes[victim].pid, signal.SIGKILL)
        wait_for("all are served by others", lambda: all(sum(t > began + 0.01 for t in clients[key].times) > 5 for key in led))
        for client in clients.values():
            client.stop.set()
        for client in clients.values():
            client.join()
        owners = {}
        for port, ranges in cluster.masters().items():
            for key in led:
                if any(first <= slots[key] <= last for first, last in ranges) and port != victim:
                    owners[key] = port
        lost = sum(max(0, clients[key].acknowledged - int(Connection(owners[key], 5).ask("GET", key) or 0)) for key in led)
        return [longest_gap(clients[key].times, began) * 1000 for key in led], lost


def main():
    options = arguments(6)
    gaps, lost = [], 0
    for number in range(options.rounds):
        progress(f"redis: {number + 1} of {options.rounds}")
        more, missing = one_round()
        gaps += more
        lost += missing
    gaps.sort()
    show([{"node": "redis master, killed", "keys": len(gaps), "median_ms": round(statistics.median(gaps)),
           "p99_ms": round(gaps[min(len(gaps) - 1, int(len(gaps) * 0.99))]), "worst_ms": round(gaps[-1]), "lost": lost}], options.output)


if __name__ == "__main__":
    main()
