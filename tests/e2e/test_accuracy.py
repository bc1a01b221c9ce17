"""Accuracy, as a person has it: nothing known, texts, a coarser build beside the model as in its file, questions, the table."""

import re
import sys
import time

from lathe_driver import Driver, Tap, check

program, out, model = sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None
tap = Tap()
driver = None


def tiles(title):
    """What the tiles of this title say, in the headline and in the view."""
    return [node.name for node in driver.walk_shown() if node.getRoleName() == "panel" and node.name.startswith(title + ":")]


def evaluate(what):
    buttons = driver.buttons("Evaluate")
    check(buttons, "there is no way to evaluate")
    driver.click(buttons[-1])
    time.sleep(0.4)
    driver.click(driver.find("menu item", what))


def opens():
    global driver
    driver = Driver(program, [model] if model else [], out)
    driver.wait_idle()
    driver.show("Accuracy")
    driver.find("label", "Accuracy Not Measured Yet")


def evaluates_as_in_file():
    evaluate("On the Bundled Texts")
    driver.wait("the perplexity in the headline and in the view", lambda: len(tiles("Perplexity")) == 2)
    forest = driver.find("image", contains="Perplexity, by domain")
    check("prose" in forest.name and "code" in forest.name, "domains are not said: " + forest.name)
    check(re.search(r"100\.00.% \(99", tiles("Same best token")[0]), tiles("Same best token"))
    driver.picture("accuracy-1-as-in-file")


def evaluates_coarser():
    driver.point(driver.find(contains="As in file"))
    time.sleep(0.5)
    driver.keys("End", "Return")
    time.sleep(1)
    driver.wait_idle()
    driver.wait("the page to be empty again", lambda: driver.look("label", "Accuracy Not Measured Yet"))
    evaluate("On the Bundled Texts")
    driver.wait("the perplexity", lambda: len(tiles("Perplexity")) == 2)
    forest = driver.find("image", contains="Change of: Perplexity, by domain")
    check(re.search(r"All: \+[\d.]+.%", forest.name), "the change is not said: " + forest.name)
    check(any("worse" in tile for tile in tiles("Perplexity")), f"it is not said that it is worse: {tiles('Perplexity')}")
    driver.picture("accuracy-2-coarser")


def answers():
    evaluate("On the Bundled Questions")
    driver.wait("the share of right answers", lambda: len(tiles("Right answers")) == 2)
    driver.find("label", contains="guessing is right 25")
    driver.picture("accuracy-3-questions")


def shows_a_table():
    driver.click(driver.buttons("Accuracy menu")[-1])
    time.sleep(0.4)
    driver.click(driver.find(contains="Show as Table"))
    driver.find("label", "geography")
    driver.picture("accuracy-4-table")


tap.step("opens a model of which nothing is known", opens)
tap.step("evaluates it as in its file", evaluates_as_in_file)
tap.step("evaluates a coarser build beside it", evaluates_coarser)
tap.step("answers questions", answers)
tap.step("shows it as a table", shows_a_table)
tap.step("ends", lambda: driver.quit())
sys.exit(tap.end())
