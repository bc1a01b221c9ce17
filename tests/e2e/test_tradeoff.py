"""The trade-off of several recipes, as a person reads it: points, front, a typed limit and its sentence, a point's details, Apply and undo, the table."""

import os
import re
import subprocess
import sys
import time

import pyatspi

from lathe_driver import SOURCE, Driver, Tap, check

program, out = sys.argv[1], sys.argv[2]
model = os.environ.get("LATHE_LOOK_MODEL")  # another model than the default one, for looking
tap = Tap()
driver = None
FORMATS = ["f16", "q8_0", "q4_0"]


def image():
    return driver.look("image", contains=" against ")


def recipe(weights):
    return '{"lathe-recipe": 1, "techniques": {"weight-format": {"format": "%s"}}}' % weights


def file():
    return model or os.path.join(SOURCE, "data", "default-model", "lathe-default-f16.gguf")


def keeps_runs():
    """Three recipes, run by the program's other face: they stand in the history when the window opens."""
    for weights in FORMATS:
        subprocess.run([program, "run", file(), "-p", "It is a truth", "-n", "24", "--ignore-end", "--keep", "--recipe", recipe(weights)],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    listed = subprocess.run([program, "tradeoff", file(), "--x", "decode", "--y", "memory", "--csv"], check=True, capture_output=True, text=True)
    check(len(listed.stdout.splitlines()) == 4, "not three points: " + listed.stdout)


def opens():
    global driver
    driver = Driver(program, [file()], out)
    driver.wait_idle()
    driver.show("Trade-off")
    driver.wait("the points", image)
    check(image().name.startswith("Peak memory against Decode speed."), "another title: " + image().name)
    driver.picture("tradeoff-01-points")


def walks():
    area = image().queryComponent().getExtents(pyatspi.WINDOW_COORDS)
    driver.point_at(area.x + area.width // 2, area.y + area.height - 30 + driver.border)  # the focus; nothing lies there
    driver.keys("Escape")
    readings = []
    for _ in range(3):
        driver.keys("n")
        driver.wait("another point", lambda: image().name not in readings and "tok/s" in image().name)
        readings.append(image().name)
    for reading in readings:
        check(re.search(r"Decode speed [\d.]+.tok/s, Peak memory [\d.]+..?B", reading), "figures are not read out: " + reading)
    driver.find("push button", "Apply")
    check(driver.look("tree table") or driver.look("table"), "the point has no table of figures")
    driver.picture("tradeoff-02-point")


def entry(name):
    return driver.find("text", contains=name)


def type_into(node, text):
    driver.point(node)
    driver.keys("ctrl+a", "Delete")
    if text:
        driver.type(text)
    driver.keys("Return")


def limits():
    type_into(entry("Peak memory at most"), "1 TB")
    said = driver.find("label", contains="Best with Peak memory")
    check("Of 3 allowed points it has the highest Decode speed" in said.name, "another sentence: " + said.name)
    driver.picture("tradeoff-03-limit")
    type_into(entry("Peak memory at most"), "1 kB")
    driver.find("label", contains="None of the 3 points holds Peak memory")
    type_into(entry("Peak memory at most"), "64")
    driver.find("label", contains="has no unit. Write Peak memory like 64 MB")
    driver.picture("tradeoff-04-no-unit")
    type_into(entry("Peak memory at most"), "")
    driver.wait("no sentence", lambda: not driver.look("label", contains="Best with") and not driver.look("label", contains="has no unit"))
    type_into(entry("Another limit"), "first token <= 10 s")
    driver.find("label", contains="Best with Time to first token")
    type_into(entry("Another limit"), "")


def applies():
    """The slowest point's recipe is another than the one in use."""
    apply = driver.find("push button", "Apply")
    area = image().queryComponent().getExtents(pyatspi.WINDOW_COORDS)
    driver.point_at(area.x + area.width // 2, area.y + area.height - 30 + driver.border)
    driver.keys("Escape")
    for _ in range(3):
        driver.keys("n")
        if driver.sensitive(driver.find("push button", "Apply")):
            break
    apply = driver.find("push button", "Apply")
    check(driver.sensitive(apply), "no point has another recipe")
    driver.click(apply)
    driver.wait("the recipe to be in use", lambda: not driver.sensitive(driver.find("push button", "Apply")))
    driver.picture("tradeoff-05-applied")
    driver.action("win.undo")
    driver.wait("the recipe to be back", lambda: driver.sensitive(driver.find("push button", "Apply")))


def reads_the_table():
    driver.keys("ctrl+t")
    driver.wait("the table", lambda: driver.look("tree table") or driver.look("table"))
    driver.picture("tradeoff-06-table")
    driver.keys("ctrl+t")
    driver.wait("the chart", image)


def chooses_axes():
    combo = driver.find("combo box", "Upwards")
    driver.point(combo)
    time.sleep(0.4)
    driver.keys("Home", "Down", "Return")
    driver.wait("another figure", lambda: image() and image().name.startswith("Prefill speed against"))
    driver.picture("tradeoff-07-axes")


tap.step("keeps runs of three recipes", keeps_runs)
tap.step("shows them as points", opens)
tap.step("walks over the points by keyboard", walks)
tap.step("lights up the best point within limits", limits)
tap.step("applies a recipe and takes it back", applies)
tap.step("reads them as a table", reads_the_table)
tap.step("chooses other figures", chooses_axes)
tap.step("ends", lambda: driver.quit())
sys.exit(tap.end())
