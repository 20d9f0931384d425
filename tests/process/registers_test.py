#!/usr/bin/env python3
"""The placement registers on a Raft group of real processes: leaders that are killed, a quorum that is lost, disks that are lost."""
import json
import os
import shutil
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from cluster import BIN, Cluster, request, wait_for  # noqa: E402


def roles(node):
    """Who is what in the registers' group, as this node sees it; nothing while it starts."""
    try:
        return {name: m["registers"] for name, m in node.members().items()}
    except (OSError, TypeError):
        return {}


def alive(cluster):
    return [n for n in cluster.nodes if n.process.poll() is None]


def settled(cluster, voters):
    """All who live agree on one leader that lives, and on so many voters."""
    views = [roles(n) for n in alive(cluster)]
    leaders = {name for view in views for name, role in view.items() if role == "leader"}
    names = {n.name for n in alive(cluster)}
    return len(leaders) == 1 and leaders <= names and \
        all(sum(role in ("leader", "voter") for role in view.values()) == voters for view in views)


def leader_of(cluster):
    view = roles(alive(cluster)[0])
    name = next(name for name, role in view.items() if role == "leader")
    return next(n for n in cluster.nodes if n.name == name)


class Registers(unittest.TestCase):
    def test_three_nodes_are_three_voters_and_every_leader_may_be_killed(self):
        with Cluster() as cluster:
            accounts = [f"acc{i}" for i in range(40)]
            for account in accounts:
                self.assertEqual(cluster.nodes[0].deposit(account, 1, "1")[0], 200)
            for round_ in range(4):
                wait_for(f"three voters, round {round_}: {[roles(n) for n in alive(cluster)]}", lambda: settled(cluster, 3))
                victim = leader_of(cluster)
                victim.kill()
                wait_for("another leads", lambda: settled(cluster, 3))
                # It claims its shards under a new epoch, and that takes the registers.
                victim.start().wait_ready()
                for account in accounts:
                    wait_for("acknowledged", lambda a=account, r=round_: victim.deposit(a, 1, f"again{r}")[0] == 200)
            self.assertEqual({cluster.nodes[1].balance(a) for a in accounts}, {5})

    def test_without_a_majority_nothing_changes_hands_and_healthy_shards_serve(self):
        with Cluster(extra=("--replicas", "1")) as cluster:
            first, second, third = cluster.nodes
            accounts = [f"acc{i}" for i in range(40)]
            self.assertEqual({second.deposit(a, 1, "1")[0] for a in accounts}, {200})
            wait_for("three voters", lambda: settled(cluster, 3))
            first.kill()
            third.kill()
            wait_for("the loss is seen", lambda: "have no leader" in second.health())
            self.assertTrue(second.ready())
            for words, code in ((("rebalance", "--dry-run"), 0), (("explain", "0"), 0), (("rebalance", "--timeout", "1"), 1)):
                done = subprocess.run([BIN + "/coterie", *words, "--management", f"127.0.0.1:{second.management}"],
                                      capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)
                self.assertIn("the placement registers have no leader", done.stdout + done.stderr)
                self.assertNotIn("it goes on", done.stderr)
            served = [a for a in accounts if second.deposit(a, 1, "2")[0] == 200]
            self.assertTrue(0 < len(served) < len(accounts))
            third.start().wait_ready()  # two of three are a majority
            first.start().wait_ready()
            wait_for("all serve again", lambda: all(second.deposit(a, 1, "3")[0] == 200 for a in accounts))

    def test_nodes_that_are_drained_and_stopped_one_after_the_other_take_no_vote_with_them(self):
        for size in (2, 3):
            with Cluster(size, extra=("--replicas", "1")) as cluster:
                last = cluster.nodes[-1]
                for account in range(20):
                    self.assertEqual(last.deposit(f"acc{account}", 1, "x")[0], 200)
                for node in cluster.nodes[:-1]:
                    done = subprocess.run([BIN + "/coterie", "drain", node.name, "--timeout", "60", "--management",
                                           f"127.0.0.1:{last.management}"], capture_output=True, text=True, check=False)
                    self.assertEqual(done.returncode, 0, done.stderr + node.log() + last.log())
                    self.assertEqual(node.terminate(), 0)
                last.kill()
                last.start().wait_ready()
                self.assertEqual([last.balance(f"acc{account}") for account in range(20)], [1] * 20)

    def test_a_leader_that_stood_still_leads_no_longer(self):
        with Cluster() as cluster:
            wait_for("three voters", lambda: settled(cluster, 3))
            old = leader_of(cluster)
            os.kill(old.process.pid, signal.SIGSTOP)
            try:
                others = [n for n in cluster.nodes if n is not old]
                wait_for("another leads", lambda: any(role == "leader" and name != old.name
                                                      for name, role in roles(others[0]).items()))
            finally:
                os.kill(old.process.pid, signal.SIGCONT)
            wait_for("it follows", lambda: settled(cluster, 3))
            self.assertIsNot(leader_of(cluster), old)

    def test_a_voter_that_lost_its_disk_comes_back_as_another_one(self):
        # It is another replica, too: it learns its shards from the others and is in sync again.
        with Cluster() as cluster:
            wait_for("three voters", lambda: settled(cluster, 3))
            for i in range(40):
                self.assertEqual(cluster.nodes[0].deposit(f"acc{i}", 1, "1")[0], 200)
            victim = next(n for n in cluster.nodes if n is not leader_of(cluster) and n is not cluster.nodes[0])
            victim.kill()
            shutil.rmtree(victim.data)
            victim.start()
            wait_for(f"it votes again: {[roles(n) for n in alive(cluster)]}", lambda: settled(cluster, 3))
            leader = leader_of(cluster)
            wait_for("the new disk was added before the old one went", lambda: "learns the placement registers" in leader.log())
            victim.wait_ready()
            wait_for("three copies of each shard are in sync", lambda: all(
                len(s["in_sync"]) == 3 for s in json.loads(request(leader.management, "GET", "/shards")[1])))
            self.assertEqual({victim.balance(f"acc{i}") for i in range(40)}, {1})

    def test_five_nodes_are_five_voters_and_two_may_go(self):
        with Cluster(5) as cluster:
            wait_for(f"five voters: {[roles(n) for n in alive(cluster)]}", lambda: settled(cluster, 5))
            for _ in range(2):
                leader_of(cluster).kill()
                wait_for("another leads", lambda: settled(cluster, 5))
            metrics = request(leader_of(cluster).management, "GET", "/metrics")[1]
            self.assertIn("coterie_registers_leads 1", metrics)


if __name__ == "__main__":
    unittest.main(verbosity=2)
