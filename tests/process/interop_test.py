#!/usr/bin/env python3
"""Our agent in a pool of real Serf agents: joins both ways, tags, a kill on either side, a clean leave, encryption."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from cluster import BIN, Process, free_ports, request, wait_for  # noqa: E402

SERF = os.environ.get("SERF") or "serf"
KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


NEW_KEY = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="


def serf_is_there():
    try:
        return subprocess.run([SERF, "version"], capture_output=True).returncode == 0
    except OSError:
        return False


class Serf:
    def __init__(self, name, directory, key=None, ports=None):
        self.name, self.log_path = name, f"{directory}/{name}.serf.log"
        self.gossip, self.rpc = ports or free_ports(2)
        arguments = [SERF, "agent", "-node", name, "-bind", f"127.0.0.1:{self.gossip}", "-rpc-addr",
                     f"127.0.0.1:{self.rpc}", "-log-level", "info", "-tag", "role=real"]
        if key:
            arguments += ["-encrypt", key]
        with open(self.log_path, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(arguments, stdout=log, stderr=subprocess.STDOUT)
        wait_for("serf is up", lambda: self.command("members", check=False) is not None)

    def command(self, *arguments, check=True):
        done = subprocess.run([SERF, arguments[0], f"-rpc-addr=127.0.0.1:{self.rpc}", *arguments[1:]],
                              capture_output=True, text=True)
        if done.returncode != 0 and check:
            raise AssertionError(done.stdout + done.stderr)
        return done.stdout if done.returncode == 0 else None

    def members(self):
        return {line.split()[0]: line.split()[2:] for line in (self.command("members") or "").splitlines()}

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def errors(self):
        """What the agent holds against the pool. `agent.ipc` is about its own command line, which hangs up when it has read
        enough; nothing of ours is on that connection."""
        return [line for line in self.log().splitlines() if "[ERR]" in line and "[ERR] agent.ipc" not in line]

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@unittest.skipUnless(serf_is_there(), "the serf package cannot be had on this host")
class RealSerf(unittest.TestCase):
    key = None

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="coterie-serf-")
        self.running = []

    def tearDown(self):
        for peer in self.running:
            if peer.process.poll() is None:
                peer.kill()

    def serf(self, name):
        self.running.append(Serf(name, self.directory, self.key))
        return self.running[-1]

    def ours(self, name, join=None, tags=("role=cpp",)):
        extra = ["--pool", "serf"] + [word for tag in tags for word in ("--tag", tag)]
        if self.key:
            extra += ["--key", self.key]
        node = Process([BIN + "/coterie", "agent"], name, self.directory, join=join, extra=extra).start()
        self.running.append(node)
        return node

    def test_a_mixed_pool(self):
        one, two = self.serf("s1"), self.serf("s2")
        a = self.ours("a", one.gossip).wait_ready()
        b = self.ours("b", None, ("role=other", "zone=x")).wait_ready()
        two.command("join", f"127.0.0.1:{b.gossip}")  # Serf dials us
        one.command("join", f"127.0.0.1:{two.gossip}")
        everybody = {"s1", "s2", "a", "b"}
        for serf in (one, two):
            wait_for(f"{serf.name} sees all; {serf.log()}",
                     lambda s=serf: {n for n, m in s.members().items() if m[0] == "alive"} == everybody)
        for node in (a, b):
            wait_for(f"{node.name} sees all; {node.log()}",
                     lambda n=node: {k for k, m in n.members().items() if m["state"] == "alive"} == everybody)
        self.assertEqual(one.members()["a"][1], "role=cpp")
        self.assertEqual(set(one.members()["b"][1].split(",")), {"role=other", "zone=x"})
        self.assertIsNone(a.members()["s1"]["link"])
        # An event of one Serf reaches the other; we pass on what is new.
        one.command("event", "deploy", "now")
        wait_for("the event", lambda: "deploy" in two.log())
        # A clean leave is a leave, on both sides.
        self.assertEqual(b.terminate(), 0)
        wait_for("b has left", lambda: one.members()["b"][0] == "left")
        two.command("leave")
        wait_for("s2 has left", lambda: a.members()["s2"]["state"] == "left")
        # A kill is noticed, on both sides.
        one.kill()
        wait_for("s1 is dead", lambda: a.members()["s1"]["state"] == "dead", 60)
        for serf in (one, two):
            self.assertEqual(serf.errors(), [])

    def coterie(self, node, *words):
        return subprocess.run([BIN + "/coterie", *words, "--management", f"127.0.0.1:{node.management}"],
                              capture_output=True, text=True, timeout=60)

    def test_events_and_queries_both_ways(self):
        one = self.serf("s1")
        a = self.ours("a", one.gossip).wait_ready()
        b = self.ours("b", one.gossip).wait_ready()
        wait_for("three members", lambda: sum(m[0] == "alive" for m in one.members().values()) == 3)
        path = os.path.join(self.directory, "monitor")
        with open(path, "w", encoding="utf-8") as out:
            watching = subprocess.Popen([BIN + "/coterie", "monitor", "--management", f"127.0.0.1:{b.management}"],
                                        stdout=out)

        def seen():
            with open(path, encoding="utf-8") as lines:
                return lines.read()
        try:
            wait_for("the members first", lambda: seen().count("member ") >= 3)
            one.command("event", "deploy", "v1")
            wait_for("Serf's event here", lambda: "event deploy v1\n" in seen())
            self.assertEqual(self.coterie(a, "event", "restart", "now").returncode, 0)
            wait_for("our event at Serf", lambda: "restart" in one.log())
            wait_for("our event at ours", lambda: "event restart now\n" in seen())
            # Everybody acknowledges, whoever asks.
            asked = one.command("query", "-timeout=4s", "load", "x")
            for name in ("a", "b", "s1"):
                self.assertIn(f"Ack from '{name}'", asked)
            wait_for("Serf's query here", lambda: "query load x from s1\n" in seen())
            filtered = one.command("query", "-timeout=4s", "-node=a", "load", "y")
            self.assertIn("Ack from 'a'", filtered)
            self.assertNotIn("Ack from 'b'", filtered)
            tagged = one.command("query", "-timeout=4s", "-tag=role=c.p", "load", "z")
            self.assertIn("Ack from 'a'", tagged)
            self.assertNotIn("Ack from 's1'", tagged)
            ours = self.coterie(a, "query", "load", "w", "--timeout", "4", "-o", "json")
            self.assertEqual(json.loads(ours.stdout.splitlines()[-1])["heard_by"], 3, ours.stdout)
            # A relayed answer comes once.
            relayed = one.command("query", "-timeout=4s", "-relay-factor=2", "load", "v")
            self.assertIn("Ack from 'b'", relayed)
        finally:
            watching.kill()
            watching.wait()
        self.assertEqual(one.errors(), [])

    def test_serf_notices_our_kill(self):
        one = self.serf("s1")
        a = self.ours("a", one.gossip).wait_ready()
        wait_for("alive", lambda: one.members().get("a", [""])[0] == "alive")
        a.kill()
        wait_for("failed", lambda: one.members()["a"][0] == "failed", 60)


class EncryptedSerf(RealSerf):
    key = KEY

    def test_keys_are_changed_from_either_side(self):
        one = self.serf("s1")
        a = self.ours("a", one.gossip).wait_ready()
        wait_for("alive", lambda: one.members().get("a", [""])[0] == "alive")
        self.assertEqual(self.coterie(a, "keys", "install", NEW_KEY).returncode, 0)
        one.command("keys", f"-use={NEW_KEY}")
        one.command("keys", f"-remove={KEY}")
        listed = self.coterie(a, "keys", "list", "-o", "json")
        answers = [json.loads(line) for line in listed.stdout.splitlines()[:-1]]
        self.assertEqual({answer["from"]: answer["keys"] for answer in answers}, {"a": [NEW_KEY], "s1": [NEW_KEY]})
        wait_for("still alive", lambda: one.members()["a"][0] == "alive")


if __name__ == "__main__":
    unittest.main(verbosity=2)
