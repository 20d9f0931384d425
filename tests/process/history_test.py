"""Nodes that keep little history: what is older goes, and nobody misses it."""
import json
import threading
import unittest

from cluster import Cluster, request, wait_for
from registers_test import settled

KEPT = 64  # KiB of each shard's log


def metric(node, name):
    lines = request(node.management, "GET", "/metrics")[1].splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith(name))


class History(unittest.TestCase):
    def setUp(self):
        self.cluster = Cluster(3, extra=("--keep-history", str(KEPT))).__enter__()
        self.addCleanup(self.cluster.__exit__)
        self.nodes = self.cluster.nodes
        wait_for("three voters and all copies in sync", lambda: settled(self.cluster, 3) and self.all_in_sync())

    def logs(self):
        return "\n".join(f"--- {node.name}\n{node.log()[-3000:]}" for node in self.nodes)

    def all_in_sync(self):
        shards = json.loads(request(self.nodes[0].management, "GET", "/shards")[1])
        return all(len(s["in_sync"]) == 3 for s in shards)

    def deposit(self, account, command):
        def acknowledged():
            for node in self.nodes:
                if node.process.poll() is None and node.deposit(account, 1, command)[0] == 200:
                    return True
            return False
        wait_for(lambda: f"{command} is acknowledged\n" + self.logs(), acknowledged)

    def deposits(self, account, first, count, clients=8):
        """Numbered commands, each of them once."""
        def some(offset):
            for number in range(first + offset, first + count, clients):
                self.deposit(account, f"{account}-{number}")
        threads = [threading.Thread(target=some, args=(offset,)) for offset in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def balance(self, account):
        found = []
        wait_for(lambda: f"{account} is read\n" + self.logs(), lambda: any(
            found.append(node.balance(account)) or found[-1] is not None for node in self.nodes if node.process.poll() is None))
        return found[-1]

    def test_old_records_go_and_a_copy_that_lacks_them_begins_anew(self):
        self.deposits("rests", 0, 1)
        away = self.nodes[2]
        away.kill()
        trims = 0

        def trimmed():
            return all(metric(node, "coterie_trims_total") > trims for node in self.nodes[:2])

        count = 0
        while not trimmed():
            self.assertLess(count, 10_000, self.logs())
            self.deposits("busy", count, 500)
            count += 500
        away.start().wait_ready()
        wait_for(lambda: "the copy that was away is in sync\n" + self.logs(), self.all_in_sync)
        self.assertIn("lacks what the others have trimmed", away.log())
        wait_for("one copy began anew", lambda: metric(away, "coterie_begun_anew_total") == 1)
        wait_for("three voters", lambda: settled(self.cluster, 3))
        self.nodes[0].kill()  # one of those from whom it learned
        self.assertEqual(self.balance("busy"), count)
        for number in (count - 1, count // 2, 0):  # in the checkpoint, or behind it
            self.deposit("busy", f"busy-{number}")
        self.assertEqual(self.balance("busy"), count)
        self.assertEqual(self.balance("rests"), 1)
        for node in self.nodes[1:]:
            self.assertEqual(node.terminate(), 0, node.log())
        for node in self.nodes[1:]:
            node.start()
        for node in self.nodes[1:]:
            node.wait_ready()
        self.deposit("busy", "busy-0")
        self.deposits("busy", count, 1)
        self.assertEqual(self.balance("busy"), count + 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
