"""The graph and the memory plan, as a person walks through them: by pointer, by keyboard, as tables, with one selection for all views."""

import re
import sys
import time

import pyatspi

from lathe_driver import Driver, Tap, check

program, out = sys.argv[1], sys.argv[2]
tap = Tap()
driver = None


def image(title):
    return driver.look("image", contains=title + ".")


def opens():
    global driver
    driver = Driver(program, [], out)
    driver.find("frame", contains="Lathe default")
    driver.wait_idle()


def shows_the_graph():
    driver.show("Graph")
    graph = driver.wait("the graph", lambda: image("Graph"))
    check(re.search(r"\d+ nodes, none selected", graph.name), "no nodes: " + graph.name)
    driver.find("label", contains="Not measured yet")
    driver.picture("views-01-graph")


def measures():
    driver.click(driver.run_button())
    driver.wait("the run to end", lambda: driver.look("label", contains="nodes, as executed") and driver.run_button())
    driver.picture("views-02-graph-measured")


def walks_the_graph():
    area = image("Graph").queryComponent().getExtents(pyatspi.WINDOW_COORDS)
    driver.point_at(area.x + 20, area.y + 20 + driver.border)  # takes the focus, selects nothing

    def first_box():
        """Again and again: the graph may be laid out anew just after the run, which forgets the selection."""
        driver.keys("Home")
        return "none selected" not in image("Graph").name and image("Graph").name

    first = driver.wait("the first box", first_box)
    driver.keys("Down")
    driver.wait("the next box", lambda: image("Graph").name != first)
    for _ in range(6):
        if re.search(r"group of \d+, closed", image("Graph").name):
            break
        driver.keys("Down")
    reading = image("Graph").name
    check(re.search(r"group of \d+, closed\. .*latency [\d.]+..?s", reading), "no block with its latency is read out: " + reading)
    driver.keys("Return")
    driver.wait("the block to open", lambda: re.search(r"group of \d+, open", image("Graph").name))
    driver.keys("Down")
    driver.wait("a node inside", lambda: "group of" not in image("Graph").name)
    driver.picture("views-03-graph-open")


def shares_the_selection():
    node = re.match(r"Graph\. ([^,]+), ", image("Graph").name).group(1)
    driver.show("Lanes")
    driver.wait("the same node in the lanes", lambda: node in image("Layers").name)
    driver.show("Memory")
    driver.wait("the same node in the memory plan", lambda: node in image("Memory plan").name)
    driver.find("label", contains="Alive at")
    driver.picture("views-04-memory-of-node")


def finds_the_peak():
    driver.press("Peak")
    driver.wait("the peak", lambda: "the peak" in image("Memory plan").name)
    driver.find("label", contains="Alive at the peak")
    check(driver.look("tree table") or driver.look("table"), "there is no table of who is alive")
    driver.keys("Up")
    reading = driver.wait("a buffer", lambda: re.search(r"steps \d+ to \d+, at ", image("Memory plan").name) and image("Memory plan").name)
    check(re.search(r"[\d.]+..?B of [\d.]+..?B", reading), "bytes are not read out: " + reading)
    driver.keys("plus", "plus")
    driver.picture("views-05-memory-near")
    driver.keys("0")


def reads_tables():
    driver.keys("ctrl+t")
    driver.wait("the table", lambda: driver.look("tree table") or driver.look("table"))
    driver.picture("views-06-memory-table")
    driver.show("Graph")
    driver.wait("the table", lambda: driver.look("tree table") or driver.look("table"))
    driver.keys("ctrl+t")
    driver.wait("the graph", lambda: image("Graph"))


def colours_by_weights():
    combo = driver.find("combo box", "Colour")
    driver.point(combo)
    time.sleep(0.4)
    driver.keys("Home", "Down", "Return")
    driver.wait("bytes instead of times", lambda: re.search(r"Weights [\d.]+..?B|Weights 0", image("Graph").name))
    driver.picture("views-07-graph-weights")
    driver.click(driver.find(name="Open all blocks"))
    driver.press("Show the whole graph")
    driver.picture("views-08-graph-all")


tap.step("opens the default model", opens)
tap.step("shows its graph before anything was measured", shows_the_graph)
tap.step("measures", measures)
tap.step("walks the graph by keyboard", walks_the_graph)
tap.step("shares the selection", shares_the_selection)
tap.step("finds who is alive at the peak", finds_the_peak)
tap.step("reads both as tables", reads_tables)
tap.step("colours by weights and opens all blocks", colours_by_weights)
tap.step("ends", lambda: driver.quit())
sys.exit(tap.end())
