"""Environments in which one group of settings is whole."""

from __future__ import annotations

import base64

WEBHOOK_SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
MAIL = {
    "WAYPOST_SMTP_HOST": "mail.example.com",
    "WAYPOST_SMTP_FROM": "waypost@example.com",
    "WAYPOST_SMTP_TO": "ann@example.com",
}
HOOK = {
    "WAYPOST_WEBHOOK_URL": "https://example.com/hook",
    "WAYPOST_WEBHOOK_SECRET": WEBHOOK_SECRET,
}
GROUPS = {"SMTP": MAIL, "WEBH": HOOK}
