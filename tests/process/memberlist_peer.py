"""The Go memberlist peer of tests/peers as a process: its events are read line by line."""
import json
import os
import subprocess
import threading

from cluster import free_ports, wait_for

PEER = os.environ.get("MEMBERLIST_PEER", "")


def peer_is_there():
    return bool(PEER) and os.access(PEER, os.X_OK)


class GoPeer:
    def __init__(self, name, join=None, key=None, count=1, meta="", port=None, profile="lan"):
        self.name, self.gossip = name, port or free_ports(1)[0]
        arguments = [PEER, "--name", name, "--port", str(self.gossip), "--count", str(count), "--meta", meta, "--profile", profile]
        if join:
            arguments += ["--join", f"127.0.0.1:{join}"]
        if key:
            arguments += ["--key", key]
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lines, self.changed = [], threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        wait_for(f"{name} is ready", lambda: any("ready" in line for line in self.lines))

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(json.loads(line))
                self.changed.notify_all()

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def states(self):
        """What it saw of each member last; suspicions apart, which its log tells in an order of its own."""
        return {line["name"]: line["state"] for line in list(self.lines) if line.get("state", "suspect") != "suspect"}

    def metas(self):
        return {line["name"]: line["meta"] for line in list(self.lines) if "meta" in line}

    def errors(self):
        return [line["error"] for line in list(self.lines) if "error" in line]

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
