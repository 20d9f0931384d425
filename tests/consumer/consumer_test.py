#!/usr/bin/env python3
"""The README's program against an installed coterie: at most 40 lines, compiles, runs, and remembers after a restart."""
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "process"))
from cluster import free_ports, wait_for  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.join(ROOT, "build", os.environ.get("COTERIE_PRESET", "release"))


class InstalledConsumer(unittest.TestCase):
    def test_the_readme_program(self):
        with open(ROOT + "/README.md", encoding="utf-8") as readme:
            program = re.search(r"```cpp\n(.*?)```", readme.read(), re.S)[1]
        self.assertLessEqual(len(program.splitlines()), 40)
        with tempfile.TemporaryDirectory() as work:
            source = work + "/bank.cpp"
            with open(source, "w", encoding="utf-8") as file:
                file.write(program)
            quiet = {"check": True, "stdout": subprocess.DEVNULL}
            subprocess.run(["cmake", "--install", BUILD, "--prefix", work + "/prefix"], **quiet)
            subprocess.run(["cmake", "-S", ROOT + "/tests/consumer", "-B", work + "/build", f"-DBANK_SOURCE={source}",
                            f"-DCMAKE_PREFIX_PATH={work}/prefix", "-G", "Ninja"], **quiet)
            subprocess.run(["cmake", "--build", work + "/build"], **quiet)
            self.assertIn("members", subprocess.check_output([work + "/prefix/bin/coterie", "--help"], text=True))
            for run in (1, 2):
                self.assertEqual(self.run_bank(work), (0, f"alice has {500 * run} cents\n"))
            self.build_with_pkg_config(work, source)
            self.assertEqual(self.run_bank(work), (0, "alice has 1500 cents\n"))

    def test_the_readmes_membership_program_is_the_example_that_is_built(self):
        with open(ROOT + "/README.md", encoding="utf-8") as readme:
            program = re.findall(r"```cpp\n(.*?)```", readme.read(), re.S)[1]
        with open(ROOT + "/examples/watch/main.cpp", encoding="utf-8") as example:
            self.assertEqual(program, example.read())
        self.assertLessEqual(len(program.splitlines()), 12)

    @staticmethod
    def build_with_pkg_config(work, source):
        found = subprocess.check_output(["find", work + "/prefix", "-name", "coterie.pc"], text=True).strip()
        flags = subprocess.check_output(["pkg-config", "--cflags", "--libs", "coterie"], text=True,
                                        env={**os.environ, "PKG_CONFIG_PATH": os.path.dirname(found)}).split()
        subprocess.run(["g++", source, "-o", work + "/build/bank", *flags], check=True)

    def run_bank(self, work):
        gossip, link, management = free_ports(3)
        log = work + "/out"
        with open(log, "w", encoding="utf-8") as out:
            bank = subprocess.Popen([work + "/build/bank", "--name", "a", "--gossip", f"127.0.0.1:{gossip}", "--link",
                                     f"127.0.0.1:{link}", "--management", f"127.0.0.1:{management}", "--data", work + "/a"],
                                    stdout=subprocess.PIPE, stderr=out, text=True)
        with bank.stdout:
            line = bank.stdout.readline()
        # Before run_until_signal() a SIGTERM ends the program like any other.
        wait_for("the program waits for a signal", lambda: self.catches_sigterm(bank.pid))
        bank.send_signal(signal.SIGTERM)
        return bank.wait(timeout=10), line

    @staticmethod
    def catches_sigterm(pid):
        with open(f"/proc/{pid}/status", encoding="utf-8") as status:
            caught = next(int(l.split()[1], 16) for l in status if l.startswith("SigCgt"))
        return bool(caught >> (signal.SIGTERM - 1) & 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
