"""Makes `mien_check`, Mien's conformance kit, a fixture of these tests."""

pytest_plugins = ["mien.sdk.conformance.pytest_plugin"]
