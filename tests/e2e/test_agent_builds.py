"""The builds that a board with lathe-agent keeps, in the window: none at first, two after two runs, back to the first with a question and a result; a service that does
not answer; the same board added a second time stays one entry; a quota that is too small is told before anything is sent. The service is real, on this machine."""

import os
import shutil
import subprocess
import sys
import tempfile
import time

from lathe_boards import AGENT, RUNNER, DevicesPane
from lathe_driver import Driver, Tap, check

program, out = sys.argv[1], sys.argv[2]
NAME = "Workshop"

tap = Tap()
driver = pane = service = None
port = 0
folder = tempfile.mkdtemp(prefix="lathe-builds-")


# ---- The board ----

def agent(*args):
    return [AGENT, "--state", os.path.join(folder, "state"), "--files", os.path.join(folder, "files"), "--address", "127.0.0.1", "--port", str(port), "--no-announce", *args]


def start_service(quota="4G"):
    global service, port
    if port == 0:
        import socket
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = found.getsockname()[1]
    service = subprocess.Popen(agent("--quota", quota, "serve"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.time() + 10
    while subprocess.run(agent("status"), capture_output=True).returncode != 0:
        check(time.time() < end, "the service does not start")
        time.sleep(0.1)


def stop_service():
    service.terminate()
    service.wait(10)


def current():
    """The file of the build that a program on the board would take."""
    return subprocess.run(agent("current"), capture_output=True, text=True).stdout.strip()


# ---- The window ----

def adds(name, host):
    pane.add_board(name, {"Host": host, "Port": str(port)}, "lathe-agent")


def pairs():
    pair = subprocess.Popen(agent("pair"), stdout=subprocess.PIPE, text=True)
    code = None
    while code is None:
        line = pair.stdout.readline()
        check(line != "", "lathe-agent pair shows no code")
        words = line.split()
        digits = "".join(w for w in words if w.isdigit())
        code = digits if len(digits) == 8 and "fingerprint" not in line else None
    pane.says("fingerprint", seconds=20)
    pane.answer("Connect")
    pane.type_secret(code)
    pane.answer("Connect")
    if driver.wait("what becomes of it", lambda: pane.button("Connect") or "Ready" in (pane.row(NAME).name if pane.row(NAME) else "")) is not True:
        pane.answer("Connect")  # no keyring here: for this session
    pair.wait(20)


def scroll(steps):
    """Of the devices pane."""
    x, y = driver.place(pane.row(NAME))
    subprocess.run(["xdotool", "mousemove", str(x), str(y), "click", "--repeat", str(abs(steps)), "--delay", "10", "5" if steps > 0 else "4"], check=True)
    time.sleep(0.5)


def builds_list():
    return next((n for n in pane.walk() if n.getRoleName() == "list" and n.name == "Builds Kept There"), None)


def build_rows():
    kept = builds_list()
    return [n for n in driver.walk(kept) if n.getRoleName() == "list item"] if kept is not None else []


def words_of(node):
    return " ".join(driver.labels(node))


# ---- Steps ----

def opens():
    global driver, pane
    start_service()
    driver = Driver(program, [], out)
    driver.wait_idle(60)
    driver.set_number("Tokens to write", 16)
    pane = DevicesPane(driver)


def is_empty():
    adds(NAME, "127.0.0.1")
    pairs()
    pane.wait_row(NAME, "Ready")
    pane.says("No build ran there yet")
    driver.picture("builds-01-empty")


def runs():
    pane.run_on(NAME)
    pane.measured_on(NAME, 90)


def keeps_two():
    runs()
    driver.choose("Weight format", "Q8_0")
    runs()
    driver.wait("two builds", lambda: len(build_rows()) == 2, 20)
    newest, older = (words_of(n) for n in build_rows())
    check("Q8_0" in newest and "Current" in newest and "Current" not in older, f"not what ran last: {newest}; {older}")
    for text in (newest, older):
        check("1 run" in text and "MB" in text, "no runs or no size: " + text)
    scroll(30)
    driver.picture("builds-02-two")


def press_roll_back():
    driver.click(driver.wait("the button", lambda: pane.first("push button", lambda n: n.name.startswith("Roll back to "))))


def goes_back():
    before = current()
    press_roll_back()
    pane.says("becomes the current build there, in place of")
    driver.picture("builds-03-question")
    pane.answer("Roll Back")
    driver.wait("another build to be current", lambda: "Current" in words_of(build_rows()[1]), 20)
    check("Current" not in words_of(build_rows()[0]), "two builds are current")
    driver.picture("builds-04-back")
    check(current() != before and os.path.exists(current()), f"the board still takes {before}")


def says_why_not():
    stop_service()
    press_roll_back()
    pane.says("becomes the current build there")
    pane.answer("Roll Back")
    driver.wait("the way to ask again", lambda: pane.button("Ask Again"), 40)
    scroll(30)
    driver.picture("builds-05-gone")
    check(len(build_rows()) == 2, "what was known is gone")
    start_service()
    pane.press("Ask Again")
    driver.wait("the answer", lambda: pane.button("Ask Again") is None and len(build_rows()) == 2, 20)


def stays_one():
    scroll(-60)
    adds("Workshop again", "localhost")
    pairs()
    driver.find("label", contains="Workshop again is the board that you know as Workshop")  # a toast: first, before it goes
    driver.wait("one entry", lambda: pane.row("Workshop again") is None and pane.row(NAME) is not None, 30)
    driver.picture("builds-06-one")
    pane.wait_row(NAME, "Ready")


def quota_is_told():
    stop_service()
    start_service("6M")
    pane.press("Contact Again")
    pane.wait_row(NAME, "Ready")
    pane.says("quota of 6.29", "make way")
    driver.picture("builds-07-quota")


if not os.path.exists(RUNNER) or not os.path.exists(AGENT):
    print("1..0 # SKIP no runner for this computer, or no lathe-agent, was built")
    sys.exit(0)
try:
    for name, function in [("opens", opens), ("a board that keeps nothing yet says so", is_empty), ("keeps what ran", keeps_two),
                           ("goes back to the build before, with a question and a result", goes_back),
                           ("says why it cannot, and asks again", says_why_not), ("a board that is added twice is one entry", stays_one),
                           ("a quota that is too small is told", quota_is_told), ("ends", lambda: driver.quit())]:
        tap.step(name, function)
finally:
    if service is not None and service.poll() is None:
        service.kill()
    shutil.rmtree(folder, ignore_errors=True)
sys.exit(tap.end())
