"""Boards from the window, as a person uses them: the list, a board over SSH that is added and refused, a run on the virtual 64-bit Arm board whose profile
fills the lanes and stands beside this computer's, keyword spotting on a virtual Cortex-M4, several devices side by side."""

import os
import shutil
import sys
import time

from lathe_driver import TEST_DATA, Driver, Tap, check, showing

program, out = sys.argv[1], sys.argv[2]
keywords = os.path.join(TEST_DATA, "audio", "kws", "kws_ref_model.tflite")
ARM, M4 = "Virtual 64-bit Arm board", "Virtual Cortex-M4 board"

tap = Tap()
driver = None


def run_button():
    return driver.look("push button", "Run")


def wait_idle(seconds=90):
    driver.wait_idle(seconds)


def row(name):
    """The row of a device in the pane: its name begins with the device's, and says how the device is."""
    for node in driver.walk():
        if node.getRoleName() == "list item" and node.name.startswith(name) and showing(node):
            return node
    return None


def closes():
    """GTK 4.8 does not survive a look at the tree while a window goes."""
    time.sleep(1.5)


def press(label, root=None):
    driver.press(label, root=root)


def opens():
    global driver
    driver = Driver(program, [], out)
    wait_idle()
    for name in ("This computer", ARM):
        check(row(name), f"{name} is not in the list")
    check("Ready" in row("This computer").name, "this computer is not said to be ready: " + row("This computer").name)
    check("Not asked yet" in row(ARM).name, "the board is said to be something without having been asked: " + row(ARM).name)


def adds_a_board():
    """Nobody listens there: what it said stands in the list, and the board can be tried again and removed."""
    press("Add a board")
    driver.find("label", contains="Nothing has to be installed there")
    host = driver.wait("the field for the host", lambda: next((n for n in driver.walk() if n.getRoleName() in ("text", "entry") and n.name == "Host" and showing(n)), None))
    driver.point(host)
    driver.type("127.0.0.1")
    port = next(n for n in driver.walk() if n.getRoleName() in ("text", "entry") and n.name == "Port" and showing(n))
    driver.point(port)
    driver.keys("ctrl+a")
    driver.type("1")
    driver.picture("devices-01-add")
    dialog = driver.find("frame", "Add a Board")
    press("Add", dialog)
    closes()
    driver.wait("what came of it", lambda: row("127.0.0.1") is not None and "Does not answer" in row("127.0.0.1").name)
    driver.find("push button", "Contact Again")
    driver.picture("devices-02-does-not-answer")
    press("Remove…")
    driver.press(contains="_Remove")
    closes()
    driver.wait("the board to go", lambda: row("127.0.0.1") is None)


def set_tokens(n):
    driver.set_number("Tokens to write", n)


def contacts():
    """What the virtual board is, and the preflight of this build before anything is copied."""
    driver.point(row(ARM))
    press("Contact")
    driver.wait("the board to answer", lambda: "Ready" in row(ARM).name or "missing" in row(ARM).name or "answer" in row(ARM).name)
    check("Ready" in row(ARM).name, "the board did not answer: " + row(ARM).name)
    driver.find("label", "aarch64")
    check(driver.look("list item", contains="Memory, fine: "), "no preflight of this build")
    driver.picture("devices-03-ready")


def runs_here_and_there():
    set_tokens(16)
    driver.run_once()
    driver.press(f"Run on {ARM}")
    driver.find("label", contains=f"Measuring on {ARM}. The times are of an emulator", seconds=10)
    # The board's samples fill the lanes while it runs.
    driver.wait("live figures", lambda: "measuring" not in driver.tile("Decode speed"), 60)
    driver.picture("devices-04-live")
    wait_idle()
    driver.find("label", contains=f"Measured on {ARM}. The times are of an emulator")
    check("tok/s" in driver.tile("Decode speed"), driver.tile("Decode speed"))
    driver.find("label", "Measured")
    driver.picture("devices-05-board")


def compares():
    driver.show("Compare")
    press("Compare devices")
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
    closes()


def spots_keywords():
    global driver
    driver = Driver(program, [keywords], out)
    wait_idle()
    driver.run_button() and driver.click(driver.run_button())
    time.sleep(1)
    wait_idle()
    driver.press(f"Run on {M4}")
    driver.find("label", contains=f"Measured on {M4}. The times are of an emulator", seconds=90)
    check("ms" in driver.tile("Latency"), driver.tile("Latency"))
    driver.picture("devices-09-keywords")
    driver.show("Compare")
    press("Compare devices")
    driver.find("push button", f"Run B: {M4}")
    driver.picture("devices-10-keywords-compare")


def has_runner():
    folder = os.environ.get("LATHE_RUNNERS") or os.path.join(os.path.dirname(os.path.abspath(program)), "..", "engine", "runner")
    built = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build-runner-aarch64", "engine", "runner", "lathe-runner")
    return os.path.exists(os.path.join(folder, "lathe-runner-aarch64")) or os.path.exists(built)


tap.step("opens, with this computer and the virtual boards in the list", opens)
tap.step("adds a board that does not answer, and removes it", adds_a_board)
if has_runner() and (shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")):
    tap.step("asks the virtual board what it is", contacts)
    tap.step("runs here and on the board, live", runs_here_and_there)
    tap.step("compares the devices", compares)
    tap.step("chooses this computer again", chooses_here_again)
    tap.step("reads them side by side", several)
else:
    print("# the 64-bit Arm board is left out: it takes qemu-user-static and build-runner-aarch64", file=sys.stderr)
tap.step("ends", lambda: driver.terminate())
if os.path.exists(keywords) and shutil.which("qemu-system-arm") and shutil.which("arm-none-eabi-gcc"):
    tap.step("spots keywords on a virtual Cortex-M4", spots_keywords)
    tap.step("ends again", lambda: driver.terminate())
else:
    print("# the Cortex-M4 is left out: it takes qemu-system-arm, arm-none-eabi-gcc and the network below LATHE_TEST_DATA", file=sys.stderr)
sys.exit(tap.end())
