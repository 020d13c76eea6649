"""Which files are the operator's own."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import time
import unittest
from tempfile import TemporaryDirectory
from unittest import mock

from cosignet_gate import Denied, Reason, Settings, _own

SETTINGS = {"journal": "/var/lib/none/uses", "policySha256": "00" * 32, "minRosterVersion": 3}

#: A file that is root's on every Unix, in folders that are.
ROOTS = "/etc/passwd"


def is_read(path: str | pathlib.Path) -> bool:
    """Whether settings come of it."""
    try:
        Settings.load(path)
    except Denied as denied:
        assert denied.reason is Reason.BREAK_GLASS_OFF, denied
        return False
    return True


class Anybody(unittest.TestCase):
    """What holds whoever runs the tests."""

    def test_a_file_of_roots_in_folders_of_roots_is_read(self) -> None:
        self.assertEqual(_own.read(ROOTS, 1 << 20), pathlib.Path(ROOTS).read_bytes())
        with self.assertRaisesRegex(ValueError, "more than 3 bytes"):
            _own.read(ROOTS, 3)

    def test_what_a_process_has_written_is_not_roots(self) -> None:
        # Of root, of mode 0444, and what its process likes.
        self.assertFalse(is_read("/proc/1/cmdline"))

    def test_a_file_that_has_another_size_than_its_file_system_says_is_not_read(self) -> None:
        def fstat(file: int, found: object = os.fstat) -> os.stat_result:
            assert callable(found)
            real = list(found(file))
            real[6] += 1
            return os.stat_result(real)

        with mock.patch("os.fstat", fstat), self.assertRaisesRegex(ValueError, "another number"):
            _own.read(ROOTS, 1 << 20)

    def test_a_folder_that_anybody_may_write_keeps_nothing_of_roots(self) -> None:
        with TemporaryDirectory(dir="/tmp") as folder:
            path = pathlib.Path(folder, "settings.json")
            path.write_text(json.dumps(SETTINGS))
            self.assertFalse(is_read(path))
            # A link to a file of root's is that file, and nothing more.
            link = pathlib.Path(folder, "link")
            link.symlink_to(ROOTS)
            self.assertEqual(_own.read(link, 1 << 20), pathlib.Path(ROOTS).read_bytes())
            link.unlink()
            link.symlink_to(link)
            self.assertFalse(is_read(link))

    def test_a_program_is_named_by_an_absolute_path(self) -> None:
        with self.assertRaisesRegex(ValueError, "no absolute path"):
            _own.program("cosignet")
        with (
            self.assertRaisesRegex(ValueError, "no program"),
            mock.patch("os.access", lambda *_: False),
        ):
            _own.program(ROOTS)

    def test_elsewhere_than_on_unix_nothing_is_the_operators_own(self) -> None:
        with mock.patch("cosignet_gate._own.os") as system:
            del system.geteuid
            with self.assertRaisesRegex(ValueError, "nobody can tell"):
                _own.read(ROOTS, 1 << 20)


@unittest.skipUnless(os.geteuid() == 0, "root alone can make files of root's")
class Root(unittest.TestCase):
    """One thing after the other that makes it somebody else's."""

    def setUp(self) -> None:
        made = TemporaryDirectory(dir=os.path.expanduser("~root"))
        self.addCleanup(made.cleanup)
        self.top = pathlib.Path(made.name).resolve()
        self.folder = self.top / "below"
        self.folder.mkdir()
        self.path = self.folder / "settings.json"
        self.path.write_text(json.dumps(SETTINGS))
        self.path.chmod(0o644)
        self.assertTrue(is_read(self.path))

    def test_owner_and_mode_of_the_file(self) -> None:
        for mode in (0o664, 0o646):
            self.path.chmod(mode)
            self.assertFalse(is_read(self.path), mode)
        self.path.chmod(0o644)
        os.chown(self.path, 1000, -1)
        self.assertFalse(is_read(self.path))

    def test_owner_and_mode_of_each_folder(self) -> None:
        for folder in (self.top, self.folder):
            for mode in (0o775, 0o757, 0o1777):
                folder.chmod(mode)
                self.assertFalse(is_read(self.path), mode)
            folder.chmod(0o755)
            os.chown(folder, 1000, -1)
            self.assertFalse(is_read(self.path))
            os.chown(folder, 0, -1)
        self.assertTrue(is_read(self.path))

    def test_a_link_is_where_it_leads_to(self) -> None:
        other = self.top / "other"
        other.mkdir(0o777)
        other.chmod(0o777)
        pathlib.Path(other, "settings.json").write_text(self.path.read_text())
        self.path.unlink()
        self.path.symlink_to(other / "settings.json")
        self.assertFalse(is_read(self.path))

    def test_what_is_no_file_with_something_in_it(self) -> None:
        self.path.write_text("")
        self.assertFalse(is_read(self.path))
        self.path.unlink()
        self.assertFalse(is_read(self.path))
        self.assertFalse(is_read(self.folder))
        # Nobody writes into it, and nobody waits for that.
        os.mkfifo(self.path, 0o644)
        began = time.monotonic()
        self.assertFalse(is_read(self.path))
        self.assertLess(time.monotonic() - began, 5)

    def test_the_arguments_of_a_process_are_not_roots(self) -> None:
        # They end in NUL here; those that a process has written over its own need not.
        words = [json.dumps(SETTINGS), "-c", "import time; time.sleep(60)"]
        process = subprocess.Popen(words, executable=sys.executable)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        with self.assertRaisesRegex(ValueError, "it is empty"):
            _own.read(f"/proc/{process.pid}/cmdline", 1 << 16)

    def test_a_program_is_roots_as_well(self) -> None:
        self.path.chmod(0o755)
        link = self.folder / "link"
        link.symlink_to(self.path)
        self.assertEqual(_own.program(link), str(self.path))
        self.assertRaises(ValueError, _own.program, self.folder)
        self.folder.chmod(0o777)
        self.assertRaises(ValueError, _own.program, self.path)
        self.folder.chmod(0o755)
        os.chown(self.path, 1000, -1)
        self.assertRaises(ValueError, _own.program, self.path)


if __name__ == "__main__":
    unittest.main()
