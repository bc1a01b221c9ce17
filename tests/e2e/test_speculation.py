"""The speculation view, as a person uses it: switch drafting on from the empty page, run, read the marks and figures, the rounds as a table; then a layer by itself in the recipe."""

import os
import re
import subprocess
import sys
import tempfile
import time

from lathe_driver import Driver, Tap, check

program, out = sys.argv[1], sys.argv[2]
tap = Tap()
driver = None


def run_once():
    driver.wait_idle()
    driver.click(driver.run_button())
    time.sleep(1)
    driver.wait_idle(90)


def opens():
    global driver
    driver = Driver(program, [], out)
    driver.find("frame", contains="Lathe default")
    driver.fill(driver.find("text", "Prompt"), "The cat sat on the mat. The cat sat on the mat. The cat sat on the mat. The cat")
    driver.show("Speculation")
    driver.find("label", contains="verified by the model several at a time")
    driver.picture("speculation-01-empty")


def switches_on():
    driver.press("Switch On Prompt Lookup")
    driver.find("label", contains="Speculation is on. Press Run")
    driver.find("push button", contains="Undo: ")


def sentence():
    return driver.look("label", contains="Prompt lookup (")


def runs():
    run_once()
    text = driver.wait("what was drafted", sentence, 60).name
    check(re.search(r"\d+ of \d+ tokens of the text were drafted|drafted nothing", text), "no counts: " + text)
    driver.find("panel", contains="Speed-up:")
    driver.find("label", contains="Sampled: the distribution is kept")
    driver.find("text", "Text with what was drafted")
    driver.picture("speculation-02-run")


def reads_table():
    driver.keys("ctrl+t")
    driver.wait("the rounds as a table", lambda: driver.look("tree table") or driver.look("table"))
    driver.find(contains="rejected")
    driver.picture("speculation-03-table")
    driver.keys("ctrl+t")
    driver.wait("the plots again", sentence)
    time.sleep(1)


def exports():
    """Even before there is anything to draw it must not fail; here there is."""
    png = os.path.join(tempfile.mkdtemp(), "speculation.png")
    driver.keys("ctrl+e")
    driver.save_as(png)
    check(open(png, "rb").read(8).startswith(b"\x89PNG"), "the plot is no PNG")
    subprocess.run(["cp", png, os.path.join(out, "exported-speculation.png")], check=True)


def fits_a_phone():
    driver.resize(360, 700)
    driver.picture("speculation-04-narrow")
    driver.resize(1280, 800)


for name, step in [
    ("opens the default model and its empty page", opens),
    ("switches drafting on", switches_on),
    ("shows what was drafted", runs),
    ("reads the rounds as a table", reads_table),
    ("exports the plots on one page", exports),
    ("fits a narrow window", fits_a_phone),
    ("ends", lambda: driver.quit()),
]:
    tap.step(name, step)
sys.exit(tap.end())
