"""The price list, as a person uses it: measure, choose a layer, type a budget and nonsense, apply the mixture, undo, stop a measurement, a narrow window."""

import re
import sys
import time

from lathe_driver import Driver, Tap, check

program, out = sys.argv[1], sys.argv[2]
tap = Tap()
driver = None


def measure_button():
    """The roofs have one of that name in the devices' pane."""
    return driver.buttons("Measure")[0]


def exact_button():
    """A label of the recipe pane has the same name."""
    for node in driver.walk_shown():
        if node.name == "Exact" and node.getRoleName() != "label":
            return node
    return None


def tile(title):
    for node in driver.walk_shown():
        if node.getRoleName() == "panel" and node.name.startswith(title + ":"):
            return node.name
    return None


def megabytes():
    return float(re.search(r"Weights: ([\d.]+)", tile("Weights")).group(1))


def opens():
    global driver
    driver = Driver(program, [], out)
    driver.find("frame", contains="Lathe default")
    driver.wait_idle(60)
    driver.show("Prices")
    driver.find("label", contains="Nothing is known yet. Measure tries every layer")
    check(tile("Weights") is None, "there is a mixture before anything was measured")
    driver.picture("price-01-empty")


def stops():
    driver.wait("Measure", lambda: driver.buttons("Measure") and driver.sensitive(measure_button()))
    driver.click(measure_button())
    driver.press("Cancel")
    driver.wait("the end of it", lambda: not driver.look("push button", "Cancel") and driver.sensitive(measure_button()), 60)


def measures():
    driver.click(measure_button())
    driver.find("push button", "Cancel")
    time.sleep(5)
    driver.wait("the prices", lambda: not driver.look("push button", "Cancel") and driver.sensitive(measure_button()), 200)
    driver.wait("what the mixture comes to", lambda: tile("Loss"))
    check("against the file" in tile("Weights"), tile("Weights"))
    driver.picture("price-02-measured")


def selects():
    heat = driver.find("image", contains="Price list")
    driver.point(heat)
    driver.keys("Home", "Down")
    name = driver.find("image", contains="Price list. ").name
    check("nat, time " in name and ", chosen" in name, "a layer's prices are not said: " + name)
    layer = name.split(". ")[1].split(":")[0]
    driver.find("label", contains=layer + " · ")
    driver.find("label", layer)  # the recipe pane has it as well


def types_a_budget():
    before = megabytes()
    amount = driver.find("text", "Amount of the budget")
    driver.fill(amount, "4 MB")
    driver.keys("Return")
    driver.wait("less", lambda: megabytes() <= 4.0 < before)
    driver.keys("ctrl+a")
    driver.type("lots")
    driver.keys("Return")
    driver.find("label", contains="“lots” is neither a size")
    check(megabytes() <= 4.0, "nonsense changed the mixture")
    driver.keys("ctrl+a")
    driver.type("0.01 nat")
    driver.keys("Return")
    driver.wait("a loss within it", lambda: float(re.search(r"Loss: ([\d.]+)", tile("Loss")).group(1)) <= 0.01)
    driver.keys("ctrl+a")
    driver.type("4 MB")
    driver.keys("Return")
    driver.click(driver.wait("Exact", exact_button))
    driver.wait("the exact mixture", lambda: megabytes() <= 4.0)
    driver.picture("price-03-budget")


def applies():
    apply = driver.buttons("Apply")[-1]
    check(driver.sensitive(apply), "the mixture cannot be applied")
    driver.click(apply)
    driver.wait("nothing more to apply", lambda: not driver.sensitive(driver.buttons("Apply")[-1]))
    driver.press(contains="Undo: ")
    driver.wait("it can be applied again", lambda: driver.sensitive(driver.buttons("Apply")[-1]))


def fits_a_phone():
    driver.point_at(1100, 600)  # a tooltip is a window of the same name
    time.sleep(1)
    driver.resize(360, 700)
    driver.picture("price-04-narrow")
    for name in ("Exact", "Apply"):
        node = exact_button() if name == "Exact" else driver.buttons("Apply")[-1]
        extents = node.queryComponent().getExtents(1)
        check(extents.x >= 0 and extents.x + extents.width <= 370, f"{name} is cut off at {extents.x + extents.width}")
    driver.resize(1280, 800)


for name, step in [
    ("opens the default model and its empty list", opens),
    ("stops a measurement", stops),
    ("measures", measures),
    ("says why a layer has its precision", selects),
    ("takes a typed budget and refuses nonsense", types_a_budget),
    ("applies the mixture and undoes it", applies),
    ("fits a narrow window", fits_a_phone),
    ("ends", lambda: driver.quit()),
]:
    tap.step(name, step)
sys.exit(tap.end())
