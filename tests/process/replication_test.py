"""Five ledger processes that lose members, for good or for a while: whatever was acknowledged is there, once."""
import json
import os
import random
import signal
import tempfile
import threading
import time
import unittest

from cluster import LEDGER, Cluster, Process, request, wait_for
from registers_test import settled

ACCOUNTS = [f"acc{i}" for i in range(40)]
CHAOS_ROUNDS = int(os.environ.get("COTERIE_CHAOS_ROUNDS", "20"))


class Load:
    """Deposits of one cent through any node, each again under its own id until it is acknowledged."""

    def __init__(self, nodes, clients=6):
        self.nodes = nodes
        self.stop = threading.Event()
        self.abandoned = threading.Event()
        self.lock = threading.Lock()
        self.acknowledged = dict.fromkeys(ACCOUNTS, 0)
        self.looks = 0
        self.stale = []  # reads that missed what was acknowledged before
        self.refused = []  # answers that were no acknowledgement
        self.threads = [threading.Thread(target=self.client, args=(number,), daemon=True) for number in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, problem, _):
        self.stop.set()
        until = time.monotonic() + 60
        for thread in self.threads:
            thread.join(timeout=max(0.0, until - time.monotonic()))
        unanswered = [thread.name for thread in self.threads if thread.is_alive()]
        self.abandoned.set()
        if unanswered:
            raise AssertionError(f"still not acknowledged a minute later: {unanswered}; newest answers {self.refused[-6:]}") from problem

    def client(self, number):
        choice = random.Random(number)
        count = 0
        while not self.stop.is_set():
            count += 1
            account = choice.choice(ACCOUNTS)
            body = json.dumps({"cents": 1, "id": f"{number}-{count}"})
            while True:
                node = choice.choice(self.nodes)
                try:
                    status, answer, _ = request(node.http, "POST", f"/accounts/{account}/deposit", body, timeout=3)
                except OSError as problem:
                    status, answer = 0, str(problem)
                if status == 200:
                    with self.lock:
                        self.acknowledged[account] += 1
                    self.look(choice)
                    break
                self.refused.append((node.name, status, answer))
                if self.abandoned.wait(0.02) or (self.stop.is_set() and self.given_up()):
                    return

    def look(self, choice):
        """Whoever answers a read, it sees what was acknowledged before it."""
        account = choice.choice(ACCOUNTS)
        with self.lock:
            floor = self.acknowledged[account]
        try:
            status, body, _ = request(choice.choice(self.nodes).http, "GET", f"/accounts/{account}", timeout=0.5)
        except OSError:
            return
        if status == 200:
            self.looks += 1
            found = json.loads(body)["balance_cents"]
            if found < floor:
                self.stale.append((account, floor, found))

    def given_up(self):
        """At the end every deposit is still carried to its acknowledgement, unless nobody is there."""
        return not any(node.process.poll() is None for node in self.nodes)

    def total(self):
        with self.lock:
            return sum(self.acknowledged.values())

    def goes_on(self, count=200):
        start = self.total()
        wait_for(f"{count} more deposits are acknowledged, now {start}", lambda: self.total() >= start + count)


def balance(nodes, account):
    for node in nodes:
        if node.process.poll() is not None:
            continue
        try:
            status, body, _ = request(node.http, "GET", f"/accounts/{account}", timeout=5)
        except OSError:
            continue
        if status == 200:
            return json.loads(body)["balance_cents"]
    return None


def wrong_balances(nodes, load):
    """Account -> (acknowledged, found): what was lost or doubled."""
    wrong = {}
    for account, expected in load.acknowledged.items():
        wait_for(f"{account} can be read", lambda account=account: balance(nodes, account) is not None)
        found = balance(nodes, account)
        if found != expected:
            wrong[account] = (expected, found)
    return wrong


class Copies(unittest.TestCase):
    def setUp(self):
        self.nodes = []

    def five(self, *extra):
        cluster = Cluster(5, extra=extra).__enter__()
        self.addCleanup(cluster.__exit__)
        self.nodes = cluster.nodes
        # Before, the registers hang on fewer nodes, and with the wrong one killed nothing changes hands.
        wait_for("five voters", lambda: settled(cluster, 5))

    def logs(self):
        return "\n".join(f"--- {node.name}\n{node.log()[-3000:]}" for node in self.nodes)

    def check(self, load):
        self.assertEqual(load.stale, [], self.logs())
        self.assertGreater(load.looks, 0)
        self.assertEqual(wrong_balances(self.nodes, load), {}, self.logs())

    def shards(self, node):
        return json.loads(request(node.management, "GET", "/shards")[1])

    def test_two_are_killed_for_good_and_nothing_is_missing(self):
        self.five()
        with Load(self.nodes) as load:
            load.goes_on()
            self.nodes[1].kill()
            load.goes_on()
            self.nodes[0].kill()  # it formed the cluster
            load.goes_on()
            alive = self.nodes[2:]
            names = {node.name for node in alive}
            wait_for("every shard has two copies of three among those that are left; " + self.logs(),
                     lambda: all(len(set(s["in_sync"]) & names) >= 2 and s["primary"] in names for s in self.shards(alive[0])))
            load.goes_on()
        self.check(load)

    def test_a_third_copy_is_made_where_one_is_gone_for_good(self):
        self.five()
        with Load(self.nodes) as load:
            load.goes_on()
            self.nodes[3].kill()
            names = {node.name for node in self.nodes} - {self.nodes[3].name}
            wait_for("three copies of each shard are in sync again", lambda: all(
                len(s["in_sync"]) == 3 and set(s["in_sync"]) <= names for s in self.shards(self.nodes[0])), seconds=90)
        self.check(load)

    def test_a_single_node_grows_to_three_and_may_then_be_lost(self):
        directory = tempfile.mkdtemp(prefix="coterie-test-")
        nodes = [Process(LEDGER, "n1", directory)]
        nodes += [Process(LEDGER, name, directory, join=nodes[0].gossip) for name in ("n2", "n3")]
        try:
            nodes[0].start().wait_ready()
            for account in ACCOUNTS:
                self.assertEqual(nodes[0].deposit(account, 3, "1")[0], 200)
            for node in nodes[1:]:
                node.start().wait_ready()
            wait_for("three copies of each shard are in sync, two of which must agree", lambda: all(
                len(s["in_sync"]) == 3 and s["min_in_sync"] == 2 for s in self.shards(nodes[1])))
            wait_for("the registers have three voters", lambda: sum(
                m["registers"] in ("voter", "leader") for m in nodes[1].members().values()) == 3)
            nodes[0].kill()
            for account in ACCOUNTS:
                wait_for(f"{account} is served by another", lambda a=account: nodes[2].deposit(a, 3, "1")[0] == 200)
                self.assertEqual(balance(nodes, account), 3)
        finally:
            for node in nodes:
                if node.process and node.process.poll() is None:
                    node.kill()

    def test_all_are_killed_at_one_moment_under_load_and_come_back_with_everything(self):
        self.five()
        with Load(self.nodes) as load:
            for _ in range(3):
                load.goes_on()
                for node in self.nodes:
                    node.process.send_signal(signal.SIGKILL)
                for node in self.nodes:
                    node.kill()
                for node in self.nodes:
                    node.start()
                wait_for("all are ready again; " + self.logs(), lambda: all(node.ready() for node in self.nodes))
            load.goes_on()
        self.check(load)

    def test_rounds_of_kill_stop_and_restart_with_read_leases(self):
        self.five("--read-lease", "100")
        choice = random.Random(int(os.environ.get("COTERIE_CHAOS_SEED", "1")))
        with Load(self.nodes) as load:
            for number in range(CHAOS_ROUNDS):
                node = choice.choice(self.nodes)
                kind = choice.choice(("kill", "stop", "leave"))
                if kind == "kill":
                    node.kill()
                    load.goes_on(100)
                    node.start()
                elif kind == "stop":
                    node.process.send_signal(signal.SIGSTOP)
                    others = [other for other in self.nodes if other is not node]
                    wait_for(f"round {number}: its shards are led by others", lambda node=node, others=others: all(
                        s["primary"] != node.name for s in self.shards(others[0])))
                    load.goes_on(100)
                    node.process.send_signal(signal.SIGCONT)
                else:
                    self.assertEqual(node.terminate(), 0, node.log())
                    load.goes_on(100)
                    node.start()
                wait_for(f"round {number}: {node.name} is ready after {kind}; {self.logs()}", node.ready)
        self.check(load)


if __name__ == "__main__":
    unittest.main(verbosity=2)
