"""A network, as a person has it: open it, choose a picture, read the label, run, change the recipe, feed it something wrong."""

import os
import re
import sys

from lathe_driver import TEST_DATA, Driver, Tap, check

program, out = sys.argv[1], sys.argv[2]
network = os.path.join(TEST_DATA, "vision", "imagenet", "mobilenet_v2_1.0_224_quant.tflite")
images = os.path.join(TEST_DATA, "vision", "images")
sound = os.path.join(TEST_DATA, "audio", "speech", "jfk.wav")
driver = None


def reading():
    """The result in words, as a screen reader has it."""
    node = driver.look("image", contains="Result. ")
    return node.name if node else ""


def choose(path):
    driver.press("Choose…")
    driver.open_as(path)


def opens():
    global driver
    driver = Driver(program, [network], out)
    driver.wait_idle()
    driver.find("label", "Random numbers: for speed only")
    driver.find("label", contains="Takes pictures")
    driver.find("label", contains="Choose an input to see what the network makes of it")
    driver.picture("input-01-opened")


def sees():
    choose(os.path.join(images, "parrot.jpg"))
    driver.wait("the parrot to be seen", lambda: "macaw" in reading())
    check(re.search(r"Result\. macaw +9\d\.\d %", reading()), "macaw is not the first label: " + reading())
    driver.find("label", contains="parrot.jpg · 512 × 929")
    driver.picture("input-02-parrot")


def runs():
    driver.press("Run")
    driver.wait("the run to end", lambda: driver.look("panel", contains="Latency: ") and re.search(r"Latency: [\d.]+", driver.find("panel", contains="Latency: ").name)
                and driver.run_button() is not None, 90)
    check("macaw" in reading(), "the run's own result is not shown: " + reading())
    driver.picture("input-03-run")


def goes_stale():
    threads = driver.find("spin button", contains="Threads").queryValue()
    threads.currentValue = 1 if threads.currentValue > 1 else 2
    driver.find(contains="of the previous recipe")
    driver.picture("input-04-stale")
    driver.press("Update")
    driver.wait("the result to be new", lambda: driver.look(contains="of the previous recipe") is None)
    check("macaw" in reading(), "the result of the new recipe is another: " + reading())


def next_picture():
    choose(os.path.join(images, "hot_dog.jpg"))
    driver.wait("the hot dog to be seen", lambda: "hotdog" in reading())


def folder():
    driver.menu("Other inputs", "Choose a Folder…")
    driver.open_as(images)
    count = len([name for name in os.listdir(images) if name.endswith((".jpg", ".bmp"))])
    driver.find("label", f"1 of {count}")
    before = driver.find("label", contains=" × ").name
    driver.press("Next input")
    driver.find("label", f"2 of {count}")
    check(driver.find("label", contains=" × ").name != before, "the next input is the same one")
    driver.press("Previous input")
    driver.find("label", f"1 of {count}")


def large():
    driver.click(driver.look("toggle button", contains="on a page of their own") or driver.find("push button", contains="on a page of their own"))
    driver.wait("the larger page", lambda: driver.look("page tab", "Input"))
    check(driver.sensitive(driver.find("push button", "Choose…")), "nothing can be chosen on the larger page")
    driver.picture("input-06-large")
    driver.click(driver.look("toggle button", contains="on a page of their own") or driver.find("push button", contains="on a page of their own"))
    driver.wait("the lanes again", lambda: driver.look("page tab", "Input") is None)
    check(driver.sensitive(driver.find("push button", "Choose…")), "nothing can be chosen any more")


def refuses():
    before = reading()
    choose(sound)
    said = driver.find("alert", contains="jfk.wav") if driver.look("alert") else driver.find(contains="“jfk.wav” is a sound")
    check("cannot be fed" in said.name, "it is not said what is wrong: " + said.name)
    check(reading() == before, "a sound that cannot be fed changed the result")
    driver.picture("input-05-refused")


def table():
    driver.menu("Copy or save the result", "As a Table")
    driver.find(contains="hotdog")
    driver.menu("Copy or save the result", "As a Table")


tap = Tap()
if not os.path.exists(network):
    print(f"1..0 # SKIP {network} is not there (set LATHE_TEST_DATA)")
    sys.exit(0)
tap.step("opens a network", opens)
tap.step("sees what a picture shows as soon as it is chosen", sees)
tap.step("measures and keeps the result", runs)
tap.step("says that a result is of the previous recipe", goes_stale)
tap.step("sees another picture", next_picture)
tap.step("refuses a sound and keeps the picture", refuses)
tap.step("reads as a table", table)
tap.step("goes through a folder", folder)
tap.step("shows it all larger", large)
tap.step("quits", lambda: driver.quit())
sys.exit(tap.end())
