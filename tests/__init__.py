"""The tests of oci_layout: each stands where its module stands."""

import pytest

pytest.register_assert_rewrite("tests.command", "tests.converting", "tests.builders.trees")
