#!/usr/bin/env python3
"""Well-formed input that means harm, against a real ledger: it answers, stays small, and goes on."""
import http.client
import os
import socket
import struct
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from cluster import BIN, Process, request, wait_for  # noqa: E402

LEDGER = [BIN + "/ledger"]
SANITIZED = "san" in os.path.basename(os.path.dirname(BIN))  # sanitizers keep freed memory and need many files
FILES = 400 if SANITIZED else 100


def pack(value):
    """The part of msgpack that the wire formats use."""
    if value is None or isinstance(value, bool):
        return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[value]
    if isinstance(value, int):
        return b"\xcf" + struct.pack(">Q", value)
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"\xda" + struct.pack(">H", len(value)) + value
    if isinstance(value, list):
        return b"\xdc" + struct.pack(">H", len(value)) + b"".join(map(pack, value))
    return b"\xde" + struct.pack(">H", len(value)) + b"".join(pack(k) + pack(v) for k, v in value.items())


def alive(name, meta=b"", port=1):
    return b"\x04" + pack({"Addr": b"\x7f\0\0\1", "Incarnation": 1, "Meta": meta, "Node": name, "Port": port,
                           "Vsn": bytes([1, 5, 2, 0, 0, 0])})


def meta(workers, cluster=(0, 0)):
    return b"\xc1" + pack([b"\x7f\0\0\1", 1, b"\x7f\0\0\1", 1, workers, False, 1, *cluster, 0])


def frame(kind, body, tag=0):
    return struct.pack("<IBBHI", 12 + len(body), 1, kind, 0, tag) + body


def hello(node, cluster=(0, 0), to_worker=0, types=0):
    return frame(1, pack([1, 1, 0, *cluster, node, 1, 0, to_worker, 7, types]))


class Hostile(unittest.TestCase):
    def setUp(self):
        directory = tempfile.mkdtemp(prefix="coterie-hostile-")
        limited = ["sh", "-c", f'ulimit -n {FILES}; exec "$0" "$@"', *LEDGER]
        self.node = Process(limited, "n1", directory)
        self.node.arguments += ["--http", f"127.0.0.1:{self.node.http}"]
        self.node.start().wait_ready()

    def tearDown(self):
        if self.node.process.poll() is None:
            self.node.kill()

    def serves(self):
        self.assertIsNone(self.node.process.poll(), self.node.log())
        self.assertEqual(self.node.deposit("a", 1, os.urandom(8).hex())[0], 200)
        self.assertEqual(request(self.node.management, "GET", "/members")[0], 200)

    def resident_mib(self):
        with open(f"/proc/{self.node.process.pid}/status", encoding="utf-8") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) // 1024

    def udp(self, datagram):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.sendto(datagram, ("127.0.0.1", self.node.gossip))

    def test_names_that_are_no_utf8(self):
        with socket.create_connection(("127.0.0.1", self.node.http), timeout=5) as raw:
            raw.sendall(b"GET /accounts/\xff HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertIn(b"200 OK", raw.recv(4096))
        self.udp(alive(b"\xff"))
        wait_for("the member is listed", lambda: len(self.node.members()) == 2)
        self.serves()

    def test_hellos_for_a_worker_that_is_not_there(self):
        for _ in range(2 * FILES):
            with socket.create_connection(("127.0.0.1", self.node.link), timeout=5) as lane:
                lane.sendall(hello("stranger", to_worker=999))
        self.serves()
        wait_for("their sockets are closed",
                 lambda: len(os.listdir(f"/proc/{self.node.process.pid}/fd")) < FILES * 3 // 4)

    def test_more_idle_clients_than_the_process_may_have_files(self):
        clients = []
        for _ in range(FILES + 20):
            client = socket.socket()
            client.settimeout(1)
            client.connect_ex(("127.0.0.1", self.node.http))
            clients.append(client)
        self.assertIsNone(self.node.process.poll(), self.node.log())
        for client in clients:
            client.close()
        wait_for("it serves again", self.node.ready)
        self.serves()

    def test_a_member_that_claims_sixty_thousand_workers(self):
        self.udp(alive("greedy", meta(65535)))
        self.udp(alive("modest", meta(256)))
        wait_for("they are listed", lambda: len(self.node.members()) == 3)
        self.serves()
        if not SANITIZED:
            self.assertLess(self.resident_mib(), 200)
        self.assertEqual(self.node.terminate(), 0)

    def test_a_state_exchange_with_five_thousand_members(self):
        nodes = b"".join(pack({"Addr": b"\x7f\0\0\1", "Incarnation": 1, "Meta": meta(2), "Name": f"m{i}", "Port": 1,
                               "State": 0, "Vsn": bytes([1, 5, 2, 0, 0, 0])}) for i in range(5000))
        with socket.create_connection(("127.0.0.1", self.node.gossip), timeout=30) as stream:
            stream.sendall(b"\x06" + pack({"Join": False, "Nodes": 5000, "UserStateLen": 0}) + nodes)
            while stream.recv(65536):
                pass
        self.serves()
        if not SANITIZED:
            self.assertLess(self.resident_mib(), 300)

    def test_a_stranger_gets_no_lane_and_one_with_the_id_cannot_overfill_the_register(self):
        with socket.create_connection(("127.0.0.1", self.node.link), timeout=5) as lane:
            lane.sendall(hello("stranger"))
            answer = b"".join(iter(lambda: lane.recv(4096), b""))  # a welcome, then the end
        self.assertEqual(answer[5], 2)
        fields = answer[12:]
        # [version, version, features, high, low, ...]: all small ones are one byte.
        high, low = struct.unpack_from(">Q", fields, 5)[0], struct.unpack_from(">Q", fields, 14)[0]
        tag = low & 0xffffffff
        long_names = ["x" * 255] * 64
        large = pack([7, [[5, 1, [2, "y" * 255, 1, long_names, long_names]]]])
        losing = pack([8, [[5, 1, [2, "z", 1, ["z"], ["z"]]]] * 256])
        with socket.create_connection(("127.0.0.1", self.node.link), timeout=5) as lane:
            lane.sendall(hello("stranger", cluster=(high, low)))
            lane.recv(4096)
            try:
                lane.sendall(frame(6, large, tag))
                for _ in range(300):
                    lane.sendall(frame(6, losing, tag))
            except OSError:
                pass  # cut off: as it may be
        self.serves()
        shards = request(self.node.management, "GET", "/shards")[1]
        self.assertNotIn("y" * 255, shards)

    def test_six_thousand_names_cost_a_bounded_number_of_lanes(self):
        before = self.resident_mib()
        for i in range(6000 if not SANITIZED else 600):
            with socket.create_connection(("127.0.0.1", self.node.link), timeout=5) as lane:
                lane.sendall(hello(f"name-{i}"))
        self.serves()
        if not SANITIZED:
            self.assertLess(self.resident_mib() - before, 50)


class NotReady(unittest.TestCase):
    def test_a_stranger_that_says_hello_does_not_stop_a_node_that_waits(self):
        node = Process(LEDGER, "n1", tempfile.mkdtemp(prefix="coterie-hostile-"), expect=2).start()
        try:
            wait_for("it waits", lambda: "waiting for 2 live members" in node.health())
            for cluster in ((0, 0), (1, 2)):
                with socket.create_connection(("127.0.0.1", node.link), timeout=5) as lane:
                    lane.sendall(hello("stranger", cluster=cluster, types=12345))
                    try:
                        lane.recv(4096)
                    except http.client.HTTPException:
                        pass
            self.assertIsNone(node.process.poll(), node.log())
            self.assertIn("waiting", node.health())
        finally:
            if node.process.poll() is None:
                node.kill()


if __name__ == "__main__":
    unittest.main(verbosity=2)
