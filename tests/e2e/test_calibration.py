"""A board is calibrated from the window: keyword spotting on the virtual Cortex-M4. Nothing runs meanwhile, it can be cancelled, and then
its preflight and the chooser of devices say what the build is expected to take there, between which times."""

import os
import re
import sys
import time

from lathe_boards import ARM, KEYWORDS, M4, DevicesPane, can_emulate_arm, can_emulate_cortex_m
from lathe_driver import Driver, Tap, check

program, out = sys.argv[1], sys.argv[2]
EXPECTED = re.compile(r"~([\d.]+)\sms \(([\d.]+)\sms to ([\d.]+)\sms\)")

tap = Tap()
driver = pane = None


def contact(board):
    pane.choose(board)
    if pane.button("Contact"):
        pane.press("Contact")
    pane.wait_row(board, "Ready")


def opens():
    global driver, pane
    driver = Driver(program, [KEYWORDS], out)
    driver.wait_idle(90)
    if not driver.look("panel", "Devices"):
        driver.press("Show or hide the devices")
    pane = DevicesPane(driver)
    contact(M4)
    driver.find("push button", "Calibrate This Board")
    check(driver.look("list item", contains="Latency, fine") is None, "something is expected of a board that nobody calibrated")
    driver.picture("calibration-01-before")


def cancels():
    """Run is refused while a board is measured; Cancel ends it with nothing kept."""
    contact(ARM)
    driver.find("label", "aarch64")
    time.sleep(0.5)  # details are filled anew when something changed
    pane.press("Calibrate This Board")
    driver.find("label", contains="Nothing else runs meanwhile", root=pane.node)  # it takes a few seconds only: no walk over the window
    driver.wait("Run not to be offered while a board is being calibrated", lambda: not driver.sensitive(driver.run_button()), 5)
    driver.picture("calibration-02-working")
    driver.press_found("Cancel", lambda: driver.look("push button", "Cancel", root=driver.look("label", contains="Nothing else runs meanwhile", root=pane.node).parent))
    driver.wait("the button to come back", lambda: driver.look("push button", "Calibrate This Board") is not None, 60)
    driver.wait_idle(90)
    pane.choose(M4)
    driver.find("label", "Size of This Build")
    time.sleep(0.5)


def calibrates():
    pane.press("Calibrate This Board")
    driver.wait("the board to be calibrated", lambda: driver.look("push button", "Calibrate Again") is not None, 120)
    driver.wait_idle(90)
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
    driver.find("list item", contains=M4 + ".")
    driver.wait("what is expected beside it", lambda: EXPECTED.search(driver.look("list item", contains=M4 + ".").name))
    driver.picture("calibration-04-chooser")
    driver.keys("Escape")


def fits():
    """On narrow windows too."""
    for width, height in ((700, 800), (360, 720)):
        driver.resize(width, height)
        driver.picture(f"calibration-05-{width}")


if not (os.path.exists(KEYWORDS) and can_emulate_cortex_m()):
    print("1..0 # SKIP takes qemu-system-arm, arm-none-eabi-gcc and the keyword-spotting network below LATHE_TEST_DATA")
    sys.exit(0)
tap.step("opens: a board that nobody calibrated", opens)
if can_emulate_arm():
    tap.step("is cancelled; nothing runs meanwhile", cancels)
else:
    print("# cancelling is left out: it takes qemu-user-static and build-runner-aarch64", file=sys.stderr)
tap.step("calibrates, and says what is expected", calibrates)
tap.step("offers the board with what is expected of it", is_offered)
tap.step("fits narrow windows", fits)
sys.exit(tap.end())
