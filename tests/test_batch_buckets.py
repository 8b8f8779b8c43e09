"""Batches in buckets: moto's S3 as a real server on loopback, and s3fs as users have it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
import s3fs
from archives import Here, Saying, files, order, ran, recording, redactor
from moto.server import ThreadedMotoServer

from offrecord.batch import places
from offrecord.batch.run import Batch
from offrecord.batch.work import Work
from offrecord.errors import InputError, OutputError, UsageError


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of a server that has no bucket yet."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """s3fs, as the environment says, with the bucket `calls` and three recordings in it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    _anew()
    system = places.bucket("s3")
    if system.exists("s3://calls"):
        system.rm("s3://calls", recursive=True)
    system.mkdir("s3://calls")
    for i, name in enumerate(("a.wav", "2024/b c.wav", "2024/d.wav")):
        with system.open(f"s3://calls/in/{name}", "wb") as file:
            file.write(recording(tmp_path / "a.wav", seed=i).read_bytes())
    yield system
    _anew()


def _anew() -> None:
    """Forget the connections: what the environment says has changed."""
    places.bucket.cache_clear()
    s3fs.S3FileSystem.clear_instance_cache()


def test_a_prefix_is_mirrored_to_a_prefix(bucket: Any) -> None:
    """What is done is not done again, what changes is, and the reports are beside the outputs."""
    with bucket.open("s3://calls/in/readme.txt", "wb") as file:
        file.write(b"hello")
    result = ran("s3://calls/in", "s3://calls/in/out", formats=["txt", "wav"])
    assert (result.summary.states, result.summary.passed) == ({"done": 3}, 1)
    found = {name.removeprefix("calls/in/out/") for name in bucket.find("s3://calls/in/out")}
    stems = ("a", "2024/b c", "2024/d")
    assert found == {f"{stem}.redacted.{kind}" for stem in stems for kind in ("txt", "wav")} | {
        "report.html",
        "manifest.jsonl",
    }
    assert ran("s3://calls/in", "s3://calls/in/out", formats=["txt", "wav"]).events[0]["todo"] == 0
    bucket.copy("s3://calls/in/a.wav", "s3://calls/in/2024/d.wav")
    assert ran("s3://calls/in", "s3://calls/in/out", formats=["txt", "wav"]).heard == 1
    assert ran("s3://calls/in", "s3://calls/in/out", formats=["txt"]).heard == 3
    assert not [name for name in bucket.find("s3://calls/in/out") if name.endswith(".wav")]


def test_another_machine_goes_on(bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the manifest that was exported, where its own is not there."""
    ran("s3://calls/in/2024/*", "s3://calls/out", limit=1)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
    result = ran("s3://calls/in/2024/*", "s3://calls/out")
    assert (result.heard, result.summary.states) == (1, {"done": 2})


def test_a_list_in_a_bucket_and_outputs_here(bucket: Any, tmp_path: Path) -> None:
    """Its paths are relative to it, in the bucket."""
    with bucket.open("s3://calls/in/list.jsonl", "wb") as file:
        file.write(b'{"source": "a.wav"}\n{"source": "s3://calls/in/nothing.wav"}\n')
    result = ran("s3://calls/in/list.jsonl", tmp_path / "out")
    assert files(tmp_path / "out") == ["a.redacted.txt"]
    assert result.rows[1]["error"] == "the s3:// address cannot be read: there is no such thing"


def test_the_command_works_from_bucket_to_bucket(bucket: Any) -> None:
    """In processes of its own, which make their own connections; `--limit` leaves two for later."""
    command = [sys.executable, "-m", "offrecord", "batch", "s3://calls/in", "s3://calls/out", "--json", "--limit", "1"]
    result = subprocess.run([*command, "--processes", "1"], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout.splitlines()[-1])["recordings"] == {"done": 1, "waiting": 2}
    assert bucket.exists("s3://calls/out/a.redacted.txt")


@pytest.mark.parametrize("source", ["s3://nothing/in", "s3://calls/nothing"])
def test_what_is_not_there_is_refused(bucket: Any, tmp_path: Path, source: str) -> None:
    """A bucket or a prefix without anything in it."""
    with pytest.raises(InputError, match="s3:// address cannot be read"):
        ran(source, tmp_path / "out")


@pytest.fixture
def rights(bucket: Any, s3: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Make this process a user who has the rights for these actions, and no others."""
    iam = boto3.client("iam", endpoint_url=s3, region_name="us-east-1")

    def have(*actions: str) -> None:
        name = f"user-{len(actions)}"
        iam.create_user(UserName=name)
        if actions:
            allowed = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
            policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
            iam.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        requests.post(f"{s3}/moto-api/reset-auth", data=b"0", timeout=9).raise_for_status()
        _anew()

    yield have
    requests.post(f"{s3}/moto-api/reset-auth", data=b"inf", timeout=9).raise_for_status()


def test_a_bucket_that_may_not_be_read_is_refused(rights: Callable[..., None], tmp_path: Path) -> None:
    """At once, before anything is worked on; the message names no address."""
    rights()
    with pytest.raises(InputError, match="the s3:// address cannot be read: there is no right to it"):
        ran("s3://calls/in", tmp_path / "out")


def test_a_bucket_that_may_not_be_written_to_ends_the_run(rights: Callable[..., None], bucket: Any) -> None:
    """After the first recording, for it would be so with all; nothing is there afterwards."""
    rights("s3:GetObject", "s3:ListBucket")
    with Batch(order("s3://calls/in", "s3://calls/out")) as batch:
        assert batch.find()["todo"] == 3
        work = Work(batch.given, redactor(Saying()))
        summary = batch.go(Here(work))
        work.close()
        with pytest.raises(OutputError, match="there is no right to it"):
            batch.write_reports()
    assert summary.states == {"failed": 1, "waiting": 2}
    assert (summary.stopped, summary.exit_code) == ("the s3:// address cannot be written: there is no right to it", 7)


def test_a_scheme_whose_package_is_missing_says_what_to_install() -> None:
    """adlfs is not among what the tests install."""
    with pytest.raises(UsageError, match=r"pip install 'offrecord\[az\]'"):
        places.bucket("az")
