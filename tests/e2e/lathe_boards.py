"""The devices pane as a person uses it, and a board to use it on: what the tests of boards share. A module, not a test; whoever imports it is a script whose first
argument is the program, as run-e2e.sh calls it."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

from lathe_driver import SOURCE, TEST_DATA, check

BUILD = os.path.dirname(os.path.dirname(os.path.abspath(sys.argv[1])))
RUNNER = os.path.join(BUILD, "engine", "runner", "lathe-runner")
AGENT = os.environ.get("LATHE_AGENT") or os.path.join(BUILD, "engine", "agent", "lathe-agent")
KEYWORDS = os.path.join(TEST_DATA, "audio", "kws", "kws_ref_model.tflite")
ARM, M4 = "Virtual 64-bit Arm board", "Virtual Cortex-M4 board"


def can_emulate_arm():
    """A runner for 64-bit Arm was built, and QEMU is here to run it."""
    folder = os.environ.get("LATHE_RUNNERS") or os.path.dirname(RUNNER)
    built = [os.path.join(SOURCE, name, "engine", "runner", "lathe-runner") for name in ("build-runner-aarch64", "build-aarch64")]
    has_runner = any(os.path.exists(path) for path in [os.path.join(folder, "lathe-runner-aarch64"), *built])
    return has_runner and (shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64"))


def can_emulate_cortex_m():
    return shutil.which("qemu-system-arm") and shutil.which("arm-none-eabi-gcc")


class DevicesPane:
    """Looks only here and in dialogs: a walk over the whole window takes a second."""

    def __init__(self, driver):
        self.driver = driver
        self.node = driver.find("panel", "Devices")

    # ---- Looking ----

    def parts(self):
        return [*list(self.driver.app)[1:], self.node]  # dialogs first

    def walk(self):
        for part in self.parts():
            yield from self.driver.walk(part)

    def first(self, role, fits):
        found = (self.driver.first(lambda n: n.getRoleName() == role and fits(n), part) for part in self.parts())
        return next((node for node in found if node is not None), None)

    def row(self, name):
        """The row of a device: its name begins with the device's, and says how the device is."""
        return self.first("list item", lambda n: n.name.startswith((name + ",", name + ".")))

    def wait_row(self, name, words, seconds=60):
        self.driver.wait(f"{name} to be “{words}”", lambda: words in self.row(name).name, seconds)

    def button(self, label):
        """By its label, also one whose letter is underlined."""
        return self.first("push button", lambda n: n.name.replace("_", "") in (label, f"{label} {label}"))

    def says(self, *parts, seconds=30):
        """A label with all of @parts in the pane or a dialog; its text."""
        return self.driver.wait("the words " + " … ".join(parts), lambda: self.first("label", lambda n: all(part in n.name for part in parts)), seconds).name

    # ---- Doing ----

    def choose(self, name):
        """A device, by its row."""
        self.driver.wait(f"the row of {name}", lambda: self.driver.point(self.row(name)) or True)

    def press(self, label):
        self.driver.press_found(f"the button {label}", lambda: self.button(label))

    def answer(self, label):
        """A dialog goes with it."""
        self.press(label)
        self.driver.dialog_goes()

    def fill(self, field, text):
        self.driver.fill(self.driver.wait(f"the field {field}", lambda: self.first("text", lambda n: n.name == field)), text)

    def type_secret(self, text):
        """A password or a code, where one is asked for."""
        self.driver.point(self.driver.wait("the field for it", lambda: self.first("password text", lambda n: True)))
        self.driver.type(text)

    def choose_transport(self, title):
        """The row shows its entry as the list does, so what is chosen stands there twice."""
        combo = self.driver.wait("the list of transports", lambda: self.first("combo box", lambda n: n.name == "Reached by"))
        self.driver.point(combo)

        def titles():
            found = [label for item in self.driver.walk(combo) if item.getRoleName() == "list item" for label in self.driver.labels(item)]
            return list(dict.fromkeys(found)) if title in found else None

        self.driver.keys("Home", *["Down"] * self.driver.wait(f"“{title}” in the list", titles).index(title), "Return")

    def fill_form(self, settings, transport=None):
        """Of a board that is added, all but its name."""
        self.press("Add a board")
        self.driver.find("frame", "Add a Board")
        if transport:
            self.choose_transport(transport)
        for field, text in settings.items():
            self.fill(field, text)

    def add_board(self, name, settings, transport=None):
        self.fill_form(settings, transport)
        subprocess.run(["xdotool", "click", "--repeat", "20", "--delay", "10", "5"], check=True)  # down to the name
        time.sleep(0.3)
        self.fill("Name in the List", name)
        self.answer("Add")

    # ---- Runs ----

    def run_on(self, name):
        self.press(f"Run on {name}")

    def live_figures(self):
        """A board's samples fill the lanes while it runs."""
        self.driver.wait("live figures", lambda: "measuring" not in self.driver.tile("Decode speed"), 60)

    def measured_on(self, name, seconds=60):
        self.driver.find("label", f"Measured on {name}.", seconds=seconds)
        self.driver.wait_idle(90)


class Board:
    """A board with an SSH server on this machine, by tests/engine/board-sshd.py, which says what can be told to it."""

    def __init__(self, *options):
        self.folder = tempfile.mkdtemp(prefix="lathe-board-")
        self.process = subprocess.Popen(["/usr/bin/python3", os.path.join(SOURCE, "tests", "engine", "board-sshd.py"), self.folder, *options],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.facts = json.loads(self.process.stdout.readline())

    def settings(self, *, key):
        """What is typed to reach it."""
        typed = {"Host": self.facts["host"], "User": self.facts["user"], "Port": str(self.facts["port"])}
        return {**typed, "Key file": self.facts["key"]} if key else typed

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        check(answer.startswith("ok"), f"the board answers \"{answer}\" to \"{command}\"")
        return answer[2:].strip()

    def fingerprint(self):
        return subprocess.run(["ssh-keygen", "-lf", os.path.join(self.folder, "host_key.pub")], capture_output=True, text=True).stdout.split()[1]

    def end(self):
        self.process.stdin.close()
        self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)
