"""Ways to reach people; each passes ``tests/contract/test_notifier.py``."""
