"""Files that a disk changed: nothing damaged is served, the copies come back from the others, an only copy says what to do."""
import json
import os
import random
import shutil
import subprocess
import tempfile
import unittest

from cluster import BIN, LEDGER, Cluster, Process, request, wait_for
from registers_test import settled
from replication_test import ACCOUNTS, Load, balance, wrong_balances


HEADER = 96  # of a record, the entity's id behind it: docs/JOURNAL.md


def flip(path, account, which):
    """One bit of one of the account's records: `which` chooses among their sequences. Pages that are free have old copies of it:
    those as well, as nobody can tell them apart from here."""
    with open(path, "r+b") as file:
        data = file.read()
        found = {}
        at = data.find(account.encode(), HEADER)
        while at >= 0:
            header = data[at - HEADER:at]
            if header[86] == len(account) and header[16] == 1:  # length of the id, version
                found.setdefault(int.from_bytes(header[48:56], "little"), []).append(at)
            at = data.find(account.encode(), at + 1)
        for place in found[which(found)]:
            file.seek(place)
            file.write(bytes([data[place] ^ 1]))


def metric(node, name):
    lines = request(node.management, "GET", "/metrics")[1].splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith(name))


class Damage(unittest.TestCase):
    def setUp(self):
        self.nodes = []

    def three(self):
        cluster = Cluster(3).__enter__()
        self.addCleanup(cluster.__exit__)
        self.nodes = cluster.nodes
        wait_for("three voters and all copies in sync", lambda: settled(cluster, 3) and self.all_in_sync())

    def logs(self):
        return "\n".join(f"--- {node.name}\n{node.log()[-3000:]}" for node in self.nodes)

    def all_in_sync(self):
        shards = json.loads(request(self.nodes[0].management, "GET", "/shards")[1])
        return all(len(s["in_sync"]) == 3 for s in shards)

    def test_damaged_records_come_back_from_the_others_and_nothing_is_missing(self):
        self.three()
        with Load(self.nodes) as load:
            load.goes_on(400)
            victim = self.nodes[1]
            victim.kill()
            for i, account in enumerate(ACCOUNTS[:6]):
                flip(victim.data + "/journal-0.mdb", account, min if i % 2 else max)
            load.goes_on(50)
            victim.start().wait_ready()
            wait_for(lambda: "the damage is found\n" + self.logs(), lambda: metric(victim, "coterie_damaged_copies_total") > 0)
            wait_for(lambda: "every damaged copy is made anew and in sync\n" + self.logs(), lambda: self.all_in_sync() and metric(
                victim, "coterie_renewed_copies_total") >= metric(victim, "coterie_damaged_copies_total"))
            load.goes_on(50)
            self.nodes[0].kill()  # what the victim learned is needed now
            load.goes_on(50)
        self.assertEqual(wrong_balances(self.nodes, load), {}, self.logs())
        self.assertIn("is damaged behind record", victim.log())
        again = victim.terminate()
        self.assertEqual(again, 0, victim.log())
        victim.start().wait_ready()  # by the names that its copies have now
        self.assertEqual(wrong_balances(self.nodes, load), {}, self.logs())

    def test_the_first_node_without_its_directory_does_not_become_a_cluster_of_its_own(self):
        directory = tempfile.mkdtemp(prefix="coterie-test-")
        first = Process(LEDGER, "n1", directory)
        self.nodes = [first] + [Process(LEDGER, f"n{i}", directory, join=first.gossip) for i in (2, 3)]
        for node in self.nodes:
            self.addCleanup(lambda node=node: node.process.poll() is None and node.kill())
            node.start().wait_ready()
        wait_for("all copies are in sync", self.all_in_sync, seconds=60)
        for account in ACCOUNTS:
            self.assertEqual(first.deposit(account, 1, "x")[0], 200)
        first.kill()
        shutil.rmtree(first.data)
        first.start()
        self.assertEqual(first.process.wait(timeout=150), 1, self.logs())
        self.assertIn("formed another one by itself", first.log().splitlines()[-1])
        shutil.rmtree(first.data)
        first.arguments += ["--join", f"127.0.0.1:{self.nodes[1].gossip}"]
        first.start().wait_ready()
        self.assertEqual({first.balance(account) for account in ACCOUNTS}, {1}, self.logs())

    def test_an_older_copy_of_a_directory_is_refused_and_an_empty_one_learns_everything(self):
        self.three()
        victim = self.nodes[1]
        with Load(self.nodes) as load:
            load.goes_on(100)
            victim.kill()
            older = victim.data + ".older"
            shutil.copytree(victim.data, older)
            victim.start().wait_ready()
            load.goes_on(100)  # acknowledged by the newest copy
            wait_for("all copies are in sync", self.all_in_sync)
            victim.kill()
            shutil.rmtree(victim.data)
            shutil.copytree(older, victim.data)
            for _ in range(3):  # no number of attempts makes it newer
                before = len(victim.log())
                victim.start()
                self.assertNotEqual(victim.process.wait(timeout=30), 0, victim.log())
                self.assertIn("older copy", victim.log()[before:])
            load.goes_on(100)
            shutil.rmtree(victim.data)
            victim.start().wait_ready()
            wait_for("every shard has three copies in sync again; " + self.logs(), self.all_in_sync)
        self.assertEqual(wrong_balances(self.nodes, load), {}, self.logs())

    def test_a_journal_that_was_cut_is_refused_with_what_to_do_and_comes_back_from_the_others(self):
        self.three()
        with Load(self.nodes) as load:
            load.goes_on(200)
            victim = self.nodes[2]
            victim.kill()
            os.truncate(victim.data + "/journal-0.mdb", os.path.getsize(victim.data + "/journal-0.mdb") // 2)
            done = subprocess.run(victim.arguments, capture_output=True, text=True, timeout=30)
            self.assertNotEqual(done.returncode, 0, done.stderr)
            self.assertIn("move the data directory away", done.stderr.splitlines()[-1])
            os.rename(victim.data, victim.data + "-damaged")
            victim.arguments += ["--join", f"127.0.0.1:{self.nodes[0].gossip}"]
            victim.start().wait_ready()
            wait_for(lambda: "all copies are in sync again\n" + self.logs(), self.all_in_sync, seconds=90)
            wait_for("the new disk votes in the place of the old", lambda: sum(
                m["registers"] in ("voter", "leader") for m in self.nodes[0].members().values()) == 3)
            self.nodes[1].kill()
            load.goes_on(50)
        self.assertEqual(wrong_balances(self.nodes, load), {}, self.logs())

    def refused(self, victim, words):
        done = subprocess.run(victim.arguments, capture_output=True, text=True, timeout=30)
        self.assertNotEqual(done.returncode, 0, done.stderr)
        self.assertIn(words, done.stderr.splitlines()[-1])
        self.assertIn("move the directory away", done.stderr.splitlines()[-1])

    def test_a_journal_that_is_lost_older_or_another_nodes_is_refused_although_the_rest_is_there(self):
        self.three()
        with Load(self.nodes) as load:
            load.goes_on(200)
            victim, other = self.nodes[2], self.nodes[1]
            victim.kill()
            journal = victim.data + "/journal-0.mdb"
            shutil.copy(journal, journal + ".older")
            victim.start().wait_ready()
            load.goes_on(50)  # acknowledged by the newer one
            victim.kill()
            os.rename(journal, journal + ".newest")
            self.refused(victim, "is missing")
            shutil.copy(journal + ".older", journal)
            self.refused(victim, "is an older copy")
            shutil.copy(other.data + "/journal-0.mdb", journal)
            self.refused(victim, "belongs to another data directory")
            os.rename(journal + ".newest", journal)
            victim.start().wait_ready()
            wait_for(lambda: "all copies are in sync again\n" + self.logs(), self.all_in_sync, seconds=90)
            load.goes_on(50)
        self.assertEqual(wrong_balances(self.nodes, load), {}, self.logs())

    def test_an_only_copy_is_closed_until_an_operator_gives_up_what_it_lost(self):
        node = Process(LEDGER, "n1", tempfile.mkdtemp(prefix="coterie-test-")).start().wait_ready()
        self.nodes = [node]
        try:
            for _ in range(3):
                for account in ACCOUNTS[:10]:
                    self.assertEqual(node.deposit(account, 1, str(random.random()))[0], 200)
            node.kill()
            flip(node.data + "/journal-0.mdb", "acc7", lambda found: sorted(found)[1])
            node.start()
            wait_for(lambda: "health names the shard\n" + node.log(), lambda: "coterie force-primary" in node.health())
            status, _, _ = request(node.http, "GET", "/accounts/acc7", timeout=5)
            self.assertEqual(status, 503)
            self.assertEqual(balance([node], "acc1"), 3)
            shard = json.loads(subprocess.run([BIN + "/coterie", "shards", "--management", f"127.0.0.1:{node.management}", "--of",
                                               "acc7", "-o", "json"], capture_output=True, text=True, check=True, timeout=10).stdout)
            number = str((shard if isinstance(shard, dict) else shard[0])["shard"])
            forced = subprocess.run([BIN + "/coterie", "force-primary", number, "n1", "--yes", "--management",
                                     f"127.0.0.1:{node.management}"], capture_output=True, text=True, timeout=60)
            self.assertEqual(forced.returncode, 0, forced.stderr)
            wait_for(lambda: "what is left is served\n" + node.log(), lambda: balance([node], "acc7") is not None)
            self.assertEqual(balance([node], "acc7"), 1)
            self.assertEqual(balance([node], "acc1"), 3)
            self.assertEqual(node.deposit("acc7", 1, "after")[0], 200)
        finally:
            node.kill()


if __name__ == "__main__":
    unittest.main(verbosity=2)
