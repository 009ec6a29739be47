"""`verify --key`: what is signed holds, and whatever was changed since does not."""

import pytest

pytest.register_assert_rewrite("tests.signatures.case", "tests.signatures.holding")
