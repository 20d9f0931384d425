#!/usr/bin/env python3
"""Three Serf agents and five of ours in one pool, members of both kinds restarted all the time: whatever happens, all see all in
the end, and no Serf agent has an error to log, but for not reaching who was just killed. MIXED_POOL_SECONDS says for how long (60; `./dev interop --long` takes 600)."""
import os
import random
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from cluster import BIN, Process, wait_for  # noqa: E402
from interop_test import Serf, serf_is_there  # noqa: E402

SECONDS = float(os.environ.get("MIXED_POOL_SECONDS", "60"))


@unittest.skipUnless(serf_is_there(), "the serf package cannot be had on this host")
class MixedPool(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="coterie-mixed-")
        self.serfs, self.ours = {}, {}
        self.rng = random.Random(7)
        self.killed = set()

    def tearDown(self):
        for peer in list(self.serfs.values()) + list(self.ours.values()):
            if peer.process.poll() is None:
                peer.kill()

    def start_serf(self, name):
        old = self.serfs.get(name)
        serf = Serf(name, self.directory, ports=(old.gossip, old.rpc) if old else None)
        seeds = [s for s in self.serfs.values() if s is not old] + list(self.ours.values())
        if seeds:
            serf.command("join", f"127.0.0.1:{self.rng.choice(seeds).gossip}")
        self.serfs[name] = serf

    def start_ours(self, name):
        old = self.ours.get(name)
        seed = self.rng.choice(list(self.serfs.values()) + [n for n in self.ours.values() if n is not old])
        node = Process([BIN + "/coterie", "agent"], name, self.directory, join=seed.gossip, extra=["--pool", "serf"])
        if old:  # the same place, as a restarted service has it
            node = old
            node.arguments[node.arguments.index("--join") + 1] = f"127.0.0.1:{seed.gossip}"
        self.ours[name] = node.start()
        node.wait_ready()

    def everybody(self):
        return set(self.serfs) | set(self.ours)

    def all_see_all(self):
        everybody = self.everybody()
        return all({n for n, m in node.members().items() if m["state"] == "alive"} == everybody for node in self.ours.values()) and \
            all({n for n, m in serf.members().items() if m[0] == "alive"} == everybody for serf in self.serfs.values())

    def wait_for_all(self, rounds):
        try:
            wait_for(f"all see all after round {rounds}", self.all_see_all, 90)
        except AssertionError as problem:
            raise AssertionError(f"{problem}; who sees whom otherwise: {self.other_than_alive()}") from problem

    def other_than_alive(self):
        views = {node.name: {n: m["state"] for n, m in node.members().items()} for node in self.ours.values()} | \
            {serf.name: {n: m[0] for n, m in serf.members().items()} for serf in self.serfs.values()}
        return {name: {n: seen.get(n, "unknown") for n in sorted(self.everybody() | set(seen)) if seen.get(n) != "alive"}
                for name, seen in views.items()}

    def test_restarts_for_a_while(self):
        for name in ("s1", "s2", "s3"):
            self.start_serf(name)
        for name in ("a", "b", "c", "d", "e"):
            self.start_ours(name)
        wait_for("all see all", self.all_see_all)
        until, rounds = time.monotonic() + SECONDS, 0
        while time.monotonic() < until:
            rounds += 1
            if rounds % 5 == 0:
                name = self.rng.choice(sorted(self.serfs))
                self.serfs[name].kill()
                self.start_serf(name)
                self.wait_for_all(rounds)
                continue
            node = self.ours[self.rng.choice(sorted(self.ours))]
            if self.rng.random() < 0.5:
                node.kill()
                self.killed.add(node.name)
            else:
                self.assertEqual(node.terminate(), 0)
            if self.rng.random() < 0.3:  # gone for long enough to be noticed
                wait_for("somebody is missed", lambda n=node: all(s.members()[n.name][0] != "alive" for s in self.serfs.values()), 60)
            self.start_ours(node.name)
            self.wait_for_all(rounds)
        print(f"{rounds} restarts in {SECONDS:.0f} s", file=sys.stderr)
        for serf in self.serfs.values():
            self.assertEqual([line for line in serf.errors() if not self.is_about_the_dead(line)], [])

    def is_about_the_dead(self, line):
        """A push/pull with a member in the moment after this test has killed it: that nobody listens there is the truth."""
        return line.endswith("connect: connection refused") and any(f"Push/Pull with {name} failed" in line for name in self.killed)


if __name__ == "__main__":
    unittest.main(verbosity=2)
