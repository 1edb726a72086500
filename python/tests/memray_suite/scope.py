"""Which of pytest-memray's own tests (1.11.0) do not apply to memsight's plugin, and why."""

from __future__ import annotations

_CALLS = "asserts how the class Tracker of memray is called"
_FILES = "kept files are called .trace, and nothing pickled is beside them"
_SEVERAL = "several markers may stand on one test, and each holds"

# Files that are about what is not there at all.
FILES = {
    "test_object_tracking.py": "there is no marker limit_leaked_objects",
    "test_utils.py": "of helpers inside pytest-memray: its options are checked elsewhere, sizes in test_pytest_plugin.py",
}

DO_NOT_APPLY = {
    "test_bin_path": _FILES,
    "test_bin_path_prefix[False]": _FILES,
    "test_bin_path_with_long_test_id": _FILES,
    "test_bin_path_with_long_test_id_and_long_prefix": _FILES,
    "test_failing_tests_are_not_reported": "tests that fail are shown, too",
    "test_help_message": "asserts the words of its help",
    "test_memray_report_native": _CALLS,
    "test_memray_report_python_allocators": _CALLS,
    "test_multiple_markers_are_not_supported": _SEVERAL,
    "test_multiple_markers_are_not_supported_with_global_marker": _SEVERAL,
}
