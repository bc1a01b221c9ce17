"""What a network takes on a microcontroller, from the window: the figures of the size report are those of the command line, for the board that is
chosen and for one that is not here; patches are chosen; the C project that is exported is the command line's to the last byte."""

import filecmp
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

from lathe_boards import KEYWORDS, M4, DevicesPane, can_emulate_cortex_m
from lathe_driver import Driver, Tap, check

program, out = sys.argv[1], sys.argv[2]
STM32 = "Cortex-M4 (STM32F405, STM32F407)"
has_compiler = shutil.which("arm-none-eabi-gcc") is not None
has_emulator = can_emulate_cortex_m()

tap = Tap()
driver = pane = None
work = tempfile.mkdtemp()


def convert(name, *arguments):
    """The command line's report, and its folder."""
    folder = os.path.join(work, name)
    text = subprocess.run([program, "convert", KEYWORDS, "-o", folder, "--json", *arguments], check=True, capture_output=True, text=True).stdout
    return json.loads(text), folder


def value(n):
    """As the window writes bytes: three significant figures, a narrow no-break space."""
    for prefix, size in (("M", 1e6), ("k", 1e3)):
        if n >= size:
            x = n / size
            return f"{x:.{2 if x < 9.995 else 1 if x < 99.95 else 0}f}\u202f{prefix}B"
    return f"{n}\u202fB"


def bars():
    """What the pane's bars say to a screen reader, by name."""
    said = {}
    for node in driver.walk_shown(pane.node):
        for name in parts:
            if node.name.startswith(f"{name}: ") and name not in said:
                said[name] = node.name
    return said


def bar(name):
    return bars().get(name, "")


words = {"estimate": "estimated", "plan": "planned", "linked": "linked"}
parts = {"Flash": ("flash", (("Weights", "weights"), ("Code", "code"))), "RAM": ("ram", (("Arena", "arena"), ("Static data", "static"), ("Stack", "stack")))}


def shows(report, board_ram=None):
    """Every figure of both bars, with what the board has and how each is known."""
    wanted = []
    for name, (whole, kinds) in parts.items():
        sizes = report["sizes"]
        limit = board_ram if name == "RAM" and board_ram else sizes[whole]["limit_bytes"]
        wanted.append(f"{name}: {value(sizes[whole]['bytes'])} of {value(limit)} · ")
        wanted += [f"{title}: {value(sizes[kind]['bytes'])}, {words[sizes[kind]['origin']]}" for title, kind in kinds]
    driver.wait(" and ".join(wanted), lambda: all(figure in " ".join(bars().values()) for figure in wanted))


def scroll(x, y, down=True, n=14):
    subprocess.run(["xdotool", "mousemove", str(x), str(y)], check=True)
    for _ in range(n):
        subprocess.run(["xdotool", "click", "5" if down else "4"], check=True)
    time.sleep(0.4)


def pane_button(name):
    """Press a button of the devices pane, which has to be scrolled to it first."""
    for _ in range(12):
        y = driver.place(driver.find("push button", name, root=pane.node))[1]
        if 160 < y < 770:
            break
        scroll(1150, 350, down=y > 160, n=4)
    driver.press(name, root=pane.node)


def opens():
    global driver, pane
    driver = Driver(program, [KEYWORDS], out)
    driver.wait_idle()
    pane = DevicesPane(driver)
    pane.choose(M4)
    report, _ = convert("m4", "--target", "cortex-m4")
    shows(report)
    driver.find("label", "Fits", root=pane.node)
    driver.find("label", contains="Planned, nothing was compiled yet", root=pane.node)
    driver.picture("mcu-01-section")


def asks_of_another_board():
    driver.choose("Sizes on", STM32)
    report, _ = convert("stm32", "--target", "stm32f405")
    shows(report)
    driver.picture("mcu-02-another-board")
    driver.choose("Sizes on", "Cortex-M4 (Arm MPS2+, AN386)")
    shows(json.load(open(os.path.join(work, "m4", "report.json"))))


def chooses_patches():
    """Of the choices that the command line prints the one with the smallest arena; then what the plan takes by itself again."""
    report = json.load(open(os.path.join(work, "m4", "report.json")))
    smallest = report["patches"][-1]
    driver.wait("another choice than none", lambda: len(report["patches"]) > 1)
    pane_button("Layers and Patches…")
    driver.find("label", contains="The arena is fullest at")
    largest = max(report["layers"], key=lambda layer: layer["weight_bytes"])
    driver.find("label", contains=value(largest["weight_bytes"]) + " · ")
    driver.picture("mcu-03-page")
    scroll(380, 500, n=20)
    title = f"First {smallest['layers']} layers in {smallest['rows']} × {smallest['columns']}"
    extra = 100 * smallest["extra_macs"] / (smallest["macs"] - smallest["extra_macs"])
    choice = driver.find(contains=f"{title}. Arena {value(smallest['arena_bytes'])} · more multiply-adds: +{extra:.1f} %")
    driver.click(choice)
    driver.wait("the limit", lambda: f"{value(smallest['arena_bytes'])}, planned" in bar("RAM"))
    driver.find("label", contains=f"The first {smallest['layers']} layers are computed in {smallest['rows']} × {smallest['columns']} patches")
    driver.picture("mcu-04-patches")
    fixed = sum(report["sizes"][kind]["bytes"] for kind in ("static", "stack"))
    limited, _ = convert("limited", "--target", "cortex-m4", "--ram", str(smallest["arena_bytes"] + fixed))
    check([p["chosen"] for p in limited["patches"]][-1], "the command line does not choose the smallest arena under that limit")
    shows(limited, report["sizes"]["ram"]["limit_bytes"])
    check(value(limited["sizes"]["ram"]["limit_bytes"]) + " allowed" in bar("RAM"), "how much is allowed is not said: " + bar("RAM"))
    driver.click(driver.find(contains="No patches. "))
    driver.wait("no limit", lambda: f"{value(report['sizes']['arena']['bytes'])}, planned" in bar("RAM"))
    driver.keys("Escape")
    driver.dialog_goes()
    shows(report)


def compiles():
    pane_button("Compile for Exact Sizes")
    driver.find("label", "Linked: as the compiled program has it.", root=pane.node, seconds=60)
    report, _ = convert("linked", "--target", "cortex-m4", "--link")
    shows(report)
    driver.picture("mcu-05-linked")


def runs():
    pane_button(f"Run on {M4}")
    driver.find("label", contains=f"Measured on {M4}", seconds=90)
    driver.wait_idle()


def export_to(folder):
    pane_button("Export C Project…")
    dialog = ["xdotool", "search", "--onlyvisible", "--name", "Export the C Project"]
    driver.wait("the dialog", lambda: subprocess.run(dialog, capture_output=True).stdout)
    driver.open_as(folder)


def is_same(one, other, but=()):
    names = {os.path.relpath(os.path.join(path, file), one) for path, _, files in os.walk(one) for file in files}
    others = {os.path.relpath(os.path.join(path, file), other) for path, _, files in os.walk(other) for file in files}
    check(names == others, f"other files: {sorted(names ^ others)}")
    for name in sorted(names - set(but)):
        check(filecmp.cmp(os.path.join(one, name), os.path.join(other, name), shallow=False), f"{name} is another file")


def exports():
    """Into an empty folder: that itself."""
    folder = os.path.join(work, "empty")
    os.mkdir(folder)
    export_to(folder)
    driver.find("push button", contains="Open Folder")
    driver.picture("mcu-06-exported")
    for name in ("network.c", "network.h", "CMakeLists.txt", "README.md", "LICENSE", "report.json", "MANIFEST.sha256"):
        check(os.path.exists(os.path.join(folder, name)), name + " is missing")
    run = json.load(open(os.path.join(folder, "report.json")))["run"]
    if has_emulator:
        check(run and re.fullmatch(r"[0-9a-f-]{36}", run) and run in open(os.path.join(folder, "README.md")).read(), f"the run is {run}")
        is_same(folder, os.path.join(work, "m4"), but=("report.json", "README.md", "MANIFEST.sha256", "network.c", "network.h"))
    else:
        check(run is None, f"nothing was run, but the run is {run}")
        is_same(folder, os.path.join(work, "m4"))


def refuses():
    """Beside other files it gets a folder of its own; one that somebody changed is left alone, which is said."""
    folder = os.path.join(work, "full")
    os.mkdir(folder)
    open(os.path.join(folder, "mine.txt"), "w").write("mine")
    export_to(folder)
    own = os.path.join(folder, "kws_ref_model-mps2-an386")
    driver.wait(own, lambda: os.path.exists(os.path.join(own, "MANIFEST.sha256")))
    open(os.path.join(own, "network.c"), "a").write("/* changed */\n")
    time.sleep(1)
    export_to(folder)
    driver.find(contains="Exporting the C project did not work")
    driver.find("label", contains="holds network.c, which is not as an export left it")
    driver.picture("mcu-07-refused")
    driver.keys("Escape")
    driver.dialog_goes()
    check(open(os.path.join(own, "network.c")).read().endswith("/* changed */\n"), "the changed file was replaced")


if not os.path.exists(KEYWORDS):
    print("1..0 # SKIP the keyword-spotting network is not there: LATHE_TEST_DATA names the folder of models")
    sys.exit(0)
tap.step("shows what the network takes on the virtual Cortex-M4", opens)
tap.step("shows what it would take on a board that is not here", asks_of_another_board)
tap.step("chooses patches", chooses_patches)
if has_compiler:
    tap.step("compiles for exact sizes", compiles)
else:
    print("# exact sizes are left out: they take arm-none-eabi-gcc", file=sys.stderr)
if has_emulator:
    tap.step("runs on the board", runs)
tap.step("exports the C project, with its run", exports)
tap.step("leaves a changed folder alone, and says so", refuses)
tap.step("ends", lambda: driver.terminate())
shutil.rmtree(work, ignore_errors=True)
sys.exit(tap.end())
