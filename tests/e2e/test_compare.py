"""Runs side by side, as a person puts them there: another file of the network from the history, a threshold, the table, and the report of it all."""

import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

import pyatspi

from lathe_driver import TEST_DATA, Driver, Tap, check

program, out = sys.argv[1], sys.argv[2]
folder = os.path.join(TEST_DATA, "vision", "cifar10")
floats, integers = (os.path.join(folder, name) for name in ("pretrainedResnet.tflite", "pretrainedResnet_quant.tflite"))
stranger = os.path.join(TEST_DATA, "vision", "vww", "vww_96_float.tflite")
if not all(os.path.exists(path) for path in (floats, integers, stranger)):
    print("1..0 # SKIP the networks of vision/cifar10 and vision/vww are not below LATHE_TEST_DATA")
    sys.exit(0)

tap = Tap()
driver = None
work = tempfile.mkdtemp()


def keep(path, *more):
    subprocess.run([program, "run", path, "--keep", "--repeats", "30", *more], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def opens():
    global driver
    keep(integers)
    keep(stranger)
    keep(floats, "-t", "1")
    driver = Driver(program, [floats], out)
    driver.wait_idle()
    driver.press("Run")
    time.sleep(1)
    driver.wait("the run to end", lambda: driver.run_button() and driver.look("label", contains="costs most"))
    driver.show("Compare")
    driver.find("label", contains="There is one run so far")
    driver.picture("compare-01-one")


def add_button():
    for node in driver.walk_shown():
        if node.name == "Add a run":
            return node
    return None


def open_list():
    driver.click(driver.wait("the button to add a run", add_button))
    return driver.wait("the list of runs", lambda: driver.look("label", "Cannot be lined up"))


def pick(n):
    """The n-th of the runs that can be added, by keyboard."""
    driver.keys("Tab", *["Down"] * n, "Return")
    time.sleep(0.5)


def adds_another_file():
    open_list()
    check(driver.look("label", "This model") and driver.look("label", "Other files of this network"), "the list has not its headings")
    check(driver.look("label", contains="different networks"), "the list does not say why the stranger cannot be lined up")
    driver.picture("compare-02-add")
    pick(1)
    driver.wait("the comparison", lambda: driver.look("image", contains="Comparison."))
    driver.wait("both chips", lambda: driver.look("push button", contains="Run A, compared with: ") and driver.look("push button", contains="Run B: "))
    driver.find("label", contains="different files of one network")
    driver.picture("compare-03-two")


def reads_a_layer():
    image = driver.find("image", contains="Comparison.")
    area = image.queryComponent().getExtents(pyatspi.WINDOW_COORDS)
    driver.point_at(area.x + area.width // 2, area.y + 60)
    driver.wait("a layer in words", lambda: "Change since A" in driver.look("image", contains="Comparison.").name
                and "Latency" in driver.look("image", contains="Comparison.").name)


def adds_a_third():
    open_list()
    pick(0)
    driver.wait("three chips", lambda: driver.look("push button", contains="Run C: "))
    driver.picture("compare-04-three")


def shows_the_table():
    driver.keys("ctrl+t")
    table = driver.wait("the table", lambda: driver.look("tree table", contains="Comparison") or driver.look("tree table"))
    names = [node.name for node in driver.walk(table) if node.getRoleName() in ("column header", "table column header", "push button") and node.name]
    check(any("C against A" in name for name in names) or driver.look(contains="C against A"), f"no column for the third run: {names}")
    driver.picture("compare-05-table")
    driver.keys("ctrl+t")


def exports_the_report():
    path = os.path.join(work, "report.html")
    driver.menu("Comparison menu", "Export Report…")
    driver.save_as(path)
    with open(path, encoding="utf-8") as file:
        html = file.read()
    xml.etree.ElementTree.fromstring(html.replace("<!DOCTYPE html>", "", 1))
    check("C against A" in html and html.count("<svg") >= 4, "the report has not all three runs, or no plots")


tap.step("opens one file of a network with runs of others in the history", opens)
tap.step("adds a run of another file", adds_another_file)
tap.step("reads a layer with its change", reads_a_layer)
tap.step("adds a third run", adds_a_third)
tap.step("shows all three as a table", shows_the_table)
tap.step("exports the report", exports_the_report)
tap.step("ends", lambda: driver.quit())
sys.exit(tap.end())
