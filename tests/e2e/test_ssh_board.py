"""A language model pushed from the window to an aarch64 board over SSH (tests/engine/board-sshd.py --arm: the runner under QEMU, all else real): the board is
added, its key is asked about, a password is asked for, the run fills the lanes and stands beside this computer's (cables are pulled in test_lost_links.py)."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

from lathe_driver import Driver, Tap, check, showing

program, out = sys.argv[1], sys.argv[2]
here = os.path.dirname(os.path.abspath(__file__))
NAME = None  # as the list calls it: its host

tap = Tap()
driver = None
board = facts = None
folder = tempfile.mkdtemp(prefix="lathe-board-")


def tell(command):
    board.stdin.write(command + "\n")
    board.stdin.flush()
    answer = board.stdout.readline().strip()
    check(answer.startswith("ok"), f"the board answers \"{answer}\" to \"{command}\"")
    return answer


def run_button():
    return driver.look("push button", "Run")


def wait_idle(seconds=120):
    driver.wait_idle(seconds)


def row():
    for node in driver.walk():
        if node.getRoleName() == "list item" and node.name.startswith(NAME) and showing(node):
            return node
    return None


def press(label, root=None):
    """A button by its label, also one whose letter is underlined."""
    def look():
        return next((n for n in driver.walk(root) if n.getRoleName() == "push button" and n.name in (label, f"_{label} {label}") and showing(n)), None)
    driver.click(driver.wait(f"the button {label}", look))


def closes():
    """GTK 4.8 can fall over when somebody reads the accessibility tree while a dialog goes."""
    time.sleep(1.5)


def fill(field, text):
    entry = driver.wait(f"the field {field}", lambda: next((n for n in driver.walk() if n.getRoleName() in ("text", "entry") and n.name == field and showing(n)), None))
    driver.point(entry)
    driver.keys("ctrl+a")
    driver.type(text)


def starts_a_board():
    global board, facts, NAME
    board = subprocess.Popen(["/usr/bin/python3", os.path.join(here, "..", "engine", "board-sshd.py"), folder, "--arm"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    facts = json.loads(board.stdout.readline())
    NAME = facts["host"]


def adds_it():
    global driver
    driver = Driver(program, [], out)
    wait_idle()
    press("Add a board")
    fill("Host", facts["host"])
    fill("User", facts["user"])
    fill("Port", str(facts["port"]))
    if not facts["link"]:
        fill("Key file", facts["key"])
    driver.picture("ssh-01-add")
    press("Add", driver.find("frame", "Add a Board"))
    closes()


def asks_about_its_key():
    printed = subprocess.run(["ssh-keygen", "-lf", os.path.join(folder, "host_key.pub")], capture_output=True, text=True).stdout.split()[1]
    text = driver.find("label", contains=printed, seconds=20)
    check("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" in driver.text_of(text) + text.name, "the question does not say what to compare with")
    driver.picture("ssh-02-key")
    press("Connect")
    closes()


def asks_for_the_password():
    if not facts["link"]:
        return  # a board of this user has no password of its own
    driver.find("label", contains="No key of this computer opens", seconds=20)
    driver.picture("ssh-03-password")
    entry = driver.wait("the field for it", lambda: next((n for n in driver.walk() if n.getRoleName() == "password text" and showing(n)), None))
    driver.point(entry)
    driver.type(facts["password"])
    press("Connect")
    closes()


def is_ready():
    driver.wait("the board to answer", lambda: row() is not None and "Ready" in row().name, 60)
    driver.point(row())
    driver.find("label", "aarch64")
    driver.picture("ssh-04-ready")


def runs_on_it():
    driver.set_number("Tokens to write", 16)
    driver.run_once()
    driver.press(f"Run on {NAME}")  # the password is remembered while the program runs
    driver.find("label", contains=f"Measuring on {NAME}", seconds=60)
    driver.wait("live figures", lambda: "measuring" not in driver.tile("Decode speed"), 60)
    driver.picture("ssh-05-live")
    wait_idle()
    driver.find("label", contains=f"Measured on {NAME}")
    check("tok/s" in driver.tile("Decode speed"), driver.tile("Decode speed"))
    driver.picture("ssh-06-measured")


def compares():
    driver.show("Compare")
    press("Compare devices")
    driver.find("push button", "Run A, compared with: This computer")
    driver.find("push button", f"Run B: {NAME}")
    driver.picture("ssh-07-compare")


def can_emulate():
    lathe_runners = os.path.join(os.path.dirname(os.path.abspath(program)), "..", "engine", "runner", "lathe-runner-aarch64")
    cross = [os.path.join(here, "..", "..", name, "engine", "runner", "lathe-runner") for name in ("build-runner-aarch64", "build-aarch64")]
    return any(os.path.exists(p) for p in [lathe_runners, *cross]) and shutil.which("qemu-aarch64-static") and os.path.exists("/usr/sbin/sshd")


if not can_emulate():
    print("1..0 # SKIP no runner for aarch64, no qemu-aarch64-static, or no OpenSSH server")
    sys.exit(0)
try:
    tap.step("a board of this machine's own", starts_a_board)
    tap.step("is added", adds_it)
    tap.step("its key is asked about", asks_about_its_key)
    tap.step("a password is asked for", asks_for_the_password)
    tap.step("answers", is_ready)
    tap.step("runs a language model, live", runs_on_it)
    tap.step("compares it with this computer", compares)
    tap.step("ends", lambda: driver.terminate())
finally:
    if board is not None:
        board.stdin.close()
        board.wait(20)
    shutil.rmtree(folder, ignore_errors=True)
sys.exit(tap.end())
