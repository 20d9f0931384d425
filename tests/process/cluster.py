"""Real ledger processes on loopback, for tests: started, asked, killed by their own process ids."""
import fcntl
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import tempfile
import time

BIN = os.environ.get("COTERIE_BIN", "build/release/bin")


# Ports below the ephemeral range, where no outgoing connection can take one before its process binds it. Each test process has
# blocks of them to itself for as long as it lives: a node that is killed must find its ports again when it comes back.
FIRST_PORT, BLOCKS, BLOCK = 12000, 310, 64  # the demo has those from 10,000 on
BLOCK_LOCKS = os.path.join(tempfile.gettempdir(), "coterie-test-ports")
held_blocks = []  # open files, locked
free_in_block = []


def next_port():
    if not free_in_block:
        os.makedirs(BLOCK_LOCKS, exist_ok=True)
        for block in random.sample(range(BLOCKS), BLOCKS):
            file = open(os.path.join(BLOCK_LOCKS, str(block)), "w", encoding="utf-8")  # pylint: disable=consider-using-with
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.close()
                continue
            held_blocks.append(file)
            free_in_block.extend(range(FIRST_PORT + block * BLOCK, FIRST_PORT + (block + 1) * BLOCK))
            break
        else:
            raise AssertionError(f"all {BLOCKS} blocks of ports are taken: see {BLOCK_LOCKS}")
    return free_in_block.pop()


def free_ports(count):
    ports = []
    while len(ports) < count:
        port = next_port()
        with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.append(port)
    return ports


def wait_for(what, predicate, seconds=40):
    """Waits for a predicate, never for a time; fails with what was waited for: a text, or a function that tells it as it is then."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if predicate():
            return
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")


def request(port, method, path, body=None, timeout=10):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), dict(answer.getheaders())
    finally:
        connection.close()


class Process:
    def __init__(self, program, name, directory, join=None, expect=1, data=None, extra=()):
        self.gossip, self.link, self.management, self.http = free_ports(4)
        self.name = name
        self.log_path = os.path.join(directory, name + ".log")
        self.data = data or os.path.join(directory, name)
        self.arguments = program + ["--name", name, "--gossip", f"127.0.0.1:{self.gossip}", "--link",
                                    f"127.0.0.1:{self.link}", "--management", f"127.0.0.1:{self.management}", "--data",
                                    self.data, "--bootstrap-expect", str(expect), *extra]
        if program[0].endswith("ledger"):
            self.arguments += ["--http", f"127.0.0.1:{self.http}"]
        if join:
            self.arguments += ["--join", f"127.0.0.1:{join}"]
        self.process = None
        self.environment = None

    def start(self):
        with open(self.log_path, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(self.arguments, stdout=log, stderr=log, env=self.environment)
        return self

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def ready(self):
        try:
            return request(self.management, "GET", "/health/ready")[0] == 200
        except OSError:
            return False

    def health(self):
        """The body of /health/ready, or nothing while the port is not open yet."""
        try:
            return request(self.management, "GET", "/health/ready")[1]
        except OSError:
            return ""

    def wait_ready(self):
        wait_for(lambda: f"{self.name} ready; log:\n{self.log()}", self.ready)
        return self

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=10)

    def members(self):
        return {m["name"]: m for m in json.loads(request(self.management, "GET", "/members")[1])}

    def http_request(self, method, path, body=None):
        """A node that closes the connection has usually died: its log says why."""
        try:
            return request(self.http, method, path, body)
        except http.client.RemoteDisconnected as closed:
            raise AssertionError(f"{self.name} closed the connection; log:\n{self.log()}") from closed

    def deposit(self, account, cents, command):
        return self.http_request("POST", f"/accounts/{account}/deposit", json.dumps({"cents": cents, "id": command}))

    def balance(self, account):
        status, body, _ = self.http_request("GET", f"/accounts/{account}")
        return json.loads(body)["balance_cents"] if status == 200 else None


LEDGER = [os.path.join(BIN, "ledger")]
AGENT = [os.path.join(BIN, "coterie"), "agent"]


class Cluster:
    """Three ledgers; the first bootstraps."""

    def __init__(self, size=3, extra=()):
        self.directory = tempfile.mkdtemp(prefix="coterie-test-")
        first = Process(LEDGER, "n1", self.directory, expect=size, extra=extra)
        self.nodes = [first] + [Process(LEDGER, f"n{i}", self.directory, join=first.gossip, expect=size, extra=extra)
                                for i in range(2, size + 1)]

    def __enter__(self):
        try:
            for node in self.nodes:
                node.start()
            for node in self.nodes:
                node.wait_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            if node.process and node.process.poll() is None:
                node.kill()
