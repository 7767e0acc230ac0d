"""The catcher keeps what it accepted, also in a mailbox folder that was made for it and is empty."""

import mailbox
import smtplib
import subprocess
import sys
import time
from email.message import EmailMessage
from pathlib import Path

from launch import servers
from launch.places import ROOT


def test_a_mail_accepted_is_a_mail_kept(tmp_path: Path) -> None:
    folder, port = tmp_path / "mailbox", servers.free_port()
    folder.mkdir()
    catcher = subprocess.Popen([sys.executable, "-m", "launch.mail", str(folder), str(port)], cwd=ROOT)
    try:
        end = time.monotonic() + 120
        while servers.is_free(port) and time.monotonic() < end:
            time.sleep(0.05)
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "a@test.invalid", "b@test.invalid", "Kept"
        with smtplib.SMTP("127.0.0.1", port, timeout=60) as server:
            server.send_message(message)
    finally:
        catcher.terminate()
        catcher.wait(10)
    assert [kept["Subject"] for kept in mailbox.Maildir(folder)] == ["Kept"]
