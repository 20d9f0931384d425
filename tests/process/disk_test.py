"""Three ledger processes, one of them on a disk that is slow or fails (tests/process/bad_disk.cpp), under load."""
import errno
import json
import os
import signal
import subprocess
import tempfile
import unittest

from cluster import BIN, Cluster, request, wait_for
from registers_test import settled
from replication_test import Load, wrong_balances

JOURNAL = "journal-0.mdb"


class BadDisk(unittest.TestCase):
    def setUp(self):
        cluster = Cluster(3).__enter__()
        self.addCleanup(cluster.__exit__)
        self.nodes = cluster.nodes
        wait_for("three voters and all copies in sync", lambda: settled(cluster, 3) and self.all_in_sync())
        self.victim = self.nodes[2]
        self.control = tempfile.mktemp(prefix="coterie-test-disk-")
        self.victim.environment = os.environ | {"LD_PRELOAD": BIN + "/libcoterie_bad_disk.so", "COTERIE_BAD_DISK": self.control}
        self.assertEqual(self.victim.terminate(), 0, self.victim.log())
        self.victim.start().wait_ready()
        wait_for(lambda: "it leads its share again\n" + self.logs(), lambda: self.led() > 60 and self.all_in_sync(), seconds=90)

    def tearDown(self):
        self.set_disk("", 0, 0)

    def set_disk(self, name, milliseconds, error):
        with open(self.control + ".new", "w", encoding="utf-8") as control:
            control.write(f"{name} {milliseconds} {error}\n" if name else "")
        os.rename(self.control + ".new", self.control)

    def shards(self):
        return json.loads(request(self.nodes[0].management, "GET", "/shards")[1])

    def led(self):
        return sum(s["primary"] == self.victim.name for s in self.shards())

    def all_in_sync(self):
        return all(len(s["in_sync"]) == 3 for s in self.shards())

    def logs(self):
        return "\n".join(f"--- {node.name}\n{node.log()[-3000:]}" for node in self.nodes)

    def test_a_slow_disk_leads_nothing_until_it_is_well_again_and_nothing_is_missing(self):
        with Load(self.nodes) as load:
            load.goes_on(100)
            self.set_disk(JOURNAL, 3000, 0)
            wait_for(lambda: "others lead its shards\n" + self.logs(), lambda: self.led() == 0, seconds=60)
            self.assertIn("disk is slow", self.victim.health())
            load.goes_on(100)
            self.set_disk("", 0, 0)
            load.goes_on(100)
            wait_for(lambda: "it leads again\n" + self.logs(), lambda: self.led() > 60 and self.all_in_sync(), seconds=120)
        self.assertEqual(wrong_balances(self.nodes, load), {}, self.logs())

    def it_ends_and_a_restart_repairs(self, file, error, says, then=lambda: None):
        with Load(self.nodes) as load:
            load.goes_on(100)
            self.set_disk(file, 0, error)
            then()
            self.assertEqual(self.victim.process.wait(timeout=60), 1, self.logs())
            said = self.victim.log().splitlines()[-1]
            self.assertIn(os.strerror(error), said)
            self.assertIn(says, said)
            if file == JOURNAL:  # the others led before it ended
                self.assertEqual(self.led(), 0, self.logs())
            load.goes_on(100)
            self.set_disk("", 0, 0)
            self.victim.start().wait_ready()
            wait_for(lambda: "it leads again\n" + self.logs(), lambda: self.led() > 60 and self.all_in_sync(), seconds=120)
        self.assertEqual(wrong_balances(self.nodes, load), {}, self.logs())

    def test_after_eio_a_node_gives_all_away_ends_and_says_so_and_a_restart_on_a_sound_disk_repairs(self):
        self.it_ends_and_a_restart_repairs(JOURNAL, errno.EIO, "restart this node on a sound disk")

    def test_a_disk_that_may_only_be_read_all_of_a_sudden_is_a_failed_one(self):
        self.it_ends_and_a_restart_repairs(JOURNAL, errno.EROFS, "restart this node on a sound disk")

    def test_a_node_whose_own_store_fails_ends_and_says_so_and_a_restart_on_a_sound_disk_repairs(self):
        def change_the_registers():
            shard = next(number for number, s in enumerate(self.shards()) if s["primary"] == self.victim.name)
            subprocess.run([BIN + "/coterie", "move", str(shard), self.nodes[1].name, "--no-wait", "--management",
                            f"127.0.0.1:{self.nodes[0].management}"], check=True, capture_output=True)

        self.it_ends_and_a_restart_repairs("node.mdb", errno.EIO, "restart it on a sound disk", change_the_registers)

    def test_a_node_whose_disk_hangs_ends_on_a_second_signal_at_once_and_by_itself_after_a_while(self):
        with Load(self.nodes) as load:
            for second, seconds, code in ((signal.SIGINT, 2, -signal.SIGINT), (None, 40, 1)):
                load.goes_on(100)
                self.set_disk(JOURNAL, 600_000, 0)
                wait_for(lambda: "its disk hangs\n" + self.logs(), lambda: "disk is slow" in self.victim.health(), seconds=60)
                self.victim.process.send_signal(signal.SIGTERM)
                wait_for("it leaves", lambda: "leaving" in self.victim.health())
                if second:
                    self.victim.process.send_signal(second)
                self.assertEqual(self.victim.process.wait(timeout=seconds), code)
                self.set_disk("", 0, 0)
                load.goes_on(100)
                self.victim.start().wait_ready()
                wait_for(lambda: "it leads again\n" + self.logs(), lambda: self.led() > 60 and self.all_in_sync(), seconds=120)
        self.assertIn("has not ended after 20 s", self.victim.log())
        self.assertEqual(wrong_balances(self.nodes, load), {}, self.logs())

    def test_a_node_does_not_start_on_a_disk_that_may_only_be_read_and_says_so(self):
        self.victim.kill()
        self.set_disk("*", 0, errno.EROFS)
        done = subprocess.run(self.victim.arguments, env=self.victim.environment, capture_output=True, text=True, timeout=30)
        self.assertNotEqual(done.returncode, 0, done.stderr)
        self.assertIn(".mdb: " + os.strerror(errno.EROFS), done.stderr.splitlines()[-1])


if __name__ == "__main__":
    unittest.main(verbosity=2)
