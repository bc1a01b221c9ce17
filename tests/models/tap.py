"""Run unittest cases and report them in the Test Anything Protocol, which meson reads."""

import sys
import traceback
import unittest


class TapResult(unittest.TestResult):
    def __init__(self, out):
        super().__init__()
        self.out, self.count = out, 0

    def line(self, verdict, test, note=""):
        self.count += 1
        name = test.id().split(".", 1)[1].replace("#", "")
        print("%s %d - %s%s" % (verdict, self.count, name, note), file=self.out, flush=True)

    def addSuccess(self, test):
        self.line("ok", test)

    def addSkip(self, test, reason):
        self.line("ok", test, " # SKIP " + reason)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.line("not ok", test)
        for text in "".join(traceback.format_exception(*err)).splitlines():
            print("# " + text, file=self.out)

    addError = addFailure


def main(module="__main__"):
    suite = unittest.defaultTestLoader.loadTestsFromName(module)
    out, sys.stdout = sys.stdout, sys.stderr  # what a test prints must not look like a result
    print("1..%d" % suite.countTestCases(), file=out)
    result = TapResult(out)
    suite.run(result)
    sys.exit(0 if result.wasSuccessful() else 1)
