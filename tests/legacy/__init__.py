"""The formats that came before: Docker V1 images, schema 1 manifests, and Docker before 1.10."""

import pytest

pytest.register_assert_rewrite("tests.legacy.checking", "tests.legacy.bench")
