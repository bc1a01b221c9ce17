"""Boards from the window, as a person uses them: the list, a board over SSH that is added and refused, a run on the virtual 64-bit Arm board whose profile
fills the lanes and stands beside this computer's, keyword spotting on a virtual Cortex-M4, several devices side by side."""

import os
import sys
import time

from lathe_boards import ARM, KEYWORDS, M4, DevicesPane, can_emulate_arm, can_emulate_cortex_m
from lathe_driver import Driver, Tap, check

program, out = sys.argv[1], sys.argv[2]

tap = Tap()
driver = pane = None


def opens():
    global driver, pane
    driver = Driver(program, [], out)
    driver.wait_idle(90)
    pane = DevicesPane(driver)
    for name in ("This computer", ARM):
        check(pane.row(name), f"{name} is not in the list")
    check("Ready" in pane.row("This computer").name, "this computer is not said to be ready: " + pane.row("This computer").name)
    check("Not asked yet" in pane.row(ARM).name, "the board is said to be something without having been asked: " + pane.row(ARM).name)


def adds_a_board():
    """Nobody listens there: what it said stands in the list, and the board can be tried again and removed."""
    pane.fill_form({"Host": "127.0.0.1", "Port": "1"})
    driver.find("label", contains="Nothing has to be installed there")
    driver.picture("devices-01-add")
    pane.answer("Add")
    pane.wait_row("127.0.0.1", "Does not answer")
    driver.find("push button", "Contact Again")
    driver.picture("devices-02-does-not-answer")
    pane.press("Remove…")
    pane.answer("Remove")
    driver.wait("the board to go", lambda: pane.row("127.0.0.1") is None)


def contacts():
    """What the virtual board is, and the preflight of this build before anything is copied."""
    pane.choose(ARM)
    pane.press("Contact")
    driver.wait("the board to answer", lambda: "Ready" in pane.row(ARM).name or "missing" in pane.row(ARM).name or "answer" in pane.row(ARM).name)
    check("Ready" in pane.row(ARM).name, "the board did not answer: " + pane.row(ARM).name)
    driver.find("label", "aarch64")
    check(driver.look("list item", contains="Memory, fine: "), "no preflight of this build")
    driver.picture("devices-03-ready")


def runs_here_and_there():
    driver.set_number("Tokens to write", 16)
    driver.run_once()
    pane.run_on(ARM)
    driver.find("label", contains=f"Measuring on {ARM}. The times are of an emulator", seconds=10)
    pane.live_figures()
    driver.picture("devices-04-live")
    driver.wait_idle(90)
    driver.find("label", contains=f"Measured on {ARM}. The times are of an emulator")
    check("tok/s" in driver.tile("Decode speed"), driver.tile("Decode speed"))
    driver.find("label", "Measured")
    driver.picture("devices-05-board")


def compares():
    driver.show("Compare")
    driver.press("Compare devices")
    driver.find("push button", "Run A, compared with: This computer")
    driver.find("push button", f"Run B: {ARM}")
    driver.find("label", contains=f"The times of {ARM} are of an emulator")
    driver.picture("devices-06-compare")


def chooses_here_again():
    driver.press(f"Runs on: {ARM}")
    driver.wait("this computer in the list", lambda: driver.look("list item", contains="This computer. In this program"))
    driver.picture("devices-07-target")
    driver.keys("Home", "Return")
    driver.find("push button", "Runs on: This computer")
    driver.wait("the bar to go", lambda: driver.look("label", contains="Measured on") is None)


def several():
    driver.press("Several at Once…")
    table = driver.wait("the table", lambda: driver.look("tree table"))
    text = " ".join(node.name for node in driver.walk(table) if node.name)
    check(ARM in text and "This computer" in text and "an emulator" in text, "not both devices stand in the table: " + text)
    driver.picture("devices-08-several")
    driver.keys("Escape")
    driver.dialog_goes()


def spots_keywords():
    global driver, pane
    driver = Driver(program, [KEYWORDS], out)
    driver.wait_idle(90)
    pane = DevicesPane(driver)
    driver.run_button() and driver.click(driver.run_button())
    time.sleep(1)
    driver.wait_idle(90)
    pane.run_on(M4)
    driver.find("label", contains=f"Measured on {M4}. The times are of an emulator", seconds=90)
    check("ms" in driver.tile("Latency"), driver.tile("Latency"))
    driver.picture("devices-09-keywords")
    driver.show("Compare")
    driver.press("Compare devices")
    driver.find("push button", f"Run B: {M4}")
    driver.picture("devices-10-keywords-compare")


tap.step("opens, with this computer and the virtual boards in the list", opens)
tap.step("adds a board that does not answer, and removes it", adds_a_board)
if can_emulate_arm():
    tap.step("asks the virtual board what it is", contacts)
    tap.step("runs here and on the board, live", runs_here_and_there)
    tap.step("compares the devices", compares)
    tap.step("chooses this computer again", chooses_here_again)
    tap.step("reads them side by side", several)
else:
    print("# the 64-bit Arm board is left out: it takes qemu-user-static and build-runner-aarch64", file=sys.stderr)
tap.step("ends", lambda: driver.terminate())
if os.path.exists(KEYWORDS) and can_emulate_cortex_m():
    tap.step("spots keywords on a virtual Cortex-M4", spots_keywords)
    tap.step("ends again", lambda: driver.terminate())
else:
    print("# the Cortex-M4 is left out: it takes qemu-system-arm, arm-none-eabi-gcc and the network below LATHE_TEST_DATA", file=sys.stderr)
sys.exit(tap.end())
