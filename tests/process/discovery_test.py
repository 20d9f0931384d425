#!/usr/bin/env python3
"""How a node finds its pool: a file that is written later, names and services of a name server that answers late."""
import os
import socket
import struct
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from cluster import AGENT, Process, free_ports, wait_for  # noqa: E402


def name_bytes(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"


class NameServer(threading.Thread):
    """Answers A and SRV of what it was told; of everything else it knows nothing."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.records = {}  # (name, type): rdata
        self.start()

    def run(self):
        while True:
            try:
                query, client = self.socket.recvfrom(2048)
            except OSError:
                return
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode())
                at += 1 + query[at]
            kind = struct.unpack(">H", query[at + 1:at + 3])[0]
            rdata = self.records.get((".".join(labels), kind))
            head = query[:2] + struct.pack(">HHHHH", 0x8180 if rdata else 0x8183, 1, 1 if rdata else 0, 0, 0)
            answer = b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 1, len(rdata)) + rdata if rdata else b""
            self.socket.sendto(head + query[12:at + 5] + answer, client)


class Discovery(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="coterie-discovery-")
        self.running = []

    def tearDown(self):
        for node in self.running:
            if node.process.poll() is None:
                node.kill()

    def agent(self, name, *extra):
        node = Process(AGENT, name, self.directory, extra=extra).start()
        self.running.append(node)
        return node

    def sees(self, node, names):
        def all_there():
            try:
                return {n for n, m in node.members().items() if m["state"] == "alive"} >= set(names)
            except OSError:
                return False
        wait_for(f"{node.name} sees {names}; {node.log()}", all_there)

    def test_a_file_that_is_written_later(self):
        seeds = os.path.join(self.directory, "seeds")
        b = self.agent("b", "--join", "file:" + seeds)
        wait_for("it waits", lambda: "waiting to join" in b.health())
        a = self.agent("a").wait_ready()
        with open(seeds + ".new", "w", encoding="utf-8") as out:
            out.write(f"# the pool\n127.0.0.1:{a.gossip}  # a\n")
        os.rename(seeds + ".new", seeds)
        self.sees(b, "ab")

    def test_names_and_services_of_a_name_server_that_knows_them_later(self):
        server = NameServer()
        self.addCleanup(server.socket.close)
        dns = ("--dns", f"127.0.0.1:{server.port}")
        a = self.agent("a").wait_ready()
        b = self.agent("b", *dns, "--join", f"pool.test:{a.gossip}")
        c = self.agent("c", *dns, "--join", "srv:_gossip._udp.pool.test")
        wait_for("both wait", lambda: "waiting to join" in b.health() and "waiting to join" in c.health())
        server.records[("pool.test", 1)] = socket.inet_aton("127.0.0.1")
        self.sees(b, "ab")
        server.records[("_gossip._udp.pool.test", 33)] = struct.pack(">HHH", 1, 1, a.gossip) + name_bytes("pool.test")
        self.sees(c, "abc")

    def test_a_node_that_binds_every_address_is_known_by_the_one_it_advertises(self):
        a = self.agent("a").wait_ready()
        gossip, = free_ports(1)
        b = self.agent("b", "--gossip", f"0.0.0.0:{gossip}", "--advertise", f"127.0.0.1:{gossip}", "--join",
                       f"127.0.0.1:{a.gossip}")
        self.sees(b, "ab")
        self.sees(a, "ab")
        self.assertEqual(a.members()["b"]["gossip"], f"127.0.0.1:{gossip}")

    def test_errors_name_the_remedy(self):
        for flags, what in ((("--join", "nonsense"), "NAME:PORT"), (("--gossip", "0.0.0.0:1"), "--advertise"),
                            (("--advertise", "x"), "--advertise"), (("--dns", "x"), "--dns")):
            node = self.agent("x", *flags)
            self.assertEqual(node.process.wait(timeout=20), 1, flags)
            self.assertIn(what, node.log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
