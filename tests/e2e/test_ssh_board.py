"""A language model pushed from the window to an aarch64 board over SSH (tests/engine/board-sshd.py --arm: the runner under QEMU, all else real): the board is
added, its key is asked about, a password is asked for, the run fills the lanes and stands beside this computer's (cables are pulled in test_lost_links.py)."""

import os
import shutil
import sys

from lathe_boards import Board, DevicesPane, can_emulate_arm
from lathe_driver import Driver, Tap, check

program, out = sys.argv[1], sys.argv[2]
NAME = None  # as the list calls it: its host

tap = Tap()
driver = pane = board = None


def starts_a_board():
    global board, NAME
    board = Board("--arm")
    NAME = board.facts["host"]


def adds_it():
    global driver, pane
    driver = Driver(program, [], out)
    driver.wait_idle(120)
    pane = DevicesPane(driver)
    pane.fill_form(board.settings(key=not board.facts["link"]))
    driver.picture("ssh-01-add")
    pane.answer("Add")


def asks_about_its_key():
    text = driver.find("label", contains=board.fingerprint(), seconds=20)
    check("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" in driver.text_of(text) + text.name, "the question does not say what to compare with")
    driver.picture("ssh-02-key")
    pane.answer("Connect")


def asks_for_the_password():
    if not board.facts["link"]:
        return  # a board of this user has no password of its own
    driver.find("label", contains="No key of this computer opens", seconds=20)
    driver.picture("ssh-03-password")
    pane.type_secret(board.facts["password"])
    pane.answer("Connect")


def is_ready():
    pane.wait_row(NAME, "Ready")
    pane.choose(NAME)
    driver.find("label", "aarch64")
    driver.picture("ssh-04-ready")


def runs_on_it():
    driver.set_number("Tokens to write", 16)
    driver.run_once()
    pane.run_on(NAME)  # the password is remembered while the program runs
    driver.find("label", contains=f"Measuring on {NAME}", seconds=60)
    pane.live_figures()
    driver.picture("ssh-05-live")
    driver.wait_idle(120)
    driver.find("label", contains=f"Measured on {NAME}")
    check("tok/s" in driver.tile("Decode speed"), driver.tile("Decode speed"))
    driver.picture("ssh-06-measured")


def compares():
    driver.show("Compare")
    driver.press("Compare devices")
    driver.find("push button", "Run A, compared with: This computer")
    driver.find("push button", f"Run B: {NAME}")
    driver.picture("ssh-07-compare")


if not (can_emulate_arm() and shutil.which("qemu-aarch64-static") and os.path.exists("/usr/sbin/sshd")):
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
        board.end()
sys.exit(tap.end())
