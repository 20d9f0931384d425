#!/usr/bin/env python3
"""What a person does with a pool from a shell: events, queries, monitor, keys, and the errors of each."""
import json
import os
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler

sys.path.insert(0, os.path.dirname(__file__))
from cluster import AGENT, BIN, Process, request, wait_for  # noqa: E402

KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
NEW_KEY = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="


class Pool(unittest.TestCase):
    extra = ()

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="coterie-pool-")
        self.processes = []
        first = self.agent("a", expect=3)
        self.nodes = [first] + [self.agent(name, join=first.gossip, expect=3) for name in ("b", "c")]
        for node in self.nodes:
            wait_for(f"{node.name} sees three", lambda n=node: len(self.alive(n)) == 3)

    def tearDown(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()

    def agent(self, name, **options):
        node = Process(AGENT, name, self.directory, extra=self.extra, **options).start()
        self.processes.append(node.process)
        return node

    @staticmethod
    def alive(node):
        try:
            return [m for m in node.members().values() if m["state"] == "alive"]
        except OSError:
            return []

    def coterie(self, node, *words):
        return subprocess.run([BIN + "/coterie", *words, "--management", f"127.0.0.1:{node.management}"],
                              capture_output=True, text=True, timeout=60)

    def monitor(self, node):
        """Lines go to a file, which a predicate can look at again and again."""
        path = os.path.join(self.directory, node.name + ".monitor")
        with open(path, "w", encoding="utf-8") as out:
            process = subprocess.Popen([BIN + "/coterie", "monitor", "-o", "json", "--management",
                                        f"127.0.0.1:{node.management}"], stdout=out, stderr=subprocess.PIPE, text=True)
        self.processes.append(process)
        process.stdout = process.stderr

        def seen():
            with open(path, encoding="utf-8") as lines:
                return [json.loads(line) for line in lines if line.endswith("\n")]
        # What is told before it is connected it misses.
        wait_for("the members first", lambda: {e["name"] for e in seen()} == {"a", "b", "c"})
        return process, seen


class Plain(Pool):
    def test_an_event_is_seen_everywhere_and_members_that_go_are_seen_to_go(self):
        a, b, c = self.nodes
        watching, seen = self.monitor(c)
        self.assertEqual(self.coterie(a, "event", "deploy", "v42").returncode, 0)
        wait_for("the event", lambda: any(e["type"] == "event" and e["name"] == "deploy" and e["payload"] == "v42"
                                          for e in seen()))
        self.assertEqual(b.terminate(), 0)
        wait_for("the leave", lambda: any(e["type"] == "member" and e["name"] == "b" and e["state"] == "left"
                                          for e in seen()))
        self.assertEqual(c.terminate(), 0)
        self.assertEqual((watching.wait(timeout=20), watching.stderr.read()), (0, ""))

    def test_a_query_is_heard_by_all(self):
        watching, seen = self.monitor(self.nodes[2])
        asked = self.coterie(self.nodes[0], "query", "load", "now", "--timeout", "4", "-o", "json")
        self.assertEqual(asked.returncode, 0, asked.stderr)
        self.assertEqual(json.loads(asked.stdout), {"heard_by": 3, "answers": 0})
        wait_for("the query", lambda: any(e["type"] == "query" and e["from"] == "a" and e["payload"] == "now"
                                          for e in seen()))
        watching.kill()

    def test_the_membership_program_of_the_readme(self):
        watcher = Process([BIN + "/watch"], "w", self.directory, join=self.nodes[0].gossip).start()
        self.processes.append(watcher.process)
        wait_for("it tells of all", lambda: all(f"{name} is alive\n" in watcher.log() for name in "abcw"))
        self.assertEqual(self.nodes[1].terminate(), 0)
        wait_for("and of a leave", lambda: "b is left\n" in watcher.log())
        self.assertEqual(watcher.terminate(), 0)

    def test_errors_name_cause_and_remedy(self):
        a = self.nodes[0]
        for words, what in ((("event", "x" * 513), "512"), (("query", ""), "name"),
                            (("keys", "install", "short"), "base64"), (("keys", "list"), "--key")):
            done = self.coterie(a, *words)
            self.assertNotEqual(done.returncode, 0, words)
            self.assertIn(what, done.stderr + done.stdout)
            self.assertLessEqual((done.stderr + done.stdout).count("\n"), 4)
        self.assertEqual(self.coterie(a, "event").returncode, 2)
        # A browser on this host cannot send the header; nothing happens without it.
        self.assertEqual(request(a.management, "POST", "/events", '{"name":"x"}')[0], 403)
        self.assertEqual(request(a.management, "GET", "/events")[0], 405)

    def test_a_node_that_hangs_is_told_within_seconds_and_what_it_was_sent_is_unknown(self):
        c = self.nodes[2]
        c.process.send_signal(signal.SIGSTOP)
        for words, said in ((("members",), "no answer from"), (("monitor",), "no answer from"),
                            (("event", "deploy"), "outcome unknown")):
            done = self.coterie(c, *words)
            self.assertEqual(done.returncode, 1, words)
            self.assertIn(said, done.stderr)
        c.kill()
        for words in (("members",), ("monitor",), ("event", "deploy")):
            done = self.coterie(c, *words)
            self.assertEqual(done.returncode, 1, words)
            self.assertIn("could not connect", done.stderr)


class Encrypted(Pool):
    extra = ("--key", KEY)

    def test_the_key_is_changed_while_the_pool_runs(self):
        a = self.nodes[0]
        for action, key in (("install", NEW_KEY), ("use", NEW_KEY), ("remove", KEY)):
            done = self.coterie(a, "keys", action, key, "-o", "json")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertEqual(json.loads(done.stdout.splitlines()[-1])["answers"], 3)
        listed = self.coterie(a, "keys", "list", "-o", "json")
        for line in listed.stdout.splitlines()[:-1]:
            self.assertEqual((json.loads(line)["keys"], json.loads(line)["primary"]), ([NEW_KEY], NEW_KEY))
        again = self.coterie(a, "keys", "remove", NEW_KEY)
        self.assertEqual(again.returncode, 1)
        self.assertIn("primary", again.stdout)

    def test_a_member_that_does_not_answer_is_named(self):
        a, _, c = self.nodes
        c.process.send_signal(signal.SIGSTOP)
        done = self.coterie(a, "keys", "install", NEW_KEY, "-o", "json")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("c", json.loads(done.stdout.splitlines()[-1])["silent"])


class Stranger(BaseHTTPRequestHandler):
    """Another program at the address that was meant to be a management port."""
    body = b""

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


class Command(unittest.TestCase):
    def run_at_stranger(self, body, *words):
        handler = type("Answers", (Stranger,), {"body": body})
        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            done = subprocess.run([BIN + "/coterie", *words, "--management", f"127.0.0.1:{server.server_address[1]}"],
                                  capture_output=True, text=True, timeout=60)
            server.shutdown()
        self.assertEqual(done.returncode, 1, (words, done.stdout, done.stderr))
        self.assertEqual(done.stdout, "", words)
        return done.stderr

    def test_another_programs_answer_is_told_as_such(self):
        for words in (("members",), ("members", "-o", "json"), ("shards",), ("explain", "0"), ("rebalance",), ("rebalance", "--dry-run"),
                      ("cordon", "a"), ("drain", "a"), ("move", "0", "a"), ("event", "deploy"), ("query", "load"),
                      ("keys", "list"), ("monitor",), ("monitor", "-o", "json")):
            self.assertIn("is not a Coterie management port (it answered '<html>hello</html>')",
                          self.run_at_stranger(b"<html>hello</html>", *words))
        self.assertIn("it answered nothing", self.run_at_stranger(b"", "event", "deploy"))
        for words in (("rebalance", "--dry-run"), ("event", "deploy"), ("cordon", "a")):
            self.assertIn("does not understand", self.run_at_stranger(b"{}", *words))

    def test_help_shows_what_is_to_be_typed(self):
        def helped(*words):
            return subprocess.run([BIN + "/coterie", *words, "--help"], capture_output=True, text=True, timeout=60).stdout
        self.assertIn("usage: coterie agent --name", helped("agent"))
        self.assertIn("--no-wait", helped("drain"))
        self.assertNotIn("{false}", helped("drain") + helped("sim"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
