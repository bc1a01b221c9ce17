"""The roofline and its advice, as a person uses them: measure the roofs, run, read points and table, apply the best advice, undo."""

import re
import sys
import time

import pyatspi

from lathe_driver import Driver, Failure, Tap, check

program, out = sys.argv[1], sys.argv[2]
tap = Tap()
driver = None


def verdict():
    """The headline's sentence once a run has ended."""
    for node in driver.walk_shown():
        if node.getRoleName() == "label" and re.match(r"(Advice: .*)?(Valid|Degraded): ", node.name):
            return node.name
    return None


def run_once():
    driver.wait_idle()
    driver.click(driver.run_button())
    driver.wait("the run to end", lambda: verdict() and driver.run_button(), 60)


def speed():
    """The number alone: after undo it may stand beside a baseline."""
    return re.match(r"Decode speed: [^ (]+", driver.find("panel", contains="Decode speed:").name).group(0)


def opens():
    global driver
    driver = Driver(program, [], out)
    driver.find("frame", contains="Lathe default")
    driver.wait_idle()
    driver.show("Roofline")
    driver.find("label", contains="Press Run")
    driver.find("label", contains="not measured on this machine yet")
    driver.picture("roofline-01-empty")


def measures_roofs():
    driver.wait("Measure Roofs to be possible", lambda: driver.sensitive(driver.find("push button", "Measure Roofs")))
    driver.press("Measure Roofs")
    driver.wait("the roofs", lambda: not driver.look("push button", "Measure Roofs"), 60)
    driver.wait("the end of measuring", lambda: not driver.look("label", contains="Measuring this machine"), 60)
    driver.picture("roofline-02-roofs")


def runs():
    run_once()
    driver.wait("what the layers reach", lambda: driver.look("label", contains="of the roofs"))
    summary = driver.look("label", contains="of the roofs").name
    check(re.search(r"Prefill: \d+.% of the roofs, .* lost, bound by \w+", summary), "prefill is not told: " + summary)
    check(re.search(r"Decode: \d+.% of the roofs, .* lost, bound by \w+", summary), "decode is not told: " + summary)
    check("Roofs of " in summary, "the threads of the roofs are not told: " + summary)
    driver.picture("roofline-03-run")


def chart():
    return driver.look("image", contains="Roofline.")


def walks_by_keyboard():
    area = driver.wait("the chart", chart).queryComponent().getExtents(pyatspi.WINDOW_COORDS)
    driver.point_at(area.x + 12, area.y + 12 + driver.border)  # takes the focus, selects nothing
    driver.keys("n")
    reading = driver.wait("a point to be read out", lambda: "op/B" in chart().name and chart().name)
    for what in ("Operations: ", "Bytes moved: ", "Bound by: ", "Share of the roof: ", "Lost against it: "):
        check(what in reading, f"{what}is not read out: {reading}")
    layer = re.search(r"(Embedding|Block \d+|Output):", reading).group(1)
    driver.show("Lanes")
    driver.wait("the same layer in the lanes", lambda: layer in driver.look("image", contains="Layers.").name)
    driver.show("Roofline")
    driver.wait("the chart again", chart)


def phase_button(name):
    """The lanes have buttons of the same name, on a page that is not shown."""
    return [node for node in driver.buttons(name) if abs(driver.place(node)[1] - driver.place(driver.find("push button", "Operators"))[1]) < 60][-1]


def hides_a_phase():
    driver.click(phase_button("Prefill"))
    time.sleep(0.3)
    driver.keys("ctrl+t")
    driver.wait("the table", lambda: driver.look("tree table") or driver.look("table"))
    # Buttons say Prefill, here and in the lanes; of eight layers none may.
    n = sum(1 for node in driver.walk_shown() if node.name == "Prefill" and node.getRoleName() == "label")
    check(n < 5, f"the hidden phase is in the table: {n} labels")
    driver.picture("roofline-04-table")
    driver.keys("ctrl+t")
    driver.click(phase_button("Prefill"))
    driver.press("Operators")
    time.sleep(0.5)
    driver.picture("roofline-05-operators")
    driver.press("Layers")


def advice_button():
    return driver.look("push button", contains="Apply: ")


def advised():
    """On a busy machine a run can be too noisy for any advice: then once more."""
    for _ in range(3):
        try:
            return driver.wait("advice", advice_button, 15)
        except Failure:
            run_once()
    return driver.wait("advice", advice_button, 15)


def applies_and_undoes():
    button = advised()
    before, measured = verdict(), speed()
    what = button.name.split("Apply: ", 1)[1]
    check(before.startswith("Advice: "), "the headline does not give the advice: " + before)
    check(what in before or driver.look("push button", contains="Apply the advice: "), "the headline's advice is not in the list: " + before)
    driver.picture("roofline-06-advice")
    driver.click(button)
    driver.wait("another recipe", lambda: driver.look("label", contains="not measured yet. Press Run"))
    run_once()
    time.sleep(0.5)
    driver.picture("roofline-07-applied")
    driver.keys("ctrl+z")
    after = driver.wait("the numbers measured before", lambda: speed() == measured and verdict(), 20)
    check(speed() == measured, f"undo did not bring the numbers back: {measured}, then {speed()}; {after}")
    driver.picture("roofline-08-undone")


tap.step("opens with an empty roofline that says what to do", opens)
tap.step("measures the roofs", measures_roofs)
tap.step("puts a run under them", runs)
tap.step("walks the points by keyboard; all views share the selection", walks_by_keyboard)
tap.step("hides a phase, reads a table, opens operators", hides_a_phase)
tap.step("applies the best advice and undoes it", applies_and_undoes)
tap.step("ends", lambda: driver.quit())
sys.exit(tap.end())
