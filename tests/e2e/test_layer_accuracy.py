"""Accuracy per layer, as a person measures it: the lane fills, the three errors are read out, a mixture of formats is known at once, distributions."""

import os
import re
import sys
import time

from lathe_driver import Driver, Tap, check

program, out = sys.argv[1], sys.argv[2]
model = os.environ.get("LATHE_LOOK_MODEL")  # another model than the default one, for looking
tap = Tap()
driver = None


def reading():
    image = driver.look("image", contains="Layers.")
    return image.name if image else ""


def measure_button():
    return driver.look("push button", "Measure accuracy per layer")


def opens():
    global driver
    driver = Driver(program, [model] if model else [], out)
    driver.wait_idle(90)
    check(not driver.sensitive(measure_button()), "there is nothing to measure yet, but it is offered")


def select_block_two():
    driver.point(driver.look("image", contains="Layers."))
    driver.keys("Home", "Right", "Right", "Right")
    return driver.wait("block 2", lambda: re.search(r"Block 2\.", reading()))


def is_measured():
    """It says so, or has said so: there is nothing left to measure, and nothing goes on (in this order: one that begins meanwhile goes on)."""
    if driver.look("label", contains="Accuracy per layer is measured"):
        return True
    return not driver.sensitive(measure_button()) and not driver.look("push button", "Cancel") and driver.sensitive(driver.run_button())


def measure():
    driver.wait("measuring to be offered", lambda: measure_button() and driver.sensitive(measure_button()))
    driver.click(measure_button())
    driver.wait("the end of it", is_measured, 600)  # a busy machine takes its time; a stuck one runs into the time-out of the test


def measures():
    driver.choose("Weight format", "Q4_0")
    measure()
    select_block_two()
    text = driver.wait("all three errors", lambda: all(word in reading() for word in ("Sensitivity:", "Local error:", "Accumulated error:")) and reading())
    check(re.search(r"Sensitivity: [\d.]+.nat, 95 % [\d.]+–[\d.]+.nat", text), "no interval of the sensitivity: " + text)
    driver.find("label", contains="local SQNR")
    check(not driver.sensitive(measure_button()), "it is measured, and offered again")
    driver.picture("layer-accuracy-01-measured")


def chooses_the_error():
    driver.menu("Accuracy per layer", "Local error: from exact inputs")
    driver.picture("layer-accuracy-02-local")
    driver.menu("Accuracy per layer", "Sensitivity: what the output loses")


def knows_mixtures():
    driver.choose("Weight format", "Q8_0")
    measure()
    before = reading()
    driver.press(contains="Block")
    time.sleep(0.5)
    combo = driver.wait("the layer's own format", lambda: driver.look("combo box", contains="Weight format Block 2"))
    driver.choose(combo.name, "Q4_0")
    driver.wait("the other recipe's figures, as an estimate", lambda: re.search(r"Sensitivity: [^.]*\.?\d*.nat \(estimate\)", reading()))
    check(reading() != before, "the block's figure did not change with its format")
    check(driver.sensitive(measure_button()), "what accumulates cannot be measured")
    driver.picture("layer-accuracy-03-mixture")


def shows_distributions():
    driver.press("Distribution…")
    driver.wait("the facts", lambda: driver.look("label", contains="Step of the grid: median"))
    driver.picture("layer-accuracy-04-weights")
    driver.click(driver.find(name="Activations"))
    driver.wait("activations", lambda: driver.look("label", contains="kept as floats"), 60)
    driver.picture("layer-accuracy-05-activations")
    driver.click(driver.find(name="Show as table"))
    driver.wait("a table", lambda: driver.look(contains="as floats"))
    driver.keys("Escape")
    driver.wait("the dialog to go", lambda: not driver.look("label", contains="kept as floats"))


for name, step in [
    ("opens", opens),
    ("measures accuracy per layer", measures),
    ("shows another of the three errors", chooses_the_error),
    ("knows a mixture of formats at once", knows_mixtures),
    ("shows distributions", shows_distributions),
    ("quits", lambda: driver.quit()),
]:
    tap.step(name, step)
sys.exit(tap.end())
