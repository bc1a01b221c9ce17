"""Drives the real window from outside, as a person with a keyboard, a pointer and a screen reader would.

Finds things by role and name through AT-SPI (so what cannot be found here cannot be found by a screen reader either), clicks with xdotool, takes
pictures with ImageMagick. Runs inside `dbus-run-session` on a display of its own; see run-e2e.sh.
"""

import atexit
import os
import re
import subprocess
import sys
import time

import pyatspi

WAIT_S = 30.0
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TEST_DATA = os.environ.get("LATHE_TEST_DATA") or os.path.join(SOURCE, "..", "shared", "models")


class Failure(Exception):
    pass


def check(condition, message):
    if not condition:
        raise Failure(message)


def children(node):
    """Those that are there: the tree changes while it is read."""
    try:
        for i in range(node.childCount):
            child = node.getChildAtIndex(i)
            if child is not None:
                yield child
    except Exception:
        return


def place_of(node):
    """Its extents in the window, or None for what is no widget: a page of a stack, what has just gone."""
    try:
        return node.queryComponent().getExtents(pyatspi.WINDOW_COORDS)
    except (NotImplementedError, Exception):
        return None


def showing(node):
    """Has a place on the screen: pages of a stack that are not shown have none."""
    extents = place_of(node)
    return extents is not None and extents.width > 0 and extents.height > 0


class Driver:
    def __init__(self, program, arguments, out):
        self.program = program
        self.out = out
        os.makedirs(out, exist_ok=True)
        self.process = subprocess.Popen([program, "--timing", *arguments])
        atexit.register(self.kill)
        self.app = self.wait("the program to appear", self._find_app)

    # ---- Looking ----

    def _find_app(self):
        desktop = pyatspi.Registry.getDesktop(0)
        for app in children(desktop):
            if app.name == "lathe":
                return app
        return None

    def wait(self, what, condition, seconds=WAIT_S):
        end = time.time() + seconds
        while True:
            try:
                value = condition()
            except Exception as error:  # the tree changes while it is read
                value, last = None, error
            if value:
                return value
            if self.process.poll() is not None:
                raise Failure(f"the program ended with status {self.process.returncode} while waiting for {what}")
            if time.time() > end:
                self.picture("failure-" + os.path.splitext(os.path.basename(sys.argv[0]))[0])  # tests run side by side
                raise Failure(f"waited {seconds:.0f} s for {what}")
            time.sleep(0.1)

    def walk(self, node=None, depth=0):
        node = node or self.app
        yield node
        if depth < 60:
            for child in children(node):
                yield from self.walk(child, depth + 1)

    def walk_shown(self, node=None, depth=0):
        """What of it has a place on the screen. In what has none, nothing has one: two thirds of a window need no look."""
        node = node or self.app
        extents = place_of(node)
        if extents is not None and (extents.width <= 0 or extents.height <= 0):
            return
        if extents is not None:
            yield node
        if depth < 60:
            for child in children(node):
                yield from self.walk_shown(child, depth + 1)

    def first(self, fits, root=None):
        """The first thing shown that fits, or None; one that goes meanwhile is passed over."""
        for node in self.walk_shown(root):
            try:
                if fits(node):
                    return node
            except Exception:
                continue
        return None

    def look(self, role=None, name=None, contains=None, root=None):
        """The first thing that fits, or None."""
        return self.first(lambda node: (role is None or node.getRoleName() == role) and (name is None or node.name == name)
                          and (contains is None or contains in node.name), root)

    def find(self, role=None, name=None, contains=None, root=None, seconds=WAIT_S):
        what = " ".join(str(part) for part in (role, name, contains) if part)
        return self.wait(what, lambda: self.look(role, name, contains, root), seconds)

    def buttons(self, name):
        return [node for node in self.walk_shown() if node.getRoleName() == "push button" and node.name == name]

    def labels(self, node):
        return [part.name for part in self.walk(node) if part.getRoleName() == "label" and part.name]

    def sensitive(self, node):
        return node.getState().contains(pyatspi.STATE_SENSITIVE)

    def text_of(self, node):
        text = node.queryText()
        return text.getText(0, text.characterCount)

    # ---- Doing ----

    def place(self, node):
        """The middle of it on the screen: windows stand at the origin, inside their invisible borders."""
        e = node.queryComponent().getExtents(pyatspi.WINDOW_COORDS)
        return e.x + e.width // 2 + self.border, e.y + e.height // 2 + self.border

    border = 5

    def click(self, node):
        """As a screen reader does it where the thing offers it, else with the pointer."""
        try:
            action = node.queryAction()
            for i in range(action.nActions):
                if action.getName(i) == "click":
                    action.doAction(i)
                    time.sleep(0.15)
                    return
        except NotImplementedError:
            pass
        self.point(node)

    def press_found(self, what, find, seconds=WAIT_S):
        """What @find finds, as soon as it is there; found again where it was replaced before it was pressed."""
        self.wait(what, lambda: self.click(find()) or True, seconds)

    def press(self, name=None, contains=None, root=None, seconds=WAIT_S):
        """A button."""
        self.press_found(f"the button {name or contains}", lambda: self.look("push button", name, contains, root), seconds)

    def show(self, page):
        self.click(self.find("page tab", page))

    def point(self, node, button=1):
        x, y = self.place(node)
        self.point_at(x, y, button)

    def point_at(self, x, y, button=1):
        # Away first: a tooltip of where the pointer was may lie over the target.
        subprocess.run(["xdotool", "mousemove", "400", "26"], check=True)
        time.sleep(0.25)
        subprocess.run(["xdotool", "mousemove", str(x), str(y)], check=True)
        time.sleep(0.05)
        subprocess.run(["xdotool", "click", str(button)], check=True)
        time.sleep(0.2)

    def keys(self, *names):
        for name in names:
            subprocess.run(["xdotool", "key", name], check=True)
            time.sleep(0.12)

    def type(self, text):
        subprocess.run(["xdotool", "type", "--delay", "8", text], check=True)
        time.sleep(0.2)

    def fill(self, field, text):
        """@text instead of what stands in @field."""
        self.point(field)
        self.keys("ctrl+a")
        self.type(text)

    def set_number(self, name, n):
        self.fill(self.find("spin button", name), str(n))
        self.keys("Return")

    def action(self, name):
        """An action of the window by its name ("win.run"), through the frame."""
        frame = self.find("frame")
        action = frame.queryAction()
        for i in range(action.nActions):
            if action.getName(i) == name:
                action.doAction(i)
                time.sleep(0.2)
                return
        raise Failure(f"the window has no action {name}")

    def menu(self, button, *labels):
        """Open a menu button and choose along @labels."""
        buttons = self.buttons(button)
        if not buttons:
            raise Failure(f"there is no button “{button}”")
        self.click(buttons[-1])
        for label in labels:
            self.click(self.find("menu item", label) if self.look("menu item", label) else self.find(contains=label))
            time.sleep(0.3)

    def choose(self, combo_name, entry):
        """Open a drop-down and go down to @entry with the keyboard, as far as the list in the tree says."""
        combo = self.find("combo box", combo_name)
        self.point(combo)

        def items():
            names = []
            for node in self.walk(combo):
                if node.getRoleName() == "list item":
                    names.append((self.labels(node) or [""])[0])
            return names if entry in names else None

        names = self.wait(f"“{entry}” in the list", items)
        self.keys("Home", *["Down"] * names.index(entry), "Return")

    def dialog_goes(self):
        """GTK 4.8 does not survive being walked through while a dialog or a window goes."""
        time.sleep(1.5)

    def open_as(self, path):
        """The dialog that chooses a file or a folder: with Ctrl+L a whole path may be typed."""
        time.sleep(1.0)
        self.keys("ctrl+l", "ctrl+a")
        self.type(path)
        self.keys("Return")
        self.dialog_goes()

    def save_as(self, path):
        """The dialog that saves a file: the name is selected, a whole path may be typed."""
        self.find("push button", contains="Save")
        time.sleep(0.7)
        self.keys("ctrl+a")
        self.type(path)
        self.keys("Return")
        self.wait(path, lambda: os.path.exists(path) and os.path.getsize(path) > 0)
        self.dialog_goes()

    window = None

    def resize(self, width, height):
        """Looked for only once: a tooltip is a window of the same name."""
        self.window = self.window or subprocess.check_output(["xdotool", "search", "--onlyvisible", "--name", "Lathe"]).split()[-1].decode()
        subprocess.run(["xdotool", "windowsize", self.window, str(width), str(height)], check=True)
        time.sleep(1.5)

    # ---- Runs ----

    def run_button(self):
        return self.look("push button", "Run")

    def verdict(self):
        """The sentence about the run that is shown."""
        label = self.first(lambda node: node.getRoleName() == "label" and re.match(r"(Advice: .*)?(Valid|Degraded|Invalid): ", node.name))
        return label.name if label is not None else None

    def wait_idle(self, seconds=WAIT_S):
        self.wait("Run to be possible", lambda: self.run_button() is not None and self.sensitive(self.run_button()), seconds)

    def run_once(self):
        self.wait_idle()
        self.click(self.run_button())
        self.wait("the run to end", lambda: self.verdict() is not None and self.run_button() is not None)

    def tile(self, title):
        """The reading of a headline number: "Decode speed: 4349 tok/s (...)"."""
        return self.find("panel", contains=title + ":").name

    # ---- Keeping ----

    def picture(self, name):
        time.sleep(0.4)
        subprocess.run(["import", "-window", "root", os.path.join(self.out, f"{name}.png")], check=False)

    def quit(self):
        self.keys("ctrl+q")
        try:
            status = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure("the program did not end when it was told to quit")
        check(status == 0, f"the program ended with status {status}")

    def terminate(self):
        self.process.terminate()
        self.process.wait(10)

    def kill(self):
        """At the end of every script: nothing is left of what failed."""
        if self.process.poll() is None:
            self.process.kill()


class Tap:
    """Numbered results on standard output, one per step; the rest is skipped after a failure, since each step builds on the last."""

    def __init__(self):
        self.n = 0
        self.failed = False

    def step(self, name, function):
        self.n += 1
        if self.failed:
            print(f"not ok {self.n} {name} # an earlier step failed", flush=True)
            return
        start = time.time()
        try:
            function()
            print(f"ok {self.n} {name}", flush=True)
        except Exception as error:
            self.failed = True
            print(f"not ok {self.n} {name}", flush=True)
            print(f"# {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        print(f"# {time.time() - start:.1f} s", flush=True)

    def end(self):
        print(f"1..{self.n}", flush=True)
        return 1 if self.failed else 0
