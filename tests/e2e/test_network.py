"""A network's session, as a person has it: open, run, look at a block and into it, compare, read about it; no word of language models anywhere. Then one
that has operators nobody knows."""

import os
import re
import subprocess
import sys
import time

import pyatspi

import tiny_onnx
from lathe_driver import Driver, Tap, check

program, out = sys.argv[1], sys.argv[2]
tap = Tap()
driver = None
work = os.path.join(os.environ["HOME"], "work")
os.makedirs(work, exist_ok=True)
good, bad = os.path.join(work, "tiny.onnx"), os.path.join(work, "unknown.onnx")
tiny_onnx.convolutions(good, n=6, channels=24, size=96)
tiny_onnx.convolutions(bad, unknown=(2, 4))

# What only a language model has. Whole words: "detokenize" is none of ours, and a network may well have a decoder.
LANGUAGE = re.compile(r"tok/s|\btokens?\b|\bprefill\b|\bdecode\b|\bprompt\b|\bKV\b|context length|cache format|\bchat\b", re.IGNORECASE)


def lanes():
    return driver.find("image", contains="Layers.")


def language_words():
    """Every text that can be seen or heard now, of those that speak of language models."""
    found = set()
    for node in driver.walk_shown():
        texts = [node.name, node.description]
        try:
            texts.append(driver.text_of(node))
        except Exception:
            pass
        found.update(text for text in texts if text and LANGUAGE.search(text))
    return sorted(found)


def speaks_of_networks(where):
    words = language_words()
    check(not words, f"{where}: words of language models: {words}")


def opens():
    global driver
    driver = Driver(program, [good], out)
    driver.wait("the network", lambda: driver.look("frame", contains="tiny"))
    driver.wait_idle()
    check("not measured" in driver.tile("Latency"), "a number stands where nothing was measured: " + driver.tile("Latency"))
    speaks_of_networks("before a run")
    driver.picture("network-01-opened")


def runs():
    driver.run_once()
    check(re.search(r"Latency: [\d.]+.[mµ]s \(", driver.tile("Latency")), "no latency with its interval: " + driver.tile("Latency"))
    check(re.search(r"Inferences: [\d.]+.*/s", driver.tile("Inferences")), "no inferences per second: " + driver.tile("Inferences"))
    check(re.search(r"Pre \+ post: [\d.]+.%", driver.tile("Pre + post")), "no share of the surroundings")
    check(re.search(r"Peak memory: [\d.]+.[kM]?B", driver.tile("Peak memory")), "no peak memory")
    check(re.search(r"costs most: \d+.%|^Advice: .*: −", driver.verdict()), "it is neither advised what to do nor said what costs most: " + driver.verdict())
    speaks_of_networks("after a run")
    driver.picture("network-02-run")


def looks_into_a_block():
    area = lanes().queryComponent().getExtents(pyatspi.WINDOW_COORDS)
    driver.point_at(area.x + area.width // 2, area.y + area.height // 3)
    block = driver.wait("a block to be selected", lambda: "none selected" not in lanes().name and lanes().name)
    check("stage_" in block, "the block's name is not read out: " + block)
    check(re.search(r"Latency: [\d.]+..?s", block) and "activations" in block, "its figures are not read out: " + block)
    check("KV" not in block, "a network has no such cache: " + block)
    driver.keys("Return", "Down")
    inside = driver.wait("an operator in it", lambda: lanes().name != block and lanes().name)
    check("onvolution" in inside and re.search(r"Latency: [\d.]+..?s", inside), "the operator's figures are not read out: " + inside)
    driver.find("label", contains="/conv/Conv")  # the sentence below the lanes, with its source's name
    speaks_of_networks("inside of a block")
    driver.picture("network-03-inside")
    driver.keys("Up", "Return")


def tells_about_the_network():
    driver.click(driver.find(contains="About this model"))
    driver.find("label", contains="f32 [1, 3, 96, 96]")
    driver.find("label", contains="f32 [1, 24, 96, 96]")
    driver.find("label", contains="multiply-adds")
    driver.find("label", contains="12 operators in the file")
    speaks_of_networks("about the network")
    driver.picture("network-04-about")
    driver.keys("Escape")


def compares():
    driver.choose("Weight format", "F16")
    driver.wait("undo to be possible", lambda: driver.look("push button", contains="Undo: "))
    driver.run_once()
    driver.show("Compare")
    driver.wait("the comparison", lambda: driver.look("image", contains="Comparison."))
    driver.find("panel", contains="Network alone:")
    speaks_of_networks("the comparison")
    driver.picture("network-05-compare")
    driver.show("History")
    driver.find("tree table", "Runs")
    speaks_of_networks("the history")
    driver.picture("network-06-history")
    driver.show("Lanes")


def runs_continuously():
    """By keyboard: the popover beside Run, a rate, and as long as it says."""
    driver.point(driver.buttons("How to run")[-1])
    driver.find("check box", contains="Continuously")
    driver.keys("Down", "Tab", "space")  # continuously, at a rate
    driver.picture("network-07-how-to-run")
    driver.keys("Escape")
    time.sleep(0.3)
    driver.keys("ctrl+Return")
    driver.wait("the count of inputs", lambda: driver.look("label", contains="inputs, "))
    speaks_of_networks("while it runs continuously")
    driver.picture("network-08-continuous")
    driver.keys("Escape")  # stops
    driver.wait("the run to end", lambda: driver.verdict() is not None and driver.run_button() is not None)
    check(re.search(r"Late: [\d.]+.%", driver.tile("Late")), "it is not said how many inputs were late: " + driver.tile("Late"))
    speaks_of_networks("after running continuously")


def is_narrow():
    window = subprocess.run(["xdotool", "search", "--onlyvisible", "--name", "tiny"], check=True, capture_output=True, text=True).stdout.split()[0]
    subprocess.run(["xdotool", "windowsize", window, "360", "640"], check=True)
    driver.wait("the narrow window", lambda: driver.find("frame").queryComponent().getExtents(pyatspi.WINDOW_COORDS).width < 400)
    time.sleep(0.5)
    driver.tile("Latency")
    speaks_of_networks("the narrow window")
    driver.picture("network-09-narrow")


def reports_what_is_not_supported():
    global driver
    time.sleep(2)  # until the first program has left the accessibility bus
    driver = Driver(program, [bad], out)
    driver.find("label", contains="can be looked at, but not run")
    run = driver.find("push button", "Run")
    check(not driver.sensitive(run), "a network that cannot be run can be run")
    driver.picture("network-10-unknown")
    driver.press(contains="Report")
    driver.find("label", "This Network Cannot Be Run")
    for stage in (2, 4):
        driver.find("label", contains=f"/backbone/stage_{stage}/act/Frobnicate")
    driver.picture("network-11-report")
    driver.keys("Escape")
    driver.wait("the dialog to be gone", lambda: driver.look("label", "This Network Cannot Be Run") is None)
    driver.show("Lanes")
    driver.find("image", contains="Layers.")


def evaluates():
    """A classifier on forty samples, ten of which have another label: 75 %."""
    global driver
    model, folder = os.path.join(work, "greatest.onnx"), os.path.join(work, "numbers")
    tiny_onnx.classifier(model)
    tiny_onnx.samples(folder)
    time.sleep(2)
    driver = Driver(program, [model], out)
    driver.wait("the network", lambda: driver.look("frame", contains="Greatest number"))
    driver.run_once()
    driver.menu("Main menu", "Evaluate on a Folder…")
    driver.find("push button", contains="Evaluate")
    time.sleep(0.7)
    driver.type(folder)
    driver.keys("Return")
    driver.dialog_goes()
    driver.wait("the accuracy", lambda: re.search(r"Accuracy: 75.%", driver.tile("Accuracy")))
    driver.picture("network-12-evaluated")
    driver.show("History")
    driver.wait("both runs", lambda: driver.look("label", "75\u202f%"))
    driver.picture("network-13-evaluated-history")


tap.step("opens a network", opens)
tap.step("runs and measures it", runs)
tap.step("reads a block and an operator in it, by pointer and by keyboard", looks_into_a_block)
tap.step("tells about it", tells_about_the_network)
tap.step("compares two runs, and keeps them", compares)
tap.step("runs continuously at a rate", runs_continuously)
tap.step("fits a narrow window", is_narrow)
tap.step("ends", lambda: driver.quit())
tap.step("reports what is not supported", reports_what_is_not_supported)
tap.step("ends again", lambda: driver.quit())
tap.step("evaluates a classifier on labelled samples", evaluates)
tap.step("ends for good", lambda: driver.quit())
sys.exit(tap.end())
