"""A whole session, as a person has it: open, run, look, change, undo, compare, export, delete, and a file that is no model."""

import os
import re
import subprocess
import sys
import time

import pyatspi

from lathe_driver import Driver, Tap, check

program, out = sys.argv[1], sys.argv[2]
tap = Tap()
driver = None
work = os.path.join(os.environ["HOME"], "work")
os.makedirs(work, exist_ok=True)


def opens():
    global driver
    driver = Driver(program, [], out)
    driver.find("frame", contains="Lathe default")
    driver.wait_idle()
    check("not measured" in driver.tile("Decode speed"), "a number stands where nothing was measured: " + driver.tile("Decode speed"))
    driver.picture("01-opened")


def runs():
    driver.run_once()
    check(re.search(r"Decode speed: [\d.]+.*tok/s", driver.tile("Decode speed")), "no decode speed: " + driver.tile("Decode speed"))
    check(re.search(r"Time to first token: [\d.]+.*s", driver.tile("Time to first token")), "no time to first token")
    check(re.search(r"Peak memory: [\d.]+.*B", driver.tile("Peak memory")), "no peak memory")
    text = driver.text_of(driver.find("text", "Text written by the model"))
    check(len(text) > 40, f"only {len(text)} characters were written")
    driver.picture("02-run")


def lanes():
    return driver.find("image", contains="Layers.")


def looks_at_layers():
    area = lanes().queryComponent().getExtents(pyatspi.WINDOW_COORDS)
    driver.point_at(area.x + area.width // 2, area.y + area.height // 3)
    reading = driver.wait("a layer to be selected", lambda: "none selected" not in lanes().name and lanes().name)
    check(re.search(r"[\d.]+..?s", reading), "the layer's latency is not read out: " + reading)
    driver.keys("Right")
    driver.wait("the next layer", lambda: lanes().name != reading)
    driver.keys("Return")  # opens its operators
    driver.picture("03-layer")
    driver.keys("Return")


def changes_format():
    driver.choose("Weight format", "Q8_0")
    undo = driver.find("push button", contains="Undo: ")
    check("Weight format" in undo.name or "→" in undo.name, "undo does not say what it undoes: " + undo.name)
    expected = driver.wait("what the format is expected to do", lambda: driver.look("label", contains="% memory"))
    check(expected.name.startswith("Estimate: "), "not marked as an estimate: " + expected.name)
    driver.run_once()
    driver.wait("the measured effect instead", lambda: not driver.look("label", contains="Estimate: +") and driver.look("label", contains="% memory"))
    check("against the baseline" in driver.tile("Decode speed"), "no difference is shown: " + driver.tile("Decode speed"))
    driver.picture("04-other-format")


def undoes_and_redoes():
    before = driver.tile("Peak memory")
    driver.press(contains="Undo: ")
    driver.wait("the old numbers", lambda: driver.tile("Peak memory") != before)
    redo = driver.find("push button", contains="Redo: ")
    driver.click(redo)
    driver.wait("the new numbers again", lambda: driver.tile("Peak memory") == before)
    check(re.search(r"Decode speed: [\d.]+", driver.tile("Decode speed")), "redo did not bring the measured numbers back")


def sets_one_layer():
    driver.press(contains="Block")
    time.sleep(0.5)
    combo = driver.wait("the layer's own format", lambda: driver.look("combo box", contains="Weight format Block"))
    driver.choose(combo.name, "Q4_0")
    driver.picture("05-one-layer")
    driver.press("Whole Model")
    driver.wait("one rule", lambda: driver.look("label", "1 rule"))


def pins():
    driver.run_once()
    pin = driver.find("push button", "Pin as baseline")
    driver.click(pin)
    # The toast may be gone before so large a window has been searched for it.
    driver.wait("the button to be done", lambda: not driver.sensitive(pin))


def compares():
    driver.keys("ctrl+z")  # back to before the rule; the pinned baseline stays
    time.sleep(0.5)
    driver.run_once()
    driver.show("Compare")
    driver.wait("the comparison", lambda: driver.look("image", contains="Comparison."))
    driver.find("panel", contains="Prefill speed:")
    driver.picture("06-compare")
    driver.keys("ctrl+t")
    driver.wait("the table", lambda: driver.look("tree table") or driver.look("table"))
    driver.picture("07-compare-table")
    driver.keys("ctrl+t")
    driver.show("Lanes")


def exports():
    png, svg, pdf = (os.path.join(work, "layers." + ending) for ending in ("png", "svg", "pdf"))
    for path, magic in ((png, b"\x89PNG"), (svg, b"<?xml"), (pdf, b"%PDF")):
        driver.keys("ctrl+e")
        driver.save_as(path)
        check(open(path, "rb").read(8).startswith(magic), path + " is not what its name says")
    subprocess.run(["cp", png, os.path.join(out, "exported-layers.png")], check=True)

    csv = os.path.join(work, "run.csv")
    driver.menu("Plot menu", "Export Run as CSV…")
    driver.save_as(csv)
    head = open(csv, encoding="utf-8").readline()
    check("median_ns" in head, "the CSV has no column median_ns: " + head)


def rows():
    table = driver.look("tree table", "Runs")
    return [node for node in driver.walk_shown(table) if node.getRoleName() in ("table row", "list item", "table cell")]


def deletes_and_restores():
    driver.show("History")
    table = driver.find("tree table", "Runs")
    driver.picture("08-history")
    area = table.queryComponent().getExtents(pyatspi.WINDOW_COORDS)
    n_before = len(rows())
    driver.point_at(area.x + 200, area.y + 50)
    delete = driver.wait("Delete to be possible", lambda: driver.sensitive(driver.look("push button", "Delete runs")) and driver.look("push button", "Delete runs"))
    driver.click(delete)
    driver.wait("one run less", lambda: 0 < len(rows()) < n_before)
    # The toast's button, not the recipe's in the header.
    toast = driver.find("label", contains="1 run deleted")
    parent = toast
    for _ in range(3):
        parent = parent.parent
        undo = driver.look("push button", contains="Undo", root=parent)
        if undo is not None:
            break
    driver.click(undo)
    driver.wait("the run to be back", lambda: len(rows()) == n_before)
    driver.show("Lanes")


def refuses_a_wrong_file():
    wrong = os.path.join(work, "wrong.gguf")
    with open(wrong, "w", encoding="utf-8") as file:
        file.write("This is a letter, not a model.\n")
    subprocess.run([program, wrong], check=True, timeout=20)  # the running program opens it in a window of its own
    driver.wait("the reason", lambda: driver.look("label", "The Model Cannot Be Opened"))
    driver.picture("09-wrong-file")


tap.step("opens the default model", opens)
tap.step("runs and measures", runs)
tap.step("reads one layer, by pointer and by keyboard", looks_at_layers)
tap.step("changes the weight format and compares", changes_format)
tap.step("undoes and redoes, numbers included", undoes_and_redoes)
tap.step("sets the format of one layer", sets_one_layer)
tap.step("pins a baseline", pins)
tap.step("compares two runs, as plot and as table", compares)
tap.step("exports plots and a run", exports)
tap.step("deletes a run and takes it back", deletes_and_restores)
tap.step("refuses a file that is no model", refuses_a_wrong_file)
tap.step("ends", lambda: driver.quit())
sys.exit(tap.end())
