"""The faults of the issue on real processes: start-up errors, hostile bytes, kills, leaves, a full disk."""
import json
import os
import random
import socket
import subprocess
import tempfile
import unittest

from cluster import AGENT, BIN, LEDGER, Cluster, Process, request, wait_for


def run(arguments, seconds=15):
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=seconds)
    return done.returncode, done.stderr.strip()


class StartUpErrors(unittest.TestCase):
    """Each mistake: one clear line with cause and remedy, and a non-zero exit."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="coterie-test-")

    def check(self, process, *words, arguments=None):
        code, text = run(arguments or process.arguments)
        self.assertNotEqual(code, 0)
        self.assertEqual(len(text.splitlines()), 1, text)
        for word in words:
            self.assertIn(word, text)

    def agent(self, name="a", **options):
        return Process(AGENT, name, self.directory, **options)

    def test_an_unknown_command_is_named(self):
        code, text = run([BIN + "/coterie", "bogus"])
        self.assertEqual(code, 2)
        self.assertEqual(text.strip(), "coterie: unknown command 'bogus'; coterie --help lists the commands")

    def test_an_unknown_flag_is_named(self):
        self.check(None, "unknown flag '--frobnicate'", "--help", arguments=AGENT + ["--name", "a", "--frobnicate", "1"])

    def test_a_missing_name_is_asked_for(self):
        self.check(None, "--name is missing", arguments=AGENT)

    def test_a_bad_address_says_how_to_write_one(self):
        self.check(None, "bad address 'nowhere'", "HOST:PORT",
                   arguments=AGENT + ["--name", "a", "--gossip", "nowhere", "--data", self.directory + "/a"])

    def test_an_address_that_no_peer_can_reach_is_refused(self):
        self.check(None, "cannot advertise 0.0.0.0:0",
                   arguments=AGENT + ["--name", "a", "--gossip", "0.0.0.0:0", "--data", self.directory + "/a"])

    def test_a_missing_parent_directory(self):
        self.check(self.agent(data=self.directory + "/no/such"), "parent does not exist", "--data")

    def test_a_port_in_use(self):
        agent = self.agent()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", agent.link))
            taken.listen()
            self.check(agent, "cannot listen on", "Address already in use", "choose another")

    def test_a_second_process_on_one_directory(self):
        first = self.agent("a").start().wait_ready()
        try:
            self.check(self.agent("a", data=first.data), "in use by another process", "--data")
        finally:
            first.kill()

    def test_the_directory_of_another_node(self):
        first = self.agent("a").start().wait_ready()
        first.kill()
        self.check(self.agent("b", data=first.data), "belongs to node 'a'", "--name a")

    def test_the_directory_of_another_cluster(self):
        one = self.agent("a").start().wait_ready()
        two = self.agent("b").start().wait_ready()
        two.kill()
        stray = self.agent("b", data=two.data, join=one.gossip)
        try:
            code, text = run(stray.arguments)
            self.assertEqual(code, 1)
            self.assertIn("belongs to cluster", text)
            self.assertIn("--data", text)
        finally:
            one.kill()

    def test_foreign_files_in_the_directory_are_tolerated(self):
        agent = self.agent()
        os.mkdir(agent.data)
        with open(agent.data + "/notes.txt", "w", encoding="utf-8") as file:
            file.write("mine")
        agent.start().wait_ready()
        self.assertEqual(agent.terminate(), 0)
        self.assertTrue(os.path.exists(agent.data + "/notes.txt"))


class GossipKeys(unittest.TestCase):
    """Three agents: two share key and label, the third one differs."""

    KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
    OTHER = "MDEyMzQ1Njc4OWFiY2RlZg=="

    def agent(self, name, join=None, extra=()):
        return Process([BIN + "/coterie", "agent"], name, self.directory, join=join, expect=2, extra=extra)

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="coterie-keys-")
        self.agents = []

    def tearDown(self):
        for agent in self.agents:
            if agent.process.poll() is None:
                agent.kill()

    def start(self, *args):
        self.agents.append(self.agent(*args).start())
        return self.agents[-1]

    def refused(self, agent):
        metrics = request(agent.management, "GET", "/metrics")[1]
        return int(next(l for l in metrics.splitlines() if l.startswith("coterie_gossip_refused_total")).split()[1])

    def check(self, same, different):
        one = self.start("a", None, same)
        two = self.start("b", one.gossip, same)
        one.wait_ready()
        two.wait_ready()
        stranger = self.start("c", one.gossip, different)
        wait_for("the stranger is refused", lambda: self.refused(one) > 0)
        self.assertEqual(sorted(one.members()), ["a", "b"])
        wait_for("the log says why", lambda: "gossip from" in one.log())
        self.assertEqual(one.log().count("gossip from"), 1)
        self.assertEqual(sorted(stranger.members()), ["c"])

    def test_another_key_is_refused(self):
        self.check(("--key", self.KEY), ("--key", self.OTHER))

    def test_plain_text_is_refused_by_an_encrypted_pool(self):
        self.check(("--key", self.KEY), ())

    def test_another_label_is_refused(self):
        self.check(("--label", "pool"), ("--label", "other"))

    def test_a_key_is_changed_by_rolling_restarts(self):
        one = self.start("a", None, ("--key", self.KEY, "--key", self.OTHER))
        two = self.start("b", one.gossip, ("--key", self.OTHER, "--key", self.KEY))
        one.wait_ready()
        two.wait_ready()
        self.assertEqual(sorted(one.members()), ["a", "b"])

    def test_a_bad_key_is_a_start_up_error(self):
        for key in ("short", "MDEyMw=="):
            code, text = run(self.agent("a", None, ("--key", key)).arguments)
            self.assertEqual(code, 1)
            self.assertIn("--key", text)


class OneLedger(unittest.TestCase):
    def setUp(self):
        self.cluster = Cluster(1).__enter__()
        self.node = self.cluster.nodes[0]

    def tearDown(self):
        self.cluster.__exit__()

    def test_statuses_of_the_http_interface(self):
        post = lambda path, body: request(self.node.http, "POST", path, body)[0]
        for why, expected, actual in [
            ("never seen", '{"balance_cents":0,"id":"new","sequence":0}', request(self.node.http, "GET", "/accounts/new")[1]),
            ("deposit", 200, post("/accounts/a/deposit", '{"cents":5,"id":"1"}')),
            ("not JSON", 400, post("/accounts/a/deposit", "five")),
            ("no id", 400, post("/accounts/a/deposit", '{"cents":5}')),
            ("negative", 400, post("/accounts/a/deposit", '{"cents":-5,"id":"2"}')),
            ("zero", 400, post("/accounts/a/deposit", '{"cents":0,"id":"2"}')),
            ("float", 400, post("/accounts/a/deposit", '{"cents":1.5,"id":"2"}')),
            ("too much", 409, post("/accounts/a/withdraw", '{"cents":6,"id":"3"}')),
            ("retry decides anew", 409, post("/accounts/a/withdraw", '{"cents":6,"id":"3"}')),
            ("exactly all", 200, post("/accounts/a/withdraw", '{"cents":5,"id":"4"}')),
            ("large id", 413, post("/accounts/" + "x" * 256 + "/deposit", '{"cents":5,"id":"5"}')),
            ("largest id", 200, post("/accounts/" + "x" * 255 + "/deposit", '{"cents":5,"id":"6"}')),
            ("large body", 413, post("/accounts/a/deposit", "x" * 70000)),
            ("wrong method", 405, request(self.node.http, "DELETE", "/accounts/a")[0]),
            ("wrong path", 404, request(self.node.http, "GET", "/nothing")[0]),
        ]:
            with self.subTest(why):
                self.assertEqual(actual, expected)

    def test_a_command_seen_before_answers_as_the_first_time(self):
        first = self.node.deposit("alice", 5, "same")
        self.node.deposit("alice", 7, "other")
        self.assertEqual(self.node.deposit("alice", 5, "same")[:2], first[:2])
        self.assertEqual(self.node.balance("alice"), 12)

    def test_hostile_bytes_are_counted_and_change_nothing(self):
        noise = random.Random(1)
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for size in [0, 1, 2, 100, 1400, 60000] * 20:
            udp.sendto(noise.randbytes(size), ("127.0.0.1", self.node.gossip))
        for port in (self.node.gossip, self.node.link):
            for size in (1, 12, 100, 100000):
                with socket.create_connection(("127.0.0.1", port), timeout=5) as tcp:
                    try:
                        tcp.sendall(noise.randbytes(size))
                    except OSError:
                        pass  # cut off: as it should be
        self.assertEqual(self.node.deposit("bob", 1, "x")[0], 200)
        metrics = lambda: dict(l.rsplit(" ", 1) for l in request(self.node.management, "GET", "/metrics")[1].splitlines()
                               if not l.startswith("#"))
        wait_for("counted", lambda: int(metrics()["coterie_gossip_malformed_total"]) > 0
                 and int(metrics()["coterie_link_malformed_total"]) > 0)
        with open(f"/proc/{self.node.process.pid}/status", encoding="utf-8") as status:
            resident = next(int(l.split()[1]) for l in status if l.startswith("VmRSS"))
        self.assertLess(resident, 256 * 1024)
        self.assertEqual(list(self.node.members()), ["n1"])

    def test_management_answers(self):
        for path, expected in [("/health/live", 200), ("/health/ready", 200), ("/metrics", 200), ("/nothing", 404)]:
            self.assertEqual(request(self.node.management, "GET", path)[0], expected)
        self.assertEqual(request(self.node.management, "POST", "/members")[0], 405)
        shards = json.loads(subprocess.check_output([BIN + "/coterie", "shards", "-o", "json", "--management",
                                                     f"127.0.0.1:{self.node.management}"]))
        self.assertEqual(len(shards), 256)
        self.assertEqual({(s["primary"], s["epoch"], tuple(s["in_sync"])) for s in shards}, {("n1", 1, ("n1",))})

    def test_metrics_are_clean(self):
        promtool = os.environ.get("PROMTOOL")
        if not promtool:
            self.skipTest("promtool is not installed; ./dev test installs it")
        text = request(self.node.management, "GET", "/metrics")[1]
        done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_a_restart_takes_the_next_epoch_and_keeps_everything(self):
        self.node.deposit("carol", 9, "a")
        self.node.kill()
        self.node.start().wait_ready()
        self.assertEqual(self.node.balance("carol"), 9)
        self.assertEqual(json.loads(self.node.deposit("carol", 9, "a")[1])["sequence"], 1)
        shards = json.loads(request(self.node.management, "GET", "/shards")[1])
        self.assertEqual({s["epoch"] for s in shards}, {2})

    def test_sigterm_exits_zero_within_ten_seconds(self):
        self.assertEqual(self.node.terminate(), 0)


class ThreeLedgers(unittest.TestCase):
    def test_nodes_with_no_one_and_two_data_threads_form_one_system(self):
        directory = tempfile.mkdtemp(prefix="coterie-test-")
        nodes = [Process(LEDGER, "n1", directory, expect=3, extra=("--workers", "0"))]
        for i in (1, 2):
            nodes.append(Process(LEDGER, f"n{i + 1}", directory, join=nodes[0].gossip, expect=3, extra=("--workers", str(i))))
        try:
            for node in nodes:
                node.start()
            for node in nodes:
                node.wait_ready()
            for i in range(60):
                wait_for("acknowledged", lambda i=i: nodes[i % 3].deposit(f"acc{i}", i + 1, "1")[0] == 200)
            for i in range(60):
                self.assertEqual(nodes[(i + 1) % 3].balance(f"acc{i}"), i + 1)
            for node in nodes:
                self.assertEqual(node.terminate(), 0)
        finally:
            for node in nodes:
                if node.process.poll() is None:
                    node.kill()

    def test_kill_leave_and_return(self):
        with Cluster() as cluster:
            host, victim, other = cluster.nodes
            for i in range(60):
                self.assertEqual(cluster.nodes[i % 3].deposit(f"acc{i}", i + 1, "1")[0], 200)
            victim.kill()
            first = [host.deposit(f"acc{i}", 1, "2") for i in range(60)]
            self.assertLessEqual({answer[0] for answer in first}, {200, 503}, "served, or told to try again")
            self.assertTrue(all("Retry-After" in answer[2] for answer in first if answer[0] == 503))
            for i in range(60):
                wait_for("the shards of the dead are led by others", lambda i=i: host.deposit(f"acc{i}", 1, "2")[0] == 200)
            wait_for("the kill is noticed", lambda: other.members()["n2"]["state"] == "dead")
            victim.start().wait_ready()
            for i in range(60):
                command = json.dumps({"cents": 1, "id": "2"})
                wait_for("acknowledged", lambda i=i: request(other.http, "POST", f"/accounts/acc{i}/deposit", command)[0] == 200)
            for i in range(60):
                self.assertEqual(host.balance(f"acc{i}"), i + 2)
            wait_for("everyone sees it alive", lambda: all(n.members()["n2"]["state"] == "alive" for n in cluster.nodes))
            self.assertEqual(other.terminate(), 0)
            wait_for("the leave is seen as left", lambda: host.members()["n3"]["state"] == "left")


class FullDisk(unittest.TestCase):
    most_accounts = 20_000  # a disk that takes so many is not full: the file would be larger than it

    def test_a_full_disk_acknowledges_nothing_and_recovers_when_space_returns(self):
        mount = tempfile.mkdtemp(prefix="coterie-disk-")
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", mount], capture_output=True).returncode != 0:
            self.skipTest("this host does not let the test mount a tmpfs")
        node = Process(LEDGER, "n1", tempfile.mkdtemp(prefix="coterie-test-"), data=mount + "/n1")
        try:
            node.start().wait_ready()
            self.assertEqual(node.deposit("a", 1, "before")[0], 200)
            with open(mount + "/ballast", "wb") as ballast:
                try:
                    while True:
                        ballast.write(b"x" * 65536)
                        ballast.flush()
                except OSError:
                    pass
            # How many find room in pages that the journal had freed is chance.
            answers = []
            while sum(status != 200 for status, *_ in answers) < 20 and len(answers) < self.most_accounts:
                answers.append(node.deposit(f"big{len(answers)}", 1, "x"))
            bad = [answer for answer in answers if answer[0] != 200]
            self.assertTrue(bad, "the disk never filled")
            self.assertEqual({r[0] for r in bad}, {503})
            self.assertIn("disk is full", bad[0][1])
            acknowledged = len(answers) - len(bad)
            os.remove(mount + "/ballast")
            wait_for("works again", lambda: node.deposit("a", 1, "after")[0] == 200)
            self.assertEqual(node.balance("a"), 2)
            # Each shard is opened again half a second after its disk failed.
            balances = lambda: [node.balance(f"big{i}") for i in range(len(answers))]
            wait_for("every account can be read", lambda: None not in balances())
            self.assertEqual(sum(balances()), acknowledged)
            node.kill()
            node.start().wait_ready()
            self.assertEqual(node.balance("a"), 2)
            self.assertEqual(sum(balances()), acknowledged)
        finally:
            if node.process.poll() is None:
                node.kill()
            subprocess.run(["umount", "-l", mount], check=False)


if __name__ == "__main__":
    unittest.main(verbosity=2)
