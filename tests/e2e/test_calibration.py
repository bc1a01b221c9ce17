"""A board is calibrated from the window: keyword spotting on the virtual Cortex-M4. Nothing runs meanwhile, it can be cancelled, and then
its preflight and the chooser of devices say what the build is expected to take there, between which times."""

import os
import re
import shutil
import subprocess
import sys
import time

from lathe_driver import TEST_DATA, Driver, Tap, check, showing

program, out = sys.argv[1], sys.argv[2]
keywords = os.path.join(TEST_DATA, "audio", "kws", "kws_ref_model.tflite")
ARM, M4 = "Virtual 64-bit Arm board", "Virtual Cortex-M4 board"
EXPECTED = re.compile(r"~([\d.]+)\sms \(([\d.]+)\sms to ([\d.]+)\sms\)")

tap = Tap()
driver = None


def run_button():
    return driver.look("push button", "Run")


def wait_idle(seconds=90):
    driver.wait_idle(seconds)


def row(name):
    for node in driver.walk():
        if node.getRoleName() == "list item" and node.name.startswith(name) and showing(node):
            return node
    return None


def press(label):
    driver.press(label)


def opens():
    global driver
    driver = Driver(program, [keywords], out)
    wait_idle()
    if not row(M4):
        press("Show or hide the devices") if driver.look("push button", "Show or hide the devices") else None
    driver.point(driver.wait("the board", lambda: row(M4)))
    if driver.look("push button", "Contact"):
        press("Contact")
    driver.wait("the board to answer", lambda: "Ready" in row(M4).name)
    driver.find("push button", "Calibrate This Board")
    check(driver.look("list item", contains="Latency, fine") is None, "something is expected of a board that nobody calibrated")
    driver.picture("calibration-01-before")


def cancels():
    """Run is refused while a board is measured; Cancel ends it with nothing kept."""
    driver.point(row(ARM))
    if driver.look("push button", "Contact"):
        press("Contact")
    driver.wait("the board to answer", lambda: "Ready" in row(ARM).name)
    driver.find("label", "aarch64")
    time.sleep(0.5)  # details are filled anew when something changed
    press("Calibrate This Board")
    label = driver.find("label", contains="Nothing else runs meanwhile")
    check(not driver.sensitive(run_button()), "Run is offered while a board is being calibrated")
    time.sleep(1)
    driver.picture("calibration-02-working")
    cancel = driver.wait("Cancel", lambda: next((n for n in driver.walk(label.parent) if n.getRoleName() == "push button" and n.name == "Cancel" and showing(n)), None))
    driver.click(cancel)
    driver.wait("the button to come back", lambda: driver.look("push button", "Calibrate This Board") is not None, 60)
    wait_idle()
    driver.point(row(M4))
    driver.find("label", "Size of This Build")
    time.sleep(0.5)


def calibrates():
    press("Calibrate This Board")
    driver.wait("the board to be calibrated", lambda: driver.look("push button", "Calibrate Again") is not None, 120)
    wait_idle()
    driver.find("label", contains="nine times out of ten")
    driver.find("label", contains="Calibrated with 12 reference layers")
    item = driver.wait("what is expected", lambda: driver.look("list item", contains="Latency, fine"))
    found = EXPECTED.search(item.name)
    check(found, "no time with a band in the preflight: " + item.name)
    expected, low, high = (float(x) for x in found.groups())
    # What the emulator takes for keyword spotting: it repeats.
    check(low < 165.5 < high, f"the 165.5 ms that it takes are outside of {low} to {high}")
    driver.picture("calibration-03-known")


def is_offered():
    driver.press("Runs on: This computer")
    item = driver.wait("the board in the chooser", lambda: next((n for n in driver.walk() if n.getRoleName() == "list item" and n.name.startswith(M4 + ".") and showing(n)), None))
    driver.wait("what is expected beside it", lambda: EXPECTED.search(next((n.name for n in driver.walk() if n.getRoleName() == "list item" and n.name.startswith(M4 + ".") and showing(n)), "")))
    driver.picture("calibration-04-chooser")
    driver.keys("Escape")
    check(item is not None, "the board is not offered")


def fits():
    """On narrow windows too."""
    window = subprocess.check_output(["xdotool", "search", "--onlyvisible", "--name", "Lathe"]).split()[-1].decode()
    for width, height in ((700, 800), (360, 720)):
        subprocess.call(["xdotool", "windowsize", window, str(width), str(height)])
        time.sleep(1)
        driver.picture(f"calibration-05-{width}")


def has_runner():
    folder = os.environ.get("LATHE_RUNNERS") or os.path.join(os.path.dirname(os.path.abspath(program)), "..", "engine", "runner")
    built = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build-runner-aarch64", "engine", "runner", "lathe-runner")
    return os.path.exists(os.path.join(folder, "lathe-runner-aarch64")) or os.path.exists(built)


if not (os.path.exists(keywords) and shutil.which("qemu-system-arm") and shutil.which("arm-none-eabi-gcc")):
    print("1..0 # SKIP takes qemu-system-arm, arm-none-eabi-gcc and the keyword-spotting network below LATHE_TEST_DATA")
    sys.exit(0)
tap.step("opens: a board that nobody calibrated", opens)
if has_runner() and (shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")):
    tap.step("is cancelled; nothing runs meanwhile", cancels)
else:
    print("# cancelling is left out: it takes qemu-user-static and build-runner-aarch64", file=sys.stderr)
tap.step("calibrates, and says what is expected", calibrates)
tap.step("offers the board with what is expected of it", is_offered)
tap.step("fits narrow windows", fits)
sys.exit(tap.end())
