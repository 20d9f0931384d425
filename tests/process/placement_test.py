"""Planned moves of real ledger processes under load: no client sees an error, and whatever was acknowledged is there, once."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

from cluster import BIN, LEDGER, Process, request, wait_for
from replication_test import Load, wrong_balances


class Placement(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="coterie-test-")
        self.nodes = []
        self.addCleanup(lambda: [n.kill() for n in self.nodes if n.process.poll() is None])

    def add(self, *extra):
        name = f"n{len(self.nodes) + 1}"
        node = Process(LEDGER, name, self.directory, join=self.nodes[0].gossip if self.nodes else None, extra=extra)
        self.nodes.append(node)
        node.start().wait_ready()
        return node

    def coterie(self, *arguments, code=0):
        done = subprocess.run([os.path.join(BIN, "coterie"), *arguments, "--management", f"127.0.0.1:{self.nodes[0].management}"],
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr + self.logs())
        return done.stdout + done.stderr

    def asked(self, node, *arguments):
        return subprocess.run([os.path.join(BIN, "coterie"), *arguments, "--management", f"127.0.0.1:{node.management}"],
                              capture_output=True, timeout=120, check=False).returncode == 0

    def told(self, *arguments):
        done = subprocess.run([os.path.join(BIN, "coterie"), *arguments, "--management", f"127.0.0.1:{self.nodes[0].management}"],
                              capture_output=True, text=True, timeout=120, check=False)
        return done.stdout + done.stderr

    def logs(self):
        return "\n".join(f"--- {node.name}\n{node.log()[-3000:]}" for node in self.nodes)

    def plan(self):
        return json.loads(request(self.nodes[0].management, "GET", "/placement")[1])

    def even(self, nodes, copies_of_each=3):
        """Everybody has its share, and nothing is under way."""
        plan = {node["node"]: node for node in self.plan()["nodes"]}
        leads = [plan[node.name]["leads"] for node in nodes if node.name in plan]
        copies = [plan[node.name]["copies"] for node in nodes if node.name in plan]
        return (len(leads) == len(nodes) and sum(leads) == 256 and max(leads) - min(leads) <= 1 and max(copies) - min(copies) <= 2
                and sum(copies) == 256 * min(copies_of_each, len(nodes)) and all(n["moving"] == 0 for n in plan.values()))

    def state(self):
        plan = self.plan()
        return f"everybody has its share; {json.dumps(plan['nodes'])}\n{self.logs()}"

    def test_nodes_join_drain_and_restart_and_no_client_sees_an_error(self):
        self.add()
        with Load(self.nodes[:1]) as load:
            load.goes_on(50)
            for _ in range(3):
                self.add()
                wait_for(self.state, lambda: self.even(self.nodes), seconds=60)
            load.goes_on()
            self.assertIn("'n3' leads 0 shards and has 0 copies", self.coterie("drain", "n3"))
            load.goes_on()
            self.assertIn("draining", self.coterie("rebalance", "--dry-run"))
            self.assertEqual(self.nodes[1].terminate(), 0, self.nodes[1].log())
            self.nodes[1].start()  # and asked at once: what it accepts is so
            wait_for("a node that has just started accepts it", lambda: self.asked(self.nodes[1], "uncordon", "n3"))
            wait_for(self.state, lambda: self.even(self.nodes), seconds=60)
            for node in self.nodes[1:]:
                self.assertEqual(node.terminate(), 0, node.log())
                node.start().wait_ready()
                wait_for(self.state, lambda: self.even(self.nodes), seconds=60)
                load.goes_on(50)
        self.assertEqual(load.refused, [], self.logs())
        self.assertEqual(wrong_balances(self.nodes, load), {}, self.logs())

    def test_a_shard_is_moved_explained_and_forced(self):
        for zone in ("a", "b", "c"):
            self.add("--zone", zone, "--role", "data", "--shards-on", "data")
        wait_for(self.state, lambda: self.even(self.nodes), seconds=60)
        shard = next(s["shard"] for s in json.loads(request(self.nodes[0].management, "GET", "/shards")[1]) if s["primary"] != "n2")
        self.coterie("cordon", "n1")  # so that the balance does not take it back
        self.coterie("cordon", "n3")
        for was in ("cordoned", ""):
            self.assertEqual(json.loads(self.coterie("uncordon", "n3", "-o", "json").splitlines()[0])["was"], was)
        self.coterie("cordon", "n3")
        self.assertIn(f"'n2' leads shard {shard}", self.coterie("move", str(shard), "n2"))
        told = json.loads(self.coterie("explain", str(shard), "-o", "json"))
        self.assertIn("a planned move", told["rule"])
        self.assertEqual({c["zone"] for c in told["copies"]}, {"a", "b", "c"})
        self.assertIn("nothing is to be done" if not told["state"] + told["next"] else "now:", self.coterie("explain", str(shard)))
        self.assertIn("is led by 'n2', which is up: coterie move loses nothing",
                      self.coterie("force-primary", str(shard), "n3", "--yes", code=1))
        self.coterie("force-primary", str(shard), "n3", "--yes", "--even-so")
        told = json.loads(self.coterie("explain", str(shard), "-o", "json"))
        self.assertIn("an operator forced it from 'n2'", told["rule"])
        wait_for("the others are in sync again", lambda: all(
            c["in_sync"] for c in json.loads(self.coterie("explain", str(shard), "-o", "json"))["copies"]))
        for arguments, said in ((("move", "7", "nobody"), "there is no node 'nobody'"), (("drain", "nobody"), "there is no node 'nobody'")):
            self.assertIn(said, self.coterie(*arguments, code=1))
        status, body, _ = request(self.nodes[0].management, "POST", "/placement", json.dumps({"action": "cordon", "node": "n1"}))
        self.assertEqual(status, 403, body)  # a page in a browser on this host could send that
        self.assertIn(self.plan()["leader"], ("n1", "n2", "n3"))
        self.assertTrue(all("slow" in node and not node["left"] for node in self.plan()["nodes"]))
        accepted = json.loads(self.coterie("drain", "n3", "--no-wait", "-o", "json"))
        self.assertEqual((accepted["accepted"], accepted["done"]), (True, None))
        self.assertIn("'n3' is being drained: coterie uncordon n3", self.coterie("move", str(shard), "n3", code=1))
        # Nobody is there for its copies.
        waited = json.loads(self.coterie("drain", "n3", "--timeout", "1", "-o", "json", code=1).splitlines()[0])
        self.assertEqual((waited["accepted"], waited["done"]), (True, False))
        self.nodes[2].kill()
        wait_for("the loss is seen", lambda: "down, draining" in self.coterie("rebalance", "--dry-run"))
        wait_for("a move to a node that is down is refused", lambda: "'n3' is down: start it" in self.told("move", str(shard), "n3"))

    def test_what_lay_on_a_lost_directory_is_told_and_neither_moved_nor_forced_to_who_lost_it(self):
        for _ in range(3):
            self.add("--replicas", "1", "--min-in-sync", "1")
        wait_for(self.state, lambda: self.even(self.nodes, copies_of_each=1), seconds=60)
        lost = next(s["shard"] for s in json.loads(request(self.nodes[0].management, "GET", "/shards")[1]) if s["primary"] == "n2")
        self.nodes[1].kill()
        shutil.rmtree(self.nodes[1].data)
        self.nodes[1].start()
        wait_for(self.state, lambda: "unavailable: node 'n2' is back with another data directory" in self.nodes[0].health())
        self.assertIn("is not here: nothing can be moved", self.coterie("move", str(lost), "n3", code=1))
        self.assertIn("in its data directory", self.coterie("force-primary", str(lost), "n2", "--yes", code=1))


if __name__ == "__main__":
    unittest.main(verbosity=2)
