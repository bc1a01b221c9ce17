#!/usr/bin/env python3
"""Add up meson's JUnit logs and print the closing line: N passed, N failed, N skipped.

Every sub-test of a TAP program counts. A program that crashed or timed out counts as one failure. Skips are listed with their reasons.
"""

import sys
import xml.etree.ElementTree as ElementTree

passed = failed = skipped = 0
reasons = []
for path in sys.argv[1:]:
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        tags = {child.tag: child for child in case}
        if "failure" in tags or "error" in tags:
            failed += 1
        elif "skipped" in tags:
            skipped += 1
            reasons.append(f"skipped: {case.get('classname', '')} {case.get('name', '')} {tags['skipped'].get('message') or ''}")
        else:
            passed += 1

if reasons:
    print("\n".join(sorted(set(reasons))))
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(1 if failed or not passed else 0)
