#!/usr/bin/python3
"""The report of `lathe report`: well-formed, self-contained, complete, and safe with hostile names: report_html.py LATHE. TAP."""

import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

import compare_gate

LATHE = sys.argv[1]
HOSTILE = "</title><script>alert('x')</script><img src=\"http://bad/\"> &amp; \u202egpj.exe\u0007 \"quoted\" 'single' ]]> <!-- ünïcode"
CHECKS = []


def check(good, name, more=""):
    CHECKS.append(bool(good))
    print("%s %d - %s%s" % ("ok" if good else "not ok", len(CHECKS), name, "" if good or not more else "\n# " + more))


def report(folder, *arguments):
    path = os.path.join(folder, "report.html")
    result = subprocess.run([LATHE, "report", *arguments, "-o", path], capture_output=True, text=True, encoding="utf-8", check=False)
    if result.returncode != 0:
        return None, result.stderr
    with open(path, encoding="utf-8") as file:
        return file.read(), result.stderr


def text_of(element):
    return "".join(element.itertext())


def check_report(html, name, n_figures):
    """What holds for every report; its tree."""
    try:
        tree = xml.etree.ElementTree.fromstring(html.replace("<!DOCTYPE html>", "", 1))
    except xml.etree.ElementTree.ParseError as error:
        check(False, name + ": well-formed", str(error))
        return None
    check(True, name + ": well-formed")
    tags = [element.tag for element in tree.iter()]
    check(tags.count("script") == 1 and not {"img", "link", "iframe", "object", "embed", "base", "form"} & set(tags),
          name + ": one script of our own, nothing that loads")
    outside = []
    for element in tree.iter():
        for key, value in element.attrib.items():
            if key in ("src", "srcset", "action", "data", "poster") or (key.endswith("href") and not value.startswith(("#", "data:"))):
                outside.append((element.tag, key, value))
            if key.startswith("on"):
                outside.append((element.tag, key, value))
    visible = " ".join(text_of(element) for element in tree.iter() if element.tag in ("script", "style"))
    check(not outside and "http" not in visible and "@import" not in visible and "url(" not in visible, name + ": refers to nothing outside", str(outside))
    figures = tree.findall(".//figure")
    drawn = [svg for figure in figures for svg in figure.findall("svg")]
    check(len(figures) == n_figures and len(drawn) == 2 * n_figures
          and all(len([e for e in svg.iter() if e.tag in ("path", "rect", "use")]) > 20 for svg in drawn), name + ": plots in light and dark, not empty",
          "%d figures, %d svg" % (len(figures), len(drawn)))
    ids = [element.get("id") for element in tree.iter() if element.get("id")]
    targets = set(re.findall(r'(?:href="#|url\(#)([^")]+)', html))
    check(len(ids) == len(set(ids)) and targets <= set(ids), name + ": ids are unique and all there")
    check("prefers-color-scheme:dark" in html and "@media print" in html, name + ": dark mode and print")
    return tree


def check_figures(tree, run, name):
    """Every figure of the run stands there, with both ends of its interval or the reason why there is none."""
    with open(run, encoding="utf-8") as file:
        figures = json.load(file)["figures"]
    kinds = {"interval": 0, "exact": 0, "few": 0, "missing": 0}
    reasons = [figure["reason"] for figure in figures.values() if figure.get("value") is None and figure.get("reason")]
    caveats = [figure["reason"] for figure in figures.values() if figure.get("value") is not None and figure.get("n", 0) == 0 and figure.get("reason")]
    for figure in figures.values():
        kinds["missing" if figure.get("value") is None else "exact" if figure.get("n", 0) == 0 else "interval" if figure.get("low95") is not None
              else "few"] += 1
    rows = [row for row in tree.findall(".//table")[0].findall("tbody/tr")]
    smalls = [text_of(row[1].find("small")) for row in rows]
    found = {"interval": sum(" to " in small for small in smalls), "exact": sum(small == "exact" or small in caveats for small in smalls), "few": sum(" samples: no interval" in small for small in smalls),
             "missing": len(tree.findall(".//details/ul/li"))}
    unknown = " ".join(text_of(element) for element in tree.findall(".//details/ul"))
    # Figures that a later version added are unavailable as well.
    good = all(found[kind] == kinds[kind] for kind in ("interval", "exact", "few")) and found["missing"] >= kinds["missing"]
    check(good and all(reason in unknown for reason in reasons), name + ": every figure, with its interval or its reason",
          "%s, not %s" % (found, kinds))


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_DATA_HOME"] = folder
        os.environ["LC_ALL"] = "C.UTF-8"
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            os.environ.pop(name, None)
        a, b = (os.path.join(folder, name + ".json") for name in ("a", "b"))
        compare_gate.make_run(a, "aaaa", 10, 0.2, 1000, HOSTILE, HOSTILE)
        compare_gate.make_run(b, "bbbb", 11, 0.2, 1500, HOSTILE, HOSTILE)
        one, error = report(folder, a)
        check(one is not None, "one run: written without a display", error)
        tree = check_report(one, "one run", 1)
        check_figures(tree, a, "one run")
        shown = HOSTILE.replace("\u202e", "\ufffd").replace("\u0007", "\ufffd")
        check(text_of(tree.find("head/title")).startswith(shown) and shown in text_of(tree.find("body/h1")), "hostile names: as text, nothing lost")
        check("<script>alert" not in one and "\u202e" not in one and "\u0007" not in one, "hostile names: no markup, no marks that turn text")
        check("10.0\u202fms" in one and "9.80\u202fms to 10.2\u202fms" in one, "one run: value and interval of the latency")
        two, error = report(folder, a, b, "--title", "A < B")
        tree = check_report(two, "two runs", 2)
        check(text_of(tree.find("body/h1")) == "A < B", "two runs: its own title")
        check("B against A" in two and "+10.0\u202f%" in two and "worse" in text_of(tree.find("body/div")), "two runs: the change in words")
        bodies = tree.findall(".//table[@class='sort']/tbody")
        check(len(bodies) == 2 and bodies[0][0][3].get("data-v") == "0.5", "two runs: a body for every layer, sortable by its change")
        others = [os.path.join(folder, "r." + suffix) for suffix in ("csv", "json", "xls")]
        status = [subprocess.run([LATHE, "report", a, b, "-o", other], capture_output=True, check=False).returncode for other in others]
        check(status == [0, 0, 1] and not os.path.exists(others[2]), "csv and json from the same command, nothing else")
        if len(sys.argv) > 2:
            saved = os.path.join(folder, "real.json")
            subprocess.run([LATHE, "profile", sys.argv[2], "-n", "16", "--save", saved], capture_output=True, check=True)
            real, error = report(folder, saved)
            tree = check_report(real, "language model", 2)
            check_figures(tree, saved, "language model")
            check(all(word in text_of(tree.find("body")) for word in ("decode", "prefill", "Recipe", "Machine and conditions", "To repeat it", "lathe profile")),
                  "language model: all parts")
    print("1..%d" % len(CHECKS))


main()
