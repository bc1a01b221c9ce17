"""What the user of the window sees when real links fail: a board that is a network namespace with an SSH server and lathe-agent (tests/engine/board-sshd.py).
Its key is asked about, refused and taken, and refused where it changed; a build that does not fit is refused with the reason; the cable is pulled and put back while a
build is copied and while it runs, and pulled for good; then the same board is paired by its code and measured through lathe-agent."""

import json
import os
import subprocess
import sys
import tempfile
import shutil
import time

from lathe_driver import Driver, Tap, check, showing

program, out = sys.argv[1], sys.argv[2]
here = os.path.dirname(os.path.abspath(__file__))
builds = os.path.dirname(os.path.dirname(os.path.abspath(program)))
agent_program = os.environ.get("LATHE_AGENT") or os.path.join(builds, "engine", "agent", "lathe-agent")
NAME = "Bench board"
AGENT = "Bench board, service"
SMALL_DISK = 6 << 20  # the runner fits, a build does not

tap = Tap()
driver = None
board = facts = None
folder = tempfile.mkdtemp(prefix="lathe-links-")


# ---- The board ----

def tell(command):
    board.stdin.write(command + "\n")
    board.stdin.flush()
    answer = board.stdout.readline().strip()
    check(answer.startswith("ok"), f"the board answers \"{answer}\" to \"{command}\"")
    return answer[2:].strip()


def start_board():
    """None where this machine can be one with a cable, else why not."""
    global board, facts
    missing = [tool for tool in ("ssh-keygen", "ip") if not shutil.which(tool)]
    if missing or not os.path.exists("/usr/sbin/sshd"):
        return "no OpenSSH server, or no " + " and no ".join(missing or ["such program"])
    if not os.path.exists(os.path.join(builds, "engine", "runner", "lathe-runner")):
        return "no runner for this computer was built"
    board = subprocess.Popen(["/usr/bin/python3", os.path.join(here, "..", "engine", "board-sshd.py"), folder],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    facts = json.loads(board.stdout.readline())
    return None if facts["link"] else "no board with a cable here: " + facts["why_local"]


# ---- The window ----

pane = None  # of the devices: a walk over the whole window takes a second


def run_button():
    return driver.look("push button", "Run")


def wait_idle(seconds=90):
    driver.wait_idle(seconds)


def find_pane():
    global pane
    pane = driver.find("push button", "Add a board")
    while not any(node.getRoleName() == "list item" for node in driver.walk(pane)):
        pane = pane.parent


def near():
    """Dialogs, and the devices pane."""
    for window in list(driver.app)[1:]:
        yield from driver.walk(window)
    yield from driver.walk(pane)


def first(role, fits):
    return next((n for n in near() if n.getRoleName() == role and fits(n) and showing(n)), None)


def row(name):
    """The row of a device: its name says how the device is."""
    return first("list item", lambda n: n.name.startswith(name + ","))


def wait_row(name, words, seconds=60):
    driver.wait(f"{name} to be “{words}”", lambda: row(name) is not None and words in row(name).name, seconds)


def press(label):
    """A button by its label, also one whose letter is underlined."""
    names = (label, f"{label} {label}")
    driver.click(driver.wait(f"the button {label}", lambda: first("push button", lambda n: n.name.replace("_", "") in names)))


def says(*parts, seconds=30):
    """A label with all of @parts in the pane or a dialog; its text."""
    return driver.wait("the words " + " … ".join(parts), lambda: first("label", lambda n: all(part in n.name for part in parts)), seconds).name


def closes():
    """GTK 4.8 can fall over when somebody reads the accessibility tree while a dialog goes."""
    time.sleep(1.5)


def answer(label):
    press(label)
    closes()


def fill(field, text):
    entry = driver.wait(f"the field {field}", lambda: first("text", lambda n: n.name == field))
    driver.point(entry)
    driver.keys("ctrl+a")
    driver.type(text)


def choose_transport(title):
    """The row shows its entry as the list does, so what is chosen stands there twice."""
    combo = driver.wait("the list of transports", lambda: first("combo box", lambda n: n.name == "Reached by"))
    driver.point(combo)

    def titles():
        found = [label.name for item in driver.walk(combo) if item.getRoleName() == "list item" for label in driver.walk(item) if label.getRoleName() == "label" and label.name]
        return list(dict.fromkeys(found)) if title in found else None

    driver.keys("Home", *["Down"] * driver.wait(f"“{title}” in the list", titles).index(title), "Return")


def add_board(name, settings, transport=None):
    press("Add a board")
    driver.find("frame", "Add a Board")
    if transport:
        choose_transport(transport)
    for field, text in settings.items():
        fill(field, text)
    subprocess.run(["xdotool", "click", "--repeat", "20", "--delay", "10", "5"], check=True)  # down to the name
    time.sleep(0.3)
    fill("Name in the List", name)
    press("Add")
    closes()


def set_tokens(n):
    driver.set_number("Tokens to write", n)


def run_on(name):
    press(f"Run on {name}")


def live():
    """Figures of a run that goes on, not of the one before."""
    says("Running: ", seconds=60)
    driver.wait("live figures", lambda: "measuring" not in driver.tile("Decode speed"), 60)


def measured_on(name, seconds=60):
    driver.find("label", f"Measured on {name}.", seconds=seconds)
    wait_idle()


def opens():
    global driver
    driver = Driver(program, [], out)
    wait_idle()
    find_pane()


# ---- First contact ----

def asks_about_its_key():
    add_board(NAME, {"Host": facts["host"], "User": facts["user"], "Port": str(facts["port"]), "Key file": facts["key"]})
    printed = subprocess.run(["ssh-keygen", "-lf", os.path.join(folder, "host_key.pub")], capture_output=True, text=True).stdout.split()[1]
    says(printed, seconds=20)
    driver.picture("links-01-question")
    answer("Do Not Connect")
    wait_row(NAME, "No access")
    says(printed, "was not accepted, so nothing was sent")
    driver.picture("links-02-not-accepted")
    press("Contact Again")
    says("for the first time?", seconds=20)
    answer("Connect")
    wait_row(NAME, "Ready")
    driver.picture("links-03-ready")


def refuses_another_key():
    """Nobody is asked: a key that changed is refused, and the command that forgets the old one stands there."""
    tell("new_host_key")
    press("Contact Again")
    wait_row(NAME, "No access")
    says("its key is not the one it had")
    command = says("ssh-keygen -f ")
    driver.picture("links-04-changed-key")
    subprocess.run(command, shell=True, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    press("Contact Again")
    says("for the first time?", seconds=20)
    answer("Connect")
    wait_row(NAME, "Ready")


def refuses_what_does_not_fit():
    tell(f"tmpfs {SMALL_DISK}")
    run_on(NAME)
    says("This Build Cannot Run There", seconds=60)
    says("where Lathe keeps its files")
    driver.picture("links-05-refused")
    driver.keys("Escape")
    closes()
    says("Cannot run there")
    driver.picture("links-06-refused-row")
    tell("umount files")


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
    wait_row(NAME, "Not asked yet")


def goes_on_copying():
    tell("set sftp slow")
    tell("rate 500000")  # twenty seconds: there is time to pull the cable
    set_tokens(16)
    run_on(NAME)
    says("Copying the build", " of ", seconds=60)
    driver.picture("links-07-copying")
    tell("cut")
    says("Link lost, trying again")
    driver.picture("links-08-lost-copying")
    tell("rate 50000000")
    tell("heal")
    measured_on(NAME)
    says("the link was lost on the way; nothing measured was")
    check("tok/s" in driver.tile("Decode speed"), driver.tile("Decode speed"))
    driver.picture("links-10-measured")
    tell("set sftp good")


def comes_back_while_it_runs():
    set_tokens(400)
    run_on(NAME)
    live()
    tell("cut")
    says("Link lost, trying again")
    driver.picture("links-11-lost-running")
    tell("heal")
    measured_on(NAME)
    says("the link was lost on the way; nothing measured was")
    check((driver.verdict() or "").find("ended before") < 0, driver.verdict())
    driver.picture("links-12-back")


def keeps_what_came():
    """Pulled for good: the user has seen enough, and what had come is kept, marked."""
    run_on(NAME)
    live()
    tell("cut")
    says("Link lost, trying again")
    driver.press("Stop")
    measured_on(NAME, 90)
    driver.picture("links-13-ended-early")
    check("tok/s" in driver.tile("Decode speed"), driver.tile("Decode speed"))
    check("did not answer" in (driver.verdict() or ""), f"nothing says that it ended early: {driver.verdict()}")
    says("what had come by then is kept")
    check("Does not answer" in row(NAME).name, row(NAME).name)
    tell("heal")


# ---- lathe-agent ----

def pairs():
    port = tell("agent " + agent_program)
    code, fingerprint = tell("pair").split("|")
    add_board(AGENT, {"Host": facts["host"], "Port": port}, "lathe-agent")
    says(fingerprint, seconds=20)
    driver.picture("links-14-fingerprint")
    answer("Connect")
    entry = driver.wait("the field for the code", lambda: first("password text", lambda n: True))
    driver.point(entry)
    driver.type("0000 0000" if code.replace(" ", "") != "00000000" else "1111 1111")
    answer("Connect")
    says("That is not the code")
    check("No access" in row(AGENT).name, row(AGENT).name)
    driver.picture("links-15-wrong-code")
    press("Contact Again")
    says(fingerprint, seconds=20)
    answer("Connect")
    entry = driver.wait("the field for the code", lambda: first("password text", lambda n: True))
    driver.point(entry)
    driver.type(code)
    driver.picture("links-16-code")
    answer("Connect")
    driver.wait("what becomes of the pairing", lambda: "Ready" in row(AGENT).name or first("label", lambda n: "until this program ends" in n.name), 60)
    if "Ready" not in row(AGENT).name:  # no keyring here
        driver.picture("links-17-no-keyring")
        answer("Connect")
    wait_row(AGENT, "Ready")
    check(tell("paired") == "0", "lathe-agent pair did not end well")


def exports_say_where():
    """A picture and a table leave the window whose bar names the board."""
    pdf, csv = os.path.join(folder, "layers.pdf"), os.path.join(folder, "layers.csv")
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
    set_tokens(16)
    run_on(AGENT)
    measured_on(AGENT)
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
        start = time.time()
        tap.step(name, function)
        print(f"# {time.time() - start:.1f} s", flush=True)
finally:
    if board is not None:
        board.stdin.close()
        board.wait(20)
    shutil.rmtree(folder, ignore_errors=True)
sys.exit(tap.end())
