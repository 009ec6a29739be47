"""The edges of `repack`: streams, crashes, full disks, odd images, archives edited by hand."""

import pytest

pytest.register_assert_rewrite("tests.edges.command", "tests.edges.trees")
