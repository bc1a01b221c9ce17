"""The timeline of a run, as a person walks through it: the steps, a thread's spans by keyboard, one selection for all views, zoom, the table, the trace."""

import json
import os
import re
import subprocess
import sys

import pyatspi

from lathe_driver import SOURCE, Driver, Tap, check

program, out = sys.argv[1], sys.argv[2]
model = os.environ.get("LATHE_LOOK_MODEL")  # another model than the default one, for looking
tap = Tap()
driver = None


def image(title="Timeline"):
    return driver.look("image", contains=title + ".")


def opens():
    global driver
    driver = Driver(program, [model] if model else [], out)
    driver.wait_idle()
    driver.show("Timeline")
    driver.find(contains="No Timeline Yet")
    driver.picture("timeline-01-empty")


def runs():
    driver.action("win.run")
    driver.wait("the timeline", lambda: image() and re.search(r"\d+ spans in \d+ rows, none selected", image().name), 60)
    driver.find("label", contains="instrumented steps")
    driver.picture("timeline-02-all")


def walks():
    area = image().queryComponent().getExtents(pyatspi.WINDOW_COORDS)
    driver.point_at(area.x + 12, area.y + area.height - 40 + driver.border)  # the focus; nothing lies there
    driver.keys("Right")
    first = driver.wait("a span", lambda: re.search(r"Timeline\. Thread 1, ([^,]+), .+: [\d.]+..?s", image().name) and image().name)
    driver.keys("Right")
    driver.wait("the next span", lambda: image().name != first)
    driver.keys("Down")
    driver.wait("the other thread", lambda: "Thread 2" in image().name or "Thread 1" in image().name)
    driver.keys("Return", "minus", "minus", "minus")
    driver.picture("timeline-03-near")


def shares_the_selection():
    for _ in range(3):  # from the threads to the layers above them
        driver.keys("Up")
        if "Layers, " in image().name:
            break
    reading = driver.wait("a layer", lambda: "Layers, " in image().name and image().name)
    layer = re.match(r"Timeline\. Layers, ([^,]+),", reading).group(1)
    driver.show("Lanes")
    driver.wait("the same layer in the lanes", lambda: layer in image("Layers").name)
    driver.picture("timeline-04-lanes")
    driver.show("Timeline")
    driver.wait("the timeline again", image)
    driver.keys("0")
    driver.picture("timeline-05-marked")


def reads_the_table():
    driver.keys("ctrl+t")
    driver.find(contains="Details")  # a heading that only the table of all spans has
    driver.picture("timeline-06-table")
    driver.keys("ctrl+t")
    driver.wait("the chart", image)


def chooses_the_phase():
    driver.menu("Timeline menu", "Prefill")
    driver.wait("the prompt's steps", lambda: driver.look("label", contains="The last 2 instrumented steps"))
    driver.picture("timeline-07-prefill")


def traces():
    """The same by the program's other face."""
    path = os.path.join(out, "trace.json")
    file = model or os.path.join(SOURCE, "data", "default-model", "lathe-default-f16.gguf")
    subprocess.run([program, "trace", file, "-o", path], check=True, stderr=subprocess.DEVNULL)
    events = json.load(open(path))["traceEvents"]
    check(any(e["ph"] == "M" and e["args"].get("name") == "Thread 1" for e in events), "no thread has a name")
    check(sum(e["ph"] == "X" for e in events) > 100, "hardly any spans")


tap.step("opens with nothing measured", opens)
tap.step("shows the threads of a run", runs)
tap.step("walks over the spans by keyboard", walks)
tap.step("shares the selection", shares_the_selection)
tap.step("reads it as a table", reads_the_table)
tap.step("shows the other phase", chooses_the_phase)
tap.step("writes a trace", traces)
tap.step("ends", lambda: driver.quit())
sys.exit(tap.end())
