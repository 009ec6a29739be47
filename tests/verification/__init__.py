"""`verify`: whole images are sound, every damage is found, and nothing hostile gets through."""

import pytest

pytest.register_assert_rewrite(
    "tests.verification.checking", "tests.verification.flipping", "tests.verification.hostile"
)
