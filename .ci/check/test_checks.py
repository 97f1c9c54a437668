"""Shows that each check fails when something is wrong and passes when nothing is."""

import contextlib
import io
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

import adapter_imports
import leftovers
import lengths
import links
import protos
import pytest
import secrets_in_files
import semantics
import tracked

import count_tests


class Tree(unittest.TestCase):
    """A folder of files for a check."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def problems(self, check: tracked.Check, files: dict[str, str]) -> list[str]:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        with contextlib.redirect_stdout(io.StringIO()):
            return check(self.root, sorted(files))


class SecretsTest(Tree):
    # Put together here, so that the check does not find them in this file.
    samples = (
        "-----BEGIN " + "RSA PRIVATE KEY-----",
        "aws = AKIA" + "QWERTYUIOPASDFGH",
        "ghp_" + "a1B2" * 9,
        "key: sk-" + "proj-" + "a1B2c3D4e5F6g7H8i9J0",
        "url: postgres://baton:" + "hunter2horse@db:5432/baton",
        'api_key = "' + 'q8Zx72LmNw0vBt4R"',
        "secret: '" + "0f3a9c1b7e5d2468'",
    )

    def test_each_kind_is_found_and_not_shown(self) -> None:
        for sample in self.samples:
            with self.subTest(sample):
                found = self.problems(secrets_in_files.check, {"a.txt": f"one\n{sample}\n"})
                self.assertEqual(len(found), 1)
                self.assertTrue(found[0].startswith("a.txt:2: this looks like "))
                self.assertNotIn(sample[8:], found[0])

    def test_a_marked_line_passes(self) -> None:
        line = f"{self.samples[5]}  # not a secret: shows a format"
        self.assertEqual(self.problems(secrets_in_files.check, {"a.py": line}), [])

    def test_ordinary_lines_pass(self) -> None:
        text = """
            api_key_env: OPENAI_API_KEY
            idempotency_key = "plan-1/task-1/0"
            token: int64
            url: http://user:password@localhost/
            leaseToken: "the_current_lease_token"
            --hash=sha256:043e0bd78d32888c0a9ca90fc788b38796843360c855a7262a532813133a0650
        """
        self.assertEqual(self.problems(secrets_in_files.check, {"a.yaml": text}), [])


class LeftoversTest(Tree):
    samples = (
        "see /ho" + "me/alice/baton",
        "log in /tm" + "p/baton.log",
        "cd /wo" + "rk/main",
        "https://py" + "pi.org/simple",
        "image: registry" + ".example.com/baton",
        "--index-" + "url https://example.org/simple",
        "// TO" + "DO: later",
        "<" * 7 + " HEAD",
    )

    def test_each_kind_is_found(self) -> None:
        for sample in self.samples:
            with self.subTest(sample):
                found = self.problems(leftovers.check, {"a.txt": f"one\n{sample}\n"})
                self.assertTrue(found, sample)
                self.assertTrue(found[0].startswith("a.txt:2: "))

    def test_ordinary_lines_pass(self) -> None:
        text = """
            /usr/include/google/protobuf/any.proto
            ${root}/work/x and ./home/x and build/tmp/x and https://example.org/work/x
            AdapterRegistry registers; baton.v1.AdapterRegistry
            ===== a rule of a table =====
            ENTRYPOINT ["/opt/baton/bin/baton"]
        """
        self.assertEqual(self.problems(leftovers.check, {"a.txt": text}), [])


class LinksTest(Tree):
    page = "# One `two` (three)\n\n## Again\n## Again\n"

    def test_links_that_lead_somewhere_pass(self) -> None:
        text = (
            "[a](docs/b.md) [b](docs/b.md#one-two-three) [c](docs/) [d](#here)"
            " [e](docs/b.md#again-1)"
            "\n# Here\n[web](https://example.org/x) `[code](gone.md)`\n```\n[f](gone.md)\n```\n"
        )
        self.assertEqual(self.problems(links.check, {"a.md": text, "docs/b.md": self.page}), [])

    def test_links_that_lead_nowhere_are_found(self) -> None:
        for link in ("gone.md", "docs/b.md#four", "../a.md", "#nowhere", "docs/b.md#again-2"):
            with self.subTest(link):
                files = {"a.md": f"x\n[see]({link})\n", "docs/b.md": self.page}
                found = self.problems(links.check, files)
                self.assertEqual(len(found), 1)
                self.assertTrue(found[0].startswith("a.md:2: "))


class LengthsTest(Tree):
    def test_only_a_reason_lets_a_file_be_very_long(self) -> None:
        body = "x\n" * 600
        self.assertEqual(len(self.problems(lengths.check, {"a.swift": body})), 1)
        reason = "// Long because the table is one piece.\n"
        self.assertEqual(self.problems(lengths.check, {"b.swift": reason + body}), [])
        self.assertEqual(self.problems(lengths.check, {"Generated/c.swift": body}), [])
        self.assertEqual(self.problems(lengths.check, {"d.py": "x\n" * 310}), [])


class AdapterImportsTest(Tree):
    def test_directions(self) -> None:
        wrong = {
            "adapters/shared/src/a.py": "import os, crewai.llm\n",
            "adapters/crewai/src/b.py": "def f():\n    from langchain_core import x\n",
            "adapters/langchain/src/c.py": "from baton_crewai import y\n",
        }
        self.assertEqual(len(self.problems(adapter_imports.check, wrong)), 3)
        right = {
            "adapters/crewai/src/b.py": "import crewai\nfrom baton_adapter import main\n",
            "adapters/shared/src/a.py": "from . import crewai\n",
        }
        self.assertEqual(self.problems(adapter_imports.check, right), [])


class SemanticsTest(Tree):
    contract = "- **S1 Submit.** text\n| **P1** text |\n"
    page = '### S1 Submit\n\n- [T](../t.swift):\n  - "it is kept"\n### P1 x\n- [T](../t.swift):\n'

    def found(self, page: str, test: str = '@Test("S1: it is kept")') -> list[str]:
        files = {"docs/contract.md": self.contract, "docs/semantics.md": page, "t.swift": test}
        return self.problems(semantics.check, files)

    def test_every_rule_has_tests_that_exist(self) -> None:
        whole = self.page + '  - "kept"\n'
        self.assertEqual(self.found(whole), [])
        for page, test in (
            (self.page, "it is kept"),
            (whole, "it was kept"),
            (whole + "### S2 x\n", "it is kept"),
            (whole.replace("t.swift", "u.swift"), "it is kept"),
        ):
            with self.subTest(page):
                self.assertTrue(self.found(page, test))


class ProtosTest(Tree):
    """On a copy of proto/ as it is."""

    def setUp(self) -> None:
        super().setUp()
        self.folder = self.root / "proto"
        shutil.copytree(Path(__file__).parents[2] / "proto", self.folder)

    def after(self, file: str, old: str, new: str) -> list[str]:
        """What the check says once `old` is `new`."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        self.assertIn(old, text)
        path.write_text(text.replace(old, new), encoding="utf-8")
        found = protos.check(self.folder)
        path.write_text(text, encoding="utf-8")
        return found

    def test_what_breaks_a_client_is_found(self) -> None:
        orchestrator = "baton/v1/orchestrator.proto"
        method = "  rpc GetPlan(GetPlanRequest) returns (GetPlanResponse);\n"
        breaking = {
            "renumbered": (orchestrator, "string request_key = 3;", "string request_key = 4;"),
            "of another type": (orchestrator, "bool created = 2;", "int32 created = 2;"),
            "renamed": (orchestrator, "bool created = 2;", "bool is_new = 2;"),
            "removed": (orchestrator, method, ""),
            "no longer a stream": (orchestrator, "(stream StreamPlan", "(StreamPlan"),
            "a standard file": ("grpc/health/v1/health.proto", "SERVING = 1;", "SERVING = 5;"),
        }
        for name, edit in breaking.items():
            with self.subTest(name):
                found = self.after(*edit)
                self.assertTrue(found)
                self.assertTrue(all(line.startswith(edit[0] + ":") for line in found), found)

    def test_what_is_added_breaks_nobody(self) -> None:
        field = "bool created = 2;"
        added = self.after("baton/v1/orchestrator.proto", field, field + "\n  int64 at_ms = 9;")
        self.assertEqual(added, [])

    def test_bad_style_is_found(self) -> None:
        field = "bool created = 2;"
        found = self.after("baton/v1/orchestrator.proto", field, field + "\n  int64 atMs = 9;")
        self.assertEqual(len(found), 1)
        self.assertIn("lower_snake_case", found[0])

    def test_a_renewed_baseline_holds_what_was_added(self) -> None:
        path = self.folder / "baton/v1/orchestrator.proto"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("bool created = 2;", ""), encoding="utf-8")
        self.assertTrue(protos.check(self.folder))
        protos.renew(self.folder)
        self.assertEqual(protos.check(self.folder), [])

    def test_a_check_that_cannot_look_does_not_pass(self) -> None:
        (self.folder / protos.BASELINE).unlink()
        with pytest.raises(protos.BufError):
            protos.check(self.folder)


class CountTestsTest(Tree):
    def count(self, cases: str) -> int:
        report = self.root / "report.xml"
        report.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
        with contextlib.redirect_stdout(io.StringIO()):
            return count_tests.main(["some", str(report)])

    def test_only_tests_that_ran_and_passed_will_do(self) -> None:
        passed = '<testcase name="a"/>'
        self.assertEqual(self.count(passed), 0)
        self.assertEqual(self.count(""), 1)
        self.assertEqual(self.count('<testcase name="a"><skipped/></testcase>'), 1)
        self.assertEqual(self.count(f'{passed}<testcase name="b"><failure/></testcase>'), 1)
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(count_tests.main(["some", str(self.root / "gone.xml")]), 1)


class TrackedTest(Tree):
    def test_ignored_files_are_left_out_and_new_ones_are_not(self) -> None:
        subprocess.run(["git", "init", "-q", str(self.root)], check=True)
        for name, text in {".gitignore": "*.log\n", "a.py": "", "b.log": ""}.items():
            (self.root / name).write_text(text)
        self.assertEqual(tracked.tracked_files(self.root), [".gitignore", "a.py"])


if __name__ == "__main__":
    unittest.main()
