#!/usr/bin/env python3
"""Our agent and a Go program on memberlist 0.2.2 in one pool: joins both ways, a kill and a leave on either side, encryption."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from cluster import BIN, Process, wait_for  # noqa: E402
from memberlist_peer import GoPeer, peer_is_there  # noqa: E402

KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


@unittest.skipUnless(peer_is_there(), "no Go memberlist peer: golang-go and golang-github-hashicorp-memberlist-dev cannot be had")
class Memberlist(unittest.TestCase):
    key, pool = None, "memberlist"

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="coterie-memberlist-")
        self.running = []

    def tearDown(self):
        for peer in self.running:
            if peer.process.poll() is None:
                peer.kill()

    def go(self, name, join=None, **more):
        self.running.append(GoPeer(name, join, self.key, **more))
        return self.running[-1]

    def ours(self, name, join=None):
        extra = ["--pool", self.pool] + (["--key", self.key] if self.key else [])
        node = Process([BIN + "/coterie", "agent"], name, self.directory, join=join, extra=extra).start()
        self.running.append(node)
        return node

    def alive(self, node):
        return {name for name, member in node.members().items() if member["state"] == "alive"}

    def test_joins_leaves_and_kills_both_ways(self):
        one = self.go("g1", meta="hello")
        a = self.ours("a", one.gossip)  # we dial Go
        wait_for("a answers", a.health)
        b = self.ours("b", a.gossip)
        wait_for("b answers", b.health)
        two = self.go("g2", b.gossip)  # Go dials us
        everybody = {"g1", "g2", "a", "b"}
        for node in (a, b):
            wait_for(f"{node.name} sees all; {node.log()}", lambda n=node: self.alive(n) == everybody)
        for peer in (one, two):
            wait_for(f"{peer.name} sees all", lambda p=peer: {n for n, s in p.states().items() if s == "alive"} == everybody)
        self.assertIsNone(a.members()["g1"]["link"])
        self.assertIsNone(a.members()["g1"]["management"])
        self.assertEqual(b.terminate(), 0)
        # memberlist 0.2.2 tells its delegate of a leave and of a death alike.
        wait_for("b has left", lambda: one.states()["b"] in ("left", "dead"))
        two.tell("leave")
        wait_for("g2 has left", lambda: a.members()["g2"]["state"] == "left")
        if type(self) is Memberlist:  # memberlist alone takes half a minute, whatever the key
            a.kill()
            wait_for("a is dead to Go", lambda: one.states()["a"] == "dead", 60)
        self.assertEqual(one.errors(), [])

    def test_go_is_killed_and_comes_back(self):
        a = self.ours("a").wait_ready() if self.pool == "native" else None
        one = self.go("g1", a.gossip if a else None)
        a = a or self.ours("a", one.gossip).wait_ready()
        wait_for("two members", lambda: self.alive(a) == {"a", "g1"})
        one.kill()
        wait_for("g1 is dead", lambda: a.members()["g1"]["state"] == "dead", 60)
        again = self.go("g1", a.gossip, port=one.gossip)
        wait_for("g1 is back", lambda: self.alive(a) == {"a", "g1"})
        wait_for("and sees us", lambda: again.states().get("a") == "alive")


class EncryptedMemberlist(Memberlist):
    key = KEY


class InNativePool(Memberlist):
    """Our own pools speak the same versions: a plain memberlist member may take part."""
    pool = "native"


if __name__ == "__main__":
    unittest.main(verbosity=2)
