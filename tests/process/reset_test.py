"""Three ledger processes whose connections to each other are reset, under load, while nobody is gone: they connect again, and
nothing moves. A reset is a real one: connect() to no address on a copy of the process's own socket (pidfd_getfd) makes the
kernel drop what is under way on either side and send RST."""
import ctypes
import json
import os
import re
import socket
import struct
import unittest

from cluster import Cluster, request, wait_for
from registers_test import settled
from replication_test import Load, wrong_balances

PIDFD_GETFD = 438  # the same on every Linux architecture since 5.6
ESTABLISHED = "01"
ROUNDS = 20
libc = ctypes.CDLL(None, use_errno=True)


def links_of(process, ports):
    """The descriptors of the process's established connections from or to one of these ports."""
    inodes = set()
    with open(f"/proc/{process.pid}/net/tcp", encoding="ascii") as table:
        for line in table.readlines()[1:]:
            _, local, remote, state, *_, = line.split()
            if state == ESTABLISHED and {int(end.split(":")[1], 16) for end in (local, remote)} & ports:
                inodes.add(line.split()[9])
    found = []
    for name in os.listdir(f"/proc/{process.pid}/fd"):
        try:
            target = os.readlink(f"/proc/{process.pid}/fd/{name}")
        except FileNotFoundError:
            continue
        if (match := re.fullmatch(r"socket:\[(\d+)\]", target)) and match[1] in inodes:
            found.append(int(name))
    return found


def reset(process, descriptors):
    """How many were reset; one that is closed meanwhile is not."""
    nobody = struct.pack("=H14x", socket.AF_UNSPEC)
    done = 0
    owner = os.pidfd_open(process.pid)
    for number in descriptors:
        copy = libc.syscall(PIDFD_GETFD, owner, number, 0)
        if copy >= 0:
            done += libc.connect(copy, nobody, len(nobody)) == 0
            os.close(copy)
    os.close(owner)
    return done


class Reset(unittest.TestCase):
    def test_connections_that_are_reset_are_made_again_and_nothing_moves(self):
        with Cluster(3) as cluster:
            nodes = cluster.nodes
            ports = {node.link for node in nodes}

            def registers():
                shards = json.loads(request(nodes[0].management, "GET", "/shards")[1])
                return [(s["primary"], s["epoch"], sorted(s["in_sync"])) for s in shards]

            wait_for("three voters and all copies in sync",
                     lambda: settled(cluster, 3) and all(len(in_sync) == 3 for *_, in_sync in registers()))
            before = registers()
            broken = 0
            with Load(nodes) as load:
                for number in range(ROUNDS):
                    load.goes_on(50)
                    victim = nodes[number % 3].process
                    broken += reset(victim, links_of(victim, ports))
                load.goes_on(50)
            logs = "\n".join(f"--- {node.name}\n{node.log()[-3000:]}" for node in nodes)
            self.assertGreaterEqual(broken, ROUNDS, logs)
            self.assertEqual(registers(), before, logs)
            self.assertEqual(wrong_balances(nodes, load), {}, logs)
            self.assertEqual(load.stale, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
