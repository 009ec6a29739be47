"""Real engines load what the package writes."""

import pytest

pytest.register_assert_rewrite("tests.interop.check", "tests.interop.legacy")
