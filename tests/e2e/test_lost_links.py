"""What the user of the window sees when real links fail: a board that is a network namespace with an SSH server and lathe-agent (tests/engine/board-sshd.py).
Its key is asked about, refused and taken, and refused where it changed; a build that does not fit is refused with the reason; the cable is pulled and put back while a
build is copied and while it runs, and pulled for good; then the same board is paired by its code and measured through lathe-agent."""

import json
import os
import shutil
import subprocess
import sys

from lathe_boards import AGENT, RUNNER, Board, DevicesPane
from lathe_driver import Driver, Tap, check

program, out = sys.argv[1], sys.argv[2]
NAME = "Bench board"
SERVICE = "Bench board, service"
SMALL_DISK = 6 << 20  # the runner fits, a build does not

tap = Tap()
driver = pane = board = None


# ---- The board ----

def start_board():
    """None where this machine can be one with a cable, else why not."""
    global board
    missing = [tool for tool in ("ssh-keygen", "ip") if not shutil.which(tool)]
    if missing or not os.path.exists("/usr/sbin/sshd"):
        return "no OpenSSH server, or no " + " and no ".join(missing or ["such program"])
    if not os.path.exists(RUNNER):
        return "no runner for this computer was built"
    board = Board()
    return None if board.facts["link"] else "no board with a cable here: " + board.facts["why_local"]


# ---- The window ----

def live():
    """Figures of a run that goes on, not of the one before."""
    pane.says("Running: ", seconds=60)
    pane.live_figures()


def opens():
    global driver, pane
    driver = Driver(program, [], out)
    driver.wait_idle(90)
    pane = DevicesPane(driver)


# ---- First contact ----

def asks_about_its_key():
    pane.add_board(NAME, board.settings(key=True))
    printed = board.fingerprint()
    pane.says(printed, seconds=20)
    driver.picture("links-01-question")
    pane.answer("Do Not Connect")
    pane.wait_row(NAME, "No access")
    pane.says(printed, "was not accepted, so nothing was sent")
    driver.picture("links-02-not-accepted")
    pane.press("Contact Again")
    pane.says("for the first time?", seconds=20)
    pane.answer("Connect")
    pane.wait_row(NAME, "Ready")
    driver.picture("links-03-ready")


def refuses_another_key():
    """Nobody is asked: a key that changed is refused, and the command that forgets the old one stands there."""
    board.tell("new_host_key")
    pane.press("Contact Again")
    pane.wait_row(NAME, "No access")
    pane.says("its key is not the one it had")
    command = pane.says("ssh-keygen -f ")
    driver.picture("links-04-changed-key")
    subprocess.run(command, shell=True, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    pane.press("Contact Again")
    pane.says("for the first time?", seconds=20)
    pane.answer("Connect")
    pane.wait_row(NAME, "Ready")


def refuses_what_does_not_fit():
    board.tell(f"tmpfs {SMALL_DISK}")
    pane.run_on(NAME)
    pane.says("This Build Cannot Run There", seconds=60)
    pane.says("where Lathe keeps its files")
    driver.picture("links-05-refused")
    driver.keys("Escape")
    driver.dialog_goes()
    pane.says("Cannot run there")
    driver.picture("links-06-refused-row")
    board.tell("umount files")


# ---- The cable ----

def is_kept():
    """The list is there again; a link of this one counts as lost sooner than others (a setting for slow links, in no form)."""
    driver.quit()
    path = os.path.join(os.environ["XDG_CONFIG_HOME"], "lathe", "devices.json")
    with open(path, encoding="utf-8") as file:
        kept = json.load(file)
    (mine,) = [device for device in kept["devices"] if device["name"] == NAME]
    mine["settings"]["timeout-s"] = "3"
    with open(path, "w", encoding="utf-8") as file:
        json.dump(kept, file)
    # Runs last long enough to be interrupted on any computer.
    settings = os.path.join(os.environ["XDG_CONFIG_HOME"], "glib-2.0", "settings")
    os.makedirs(settings, exist_ok=True)
    with open(os.path.join(settings, "keyfile"), "w", encoding="utf-8") as file:
        file.write("[org/lathe/Lathe]\nrun-interval=1.0\nrun-budget=8.0\n")
    os.environ["GSETTINGS_BACKEND"] = "keyfile"
    opens()
    pane.wait_row(NAME, "Not asked yet")


def goes_on_copying():
    board.tell("set sftp slow")
    board.tell("rate 500000")  # twenty seconds: there is time to pull the cable
    driver.set_number("Tokens to write", 16)
    pane.run_on(NAME)
    pane.says("Copying the build", " of ", seconds=60)
    driver.picture("links-07-copying")
    board.tell("cut")
    pane.says("Link lost, trying again")
    driver.picture("links-08-lost-copying")
    board.tell("rate 50000000")
    board.tell("heal")
    pane.measured_on(NAME)
    pane.says("the link was lost on the way; nothing measured was")
    check("tok/s" in driver.tile("Decode speed"), driver.tile("Decode speed"))
    driver.picture("links-10-measured")
    board.tell("set sftp good")


def comes_back_while_it_runs():
    driver.set_number("Tokens to write", 400)
    pane.run_on(NAME)
    live()
    board.tell("cut")
    pane.says("Link lost, trying again")
    driver.picture("links-11-lost-running")
    board.tell("heal")
    pane.measured_on(NAME)
    pane.says("the link was lost on the way; nothing measured was")
    check((driver.verdict() or "").find("ended before") < 0, driver.verdict())
    driver.picture("links-12-back")


def keeps_what_came():
    """Pulled for good: the user has seen enough, and what had come is kept, marked."""
    pane.run_on(NAME)
    live()
    board.tell("cut")
    pane.says("Link lost, trying again")
    driver.press("Stop")
    pane.measured_on(NAME, 90)
    driver.picture("links-13-ended-early")
    check("tok/s" in driver.tile("Decode speed"), driver.tile("Decode speed"))
    check("did not answer" in (driver.verdict() or ""), f"nothing says that it ended early: {driver.verdict()}")
    pane.says("what had come by then is kept")
    check("Does not answer" in pane.row(NAME).name, pane.row(NAME).name)
    board.tell("heal")


# ---- lathe-agent ----

def pairs():
    port = board.tell("agent " + AGENT)
    code, fingerprint = board.tell("pair").split("|")
    pane.add_board(SERVICE, {"Host": board.facts["host"], "Port": port}, "lathe-agent")
    pane.says(fingerprint, seconds=20)
    driver.picture("links-14-fingerprint")
    pane.answer("Connect")
    pane.type_secret("0000 0000" if code.replace(" ", "") != "00000000" else "1111 1111")
    pane.answer("Connect")
    pane.says("That is not the code")
    check("No access" in pane.row(SERVICE).name, pane.row(SERVICE).name)
    driver.picture("links-15-wrong-code")
    pane.press("Contact Again")
    pane.says(fingerprint, seconds=20)
    pane.answer("Connect")
    pane.type_secret(code)
    driver.picture("links-16-code")
    pane.answer("Connect")
    driver.wait("what becomes of the pairing", lambda: "Ready" in pane.row(SERVICE).name or pane.first("label", lambda n: "until this program ends" in n.name), 60)
    if "Ready" not in pane.row(SERVICE).name:  # no keyring here
        driver.picture("links-17-no-keyring")
        pane.answer("Connect")
    pane.wait_row(SERVICE, "Ready")
    check(board.tell("paired") == "0", "lathe-agent pair did not end well")


def exports_say_where():
    """A picture and a table leave the window whose bar names the board."""
    pdf, csv = os.path.join(board.folder, "layers.pdf"), os.path.join(board.folder, "layers.csv")
    for path in (pdf, csv):
        driver.keys("ctrl+e")
        driver.save_as(path)
    with open(pdf, "rb") as file:
        drawing = file.read().upper()
    words = f"measured on {NAME}"  # in the title, which is UTF-16 where it has more than ASCII
    check(words.encode().upper() in drawing or words.encode("utf-16-be").hex().upper().encode() in drawing, "the drawing does not say where it was measured")
    shutil.copy(pdf, os.path.join(out, "links-layers.pdf"))
    with open(csv, encoding="utf-8", newline="") as file:
        lines = file.read().splitlines()
    check(lines[0].endswith(",measured on") and all(line.endswith("," + NAME) for line in lines[1:]), "the table does not say where it was measured: " + lines[0])
    history = subprocess.run([program, "runs", "--csv"], capture_output=True, text=True, check=True).stdout
    check(",device,emulated," in history and f",{NAME},false," in history, "the history does not: " + history[:300])


def measures_through_it():
    driver.set_number("Tokens to write", 16)
    pane.run_on(SERVICE)
    pane.measured_on(SERVICE)
    check("tok/s" in driver.tile("Decode speed"), driver.tile("Decode speed"))
    driver.picture("links-18-agent")
    driver.quit()


tap_steps = [
    ("opens", opens),
    ("a key that was never seen is asked about", asks_about_its_key),
    ("a key that changed is refused", refuses_another_key),
    ("a build that does not fit is refused with the reason", refuses_what_does_not_fit),
    ("the board is in the list of the next start", is_kept),
    ("copying goes on after the cable was pulled", goes_on_copying),
    ("a run is whole after the cable was pulled", comes_back_while_it_runs),
    ("exports name the board", exports_say_where),
    ("what had come before the end is kept and marked", keeps_what_came),
    ("pairs with lathe-agent by its code", pairs),
    ("measures through lathe-agent", measures_through_it),
]

try:
    why = start_board()
    if why:
        print(f"1..0 # SKIP {why}")
        sys.exit(0)
    for name, function in tap_steps:
        tap.step(name, function)
finally:
    if board is not None:
        board.end()
sys.exit(tap.end())
