"""The speculation view, as a person uses it: switch drafting on from the empty page, run, read the marks and figures, the rounds as a table; then a layer by itself in the recipe."""

import os
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lathe_driver import Driver, Tap, check

program, out = sys.argv[1], sys.argv[2]
tap = Tap()
driver = None


def run_once():
    driver.wait("Run to be possible", lambda: driver.run_button() and driver.sensitive(driver.run_button()))
    driver.click(driver.run_button())
    time.sleep(1)
    driver.wait("the run to end", lambda: driver.run_button() and driver.sensitive(driver.run_button()), 90)


def opens():
    global driver
    driver = Driver(program, [], out)
    driver.wait("the default model", lambda: driver.look("frame", contains="Lathe default"))
    prompt = driver.find("text", "Prompt")
    driver.point(prompt)
    driver.keys("ctrl+a")
    driver.type("The cat sat on the mat. The cat sat on the mat. The cat sat on the mat. The cat")
    driver.click(driver.find("page tab", "Speculation"))
    driver.find("label", contains="verified by the model several at a time")
    driver.picture("speculation-01-empty")


def switches_on():
    driver.click(driver.find("push button", "Switch On Prompt Lookup"))
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


def save_as(path):
    """The file dialog: the name is selected, a whole path may be typed."""
    driver.find("push button", contains="Save")
    time.sleep(0.7)
    driver.keys("ctrl+a")
    driver.type(path)
    driver.keys("Return")
    driver.wait(path, lambda: os.path.exists(path) and os.path.getsize(path) > 0)


def exports():
    """Even before there is anything to draw it must not fail; here there is."""
    png = os.path.join(tempfile.mkdtemp(), "speculation.png")
    driver.keys("ctrl+e")
    save_as(png)
    check(open(png, "rb").read(8).startswith(b"\x89PNG"), "the plot is no PNG")
    subprocess.run(["cp", png, os.path.join(out, "exported-speculation.png")], check=True)


def fits_a_phone():
    window = subprocess.check_output(["xdotool", "search", "--onlyvisible", "--name", "Lathe"]).split()[-1].decode()
    subprocess.run(["xdotool", "windowsize", window, "360", "700"], check=True)
    time.sleep(1.5)
    driver.picture("speculation-04-narrow")
    subprocess.run(["xdotool", "windowsize", window, "1280", "800"], check=True)
    time.sleep(1)


def ends():
    check(driver.quit() == 0, "the program ended with an error")


for name, step in [
    ("opens the default model and its empty page", opens),
    ("switches drafting on", switches_on),
    ("shows what was drafted", runs),
    ("reads the rounds as a table", reads_table),
    ("exports the plots on one page", exports),
    ("fits a narrow window", fits_a_phone),
    ("ends", ends),
]:
    tap.step(name, step)
sys.exit(tap.end())
