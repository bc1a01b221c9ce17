#!/usr/bin/env python3
"""data/fetch-models with a small archive of our own in place of the registries."""

import contextlib
import hashlib
import importlib.machinery
import importlib.util
import io
import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import unittest

import tap

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "data" / "fetch-models"
CONTENT = b"a model of no use\n" * 1000


def load_script():
    loader = importlib.machinery.SourceFileLoader("fetch_models", str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("fetch_models", loader))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


class FetchTest(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.work)
        self.folder = self.work / "models"
        self.script = load_script()
        archive = self.work / "small-1.0.tar.gz"
        with tarfile.open(archive, "w:gz") as tar:
            info = tarfile.TarInfo("small-1.0/small.gguf")
            info.size = len(CONTENT)
            tar.addfile(info, io.BytesIO(CONTENT))
        self.item = self.script.Item(
            "small", "a small thing", "pip", "small", "1.0", archive.name, archive.stat().st_size,
            hashlib.sha256(archive.read_bytes()).hexdigest(), "", "CC0",
            (self.script.File("sub/small.gguf", "small-1.0/small.gguf", len(CONTENT),
                              hashlib.sha256(CONTENT).hexdigest()),))
        self.sent = archive
        self.n_downloads = 0
        self.script.pip_download = self.pretend_pip

    def pretend_pip(self, item, target):
        self.n_downloads += 1
        if not self.sent:
            return 1
        shutil.copy(self.sent, target / item.archive_name)
        return 0

    def fetch(self, item=None):
        """Fetches quietly; returns what was said."""
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            self.script.fetch(item or self.item, self.folder)
        return said.getvalue()

    def leftovers(self):
        return [p for p in self.folder.rglob("*") if p.is_file() and p.name != "small.gguf"]

    def test_a_part_of_a_joined_file(self):
        part = CONTENT[11:111]
        self.item = self.item._replace(files=(self.script.File(
            "part.tflite", "small-1.0/small.gguf", len(part), hashlib.sha256(part).hexdigest(), 11),))
        self.fetch()
        self.assertEqual((self.folder / "part.tflite").read_bytes(), part)

    def test_fetches_checks_and_cleans_up(self):
        said = self.fetch()
        self.assertEqual((self.folder / "sub/small.gguf").read_bytes(), CONTENT)
        self.assertIn("CC0", said)
        self.assertIn("checksum right", said)
        self.assertEqual(self.leftovers(), [])
        self.assertTrue(self.script.is_here(self.item, self.folder))

    def test_complete_files_are_not_fetched_again(self):
        self.fetch()
        said = self.fetch()
        self.assertEqual(self.n_downloads, 1)
        self.assertIn("already complete", said)

    def test_changed_file_of_the_same_size_is_fetched_again(self):
        self.fetch()
        (self.folder / "sub/small.gguf").write_bytes(b"x" * len(CONTENT))
        self.fetch()
        self.assertEqual(self.n_downloads, 2)
        self.assertEqual((self.folder / "sub/small.gguf").read_bytes(), CONTENT)

    def test_unpacking_goes_on_without_a_second_download(self):
        cache = self.folder / ".downloads"
        cache.mkdir(parents=True)
        shutil.copy(self.sent, cache / self.item.archive_name)
        self.fetch()
        self.assertEqual(self.n_downloads, 0)
        self.assertEqual((self.folder / "sub/small.gguf").read_bytes(), CONTENT)

    def test_half_an_archive_is_fetched_again(self):
        cache = self.folder / ".downloads"
        cache.mkdir(parents=True)
        (cache / self.item.archive_name).write_bytes(self.sent.read_bytes()[:100])
        self.fetch()
        self.assertEqual(self.n_downloads, 1)

    def test_failed_client_says_what_to_do(self):
        self.sent = None
        with self.assertRaisesRegex(self.script.Failure, "pip could not fetch small 1.0.*network"):
            self.fetch()
        self.assertFalse((self.folder / "sub/small.gguf").exists())
        self.assertEqual(self.leftovers(), [])

    def test_damaged_archive_is_refused(self):
        damaged = bytearray(self.sent.read_bytes())
        damaged[-20] ^= 1
        self.sent.write_bytes(damaged)
        with self.assertRaisesRegex(self.script.Failure, "damaged or changed"):
            self.fetch()
        self.assertEqual(self.leftovers(), [])

    def test_wrong_file_in_the_archive_is_refused(self):
        file = self.item.files[0]._replace(sha256="0" * 64)
        with self.assertRaisesRegex(self.script.Failure, "wrong checksum"):
            self.fetch(self.item._replace(files=(file,)))
        self.assertFalse((self.folder / "sub/small.gguf").exists())

    def test_too_little_space_is_said_before_the_download(self):
        with self.assertRaisesRegex(self.script.Failure, "Free some space"):
            self.fetch(self.item._replace(archive_size=1 << 60))
        self.assertEqual(self.n_downloads, 0)

    @unittest.skipUnless(shutil.which("git"), "git is not installed")
    def test_files_out_of_a_git_bundle(self):
        repository, bundle = self.work / "repository", self.work / "files.bundle"
        (repository / "models").mkdir(parents=True)
        (repository / "models/small.gguf").write_bytes(CONTENT)
        git = ["git", "-C", str(repository), "-c", "user.name=Test", "-c", "user.email=test@localhost"]
        for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "models"],
                        ["bundle", "create", "-q", str(bundle), "HEAD"]):
            subprocess.run(git + command, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(self.sent, "w:gz") as tar:
            tar.add(bundle, "package/files.bundle")
        self.fetch(self.item._replace(
            bundle="package/files.bundle", archive_size=self.sent.stat().st_size,
            archive_sha256=hashlib.sha256(self.sent.read_bytes()).hexdigest(),
            files=(self.item.files[0]._replace(inside="models/small.gguf"),)))
        self.assertEqual((self.folder / "sub/small.gguf").read_bytes(), CONTENT)


class CommandTest(unittest.TestCase):
    def run_script(self, *args, **env):
        return subprocess.run([sys.executable, str(SCRIPT), *args], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env={**os.environ, **env}, text=True, check=False)

    def test_is_executable(self):
        self.assertTrue(SCRIPT.stat().st_mode & stat.S_IXUSR)

    def test_list_names_models_and_where_they_go(self):
        with tempfile.TemporaryDirectory() as home:
            listed = json.loads(self.run_script("list", "--json", XDG_DATA_HOME=home).stdout)
            self.assertEqual(listed["folder"], home + "/lathe/models")
        self.assertEqual([m["name"] for m in listed["models"]], ["smollm2-135m", "vocabs", "face", "face-mesh", "hands", "pose", "selfie"])
        for model in listed["models"]:
            self.assertFalse(model["present"])
            self.assertTrue(model["licence"])

    def test_unknown_name_is_an_error(self):
        done = self.run_script("no-such-model")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no model is called no-such-model", done.stderr)

    def test_without_npm_the_package_to_install_is_named(self):
        with tempfile.TemporaryDirectory() as empty:
            done = self.run_script("vocabs", "--to", empty + "/models", PATH=empty)
        self.assertEqual(done.returncode, 1)
        self.assertIn("apt install npm", done.stderr)


if __name__ == "__main__":
    tap.main()
