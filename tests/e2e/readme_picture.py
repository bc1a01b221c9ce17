"""The picture of the README, taken from the real program: a model runs as its file has it, then in Q4_0.

    LATHE_PICTURE_MODEL=FILE.gguf tests/e2e/run-e2e.sh build/app/lathe tests/e2e/readme_picture.py data/screenshots

Not a test: run it on a quiet machine when the window has changed, look at data/screenshots/lathe.png, commit it.
"""

import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lathe_driver import Driver, showing

program, out = sys.argv[1], sys.argv[2]
driver = Driver(program, [os.environ["LATHE_PICTURE_MODEL"]], out)


def run_button():
    return driver.look("push button", "Run")


def verdict():
    return any(node.getRoleName() == "label" and re.match(r"(Valid|Degraded|Invalid)[:.]? ?", node.name) and showing(node) for node in driver.walk())


def run_once():
    driver.wait("Run to be possible", lambda: run_button() is not None and driver.sensitive(run_button()), 60)
    driver.click(run_button())
    time.sleep(1)
    driver.wait("the run to end", lambda: run_button() is not None and verdict(), 60)


run_once()
combo = driver.find("combo box", "Weight format")
driver.point(combo)


def items():
    names = []
    for node in driver.walk(combo):
        if node.getRoleName() == "list item":
            labels = [label.name for label in driver.walk(node) if label.getRoleName() == "label" and label.name]
            names.append(labels[0] if labels else "")
    return names if "Q4_0" in names else None


names = driver.wait("Q4_0 in the list", items)
driver.keys("Home", *["Down"] * names.index("Q4_0"), "Return")
run_once()
driver.point_at(720, 60)
time.sleep(1.5)
driver.picture("lathe")
driver.quit()
