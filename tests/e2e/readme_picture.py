"""The pictures of the README, taken from the real program: a language model runs as its file has it, stands under the roofs, then in
Q4_0, with accuracy per layer; a network runs on a
photograph.

    LATHE_PICTURE_MODEL=FILE.gguf tests/e2e/run-e2e.sh build/app/lathe tests/e2e/readme_picture.py data/screenshots
    LATHE_PICTURE_PRICES=FILE.gguf tests/e2e/run-e2e.sh ... (the same)
    LATHE_PICTURE_SPECULATION=FILE.gguf tests/e2e/run-e2e.sh ... (the same)
    LATHE_PICTURE_NETWORK=FILE.tflite LATHE_PICTURE_INPUT=PHOTO.jpg tests/e2e/run-e2e.sh ... (the same)
    LATHE_PICTURE_BOARDS=FILE.tflite LATHE_PICTURE_INPUT=SOUND.wav tests/e2e/run-e2e.sh ... (the same)

Not a test: run it on a quiet machine when the window has changed, look at lathe.png, roofline.png, prices.png,
speculation.png, network.png and boards.png in data/screenshots, commit them.
"""

import os
import re
import sys
import time

from lathe_driver import Driver

program, out = sys.argv[1], sys.argv[2]
driver = None


REPETITIVE = (
    '[{"name": "Anna", "age": 31, "city": "Paris"}, {"name": "Ben", "age": 32, "city": "Paris"}, '
    '{"name": "Carla", "age": 33, "city": "Paris"}, {"name":'
)


def verdict():
    return any(node.getRoleName() == "label" and re.match(r"(Advice: .*)?(Valid|Degraded|Invalid)[:.]? ?", node.name) for node in driver.walk_shown())


def run_once():
    driver.wait_idle(60)
    driver.click(driver.run_button())
    driver.point_at(640, 790)
    time.sleep(6)  # looking for the end through the accessibility tree would take the processors that are being measured
    driver.wait("the run to end", lambda: driver.run_button() is not None and verdict(), 60)


def language_model(path):
    global driver
    driver = Driver(program, [path], out)
    run_once()
    driver.show("Roofline")
    driver.press("Measure Roofs")
    driver.wait("the roofs", lambda: not driver.look("push button", "Measure Roofs"), 90)
    driver.point_at(640, 790)
    time.sleep(3)
    driver.picture("roofline")
    driver.show("Lanes")

    driver.choose("Weight format", "Q4_0")
    run_once()
    driver.press("Measure accuracy per layer")
    driver.wait("accuracy per layer", lambda: driver.look(contains="Accuracy per layer is measured"), 300)
    driver.point_at(640, 790)
    time.sleep(8)  # the toast goes
    driver.picture("lathe")
    driver.quit()


def prices(path):
    global driver
    driver = Driver(program, [path], out)
    driver.wait_idle(60)
    driver.show("Prices")
    driver.press("Measure")
    time.sleep(15)  # the accessibility tree is not walked meanwhile: it would take the processors
    driver.wait("the prices", lambda: not driver.look("push button", "Cancel") and driver.sensitive(driver.look("push button", "Measure")), 900)
    driver.point(driver.find("image", contains="Price list"))  # a layer and why it has its precision
    driver.point_at(720, 60)
    time.sleep(3)
    driver.picture("prices")
    driver.quit()


def speculation(path):
    """A text that repeats itself, without chance, so that it can be compared with plain decoding."""
    global driver
    driver = Driver(program, [path], out)
    driver.wait_idle(60)
    driver.click([node for node in driver.walk_shown() if node.name == "Chat" and node.getRoleName() != "label"][0])
    driver.click([node for node in driver.walk_shown() if node.name == "Sampling" and node.getRoleName() != "label"][-1])
    driver.find("spin button", "Temperature").queryValue().currentValue = 0
    time.sleep(0.5)
    driver.keys("Escape")
    driver.fill(driver.find("text", "Prompt"), os.environ.get("LATHE_PICTURE_PROMPT", REPETITIVE))
    driver.show("Speculation")
    driver.press("Switch On Prompt Lookup")
    run_once()
    driver.point_at(720, 60)  # a click on a chart would scroll to it
    time.sleep(3)
    driver.picture("speculation")
    driver.quit()


def open_input(path, file):
    global driver
    driver = Driver(program, [path], out)
    driver.wait_idle(60)
    driver.press("Choose…")
    driver.open_as(file)
    driver.wait("a result", lambda: driver.look("image", contains="Result. "))


def boards(path, sound):
    open_input(path, sound)
    run_once()
    for board in ("Virtual Cortex-M4", "Virtual Cortex-M55"):
        driver.press(contains="Run on " + board)
        time.sleep(3)
        driver.wait_idle(60)
    driver.show("Compare")
    time.sleep(1)
    driver.press("Compare devices")
    driver.point_at(720, 60)
    time.sleep(2)
    driver.picture("boards")
    driver.quit()


def network(path, photo):
    open_input(path, photo)
    run_once()
    driver.point_at(720, 60)
    time.sleep(1.5)
    driver.picture("network")
    driver.quit()


if "LATHE_PICTURE_MODEL" in os.environ:
    language_model(os.environ["LATHE_PICTURE_MODEL"])
if "LATHE_PICTURE_PRICES" in os.environ:
    prices(os.environ["LATHE_PICTURE_PRICES"])
if "LATHE_PICTURE_SPECULATION" in os.environ:
    speculation(os.environ["LATHE_PICTURE_SPECULATION"])
if "LATHE_PICTURE_NETWORK" in os.environ:
    network(os.environ["LATHE_PICTURE_NETWORK"], os.environ["LATHE_PICTURE_INPUT"])
if "LATHE_PICTURE_BOARDS" in os.environ:
    boards(os.environ["LATHE_PICTURE_BOARDS"], os.environ["LATHE_PICTURE_INPUT"])
