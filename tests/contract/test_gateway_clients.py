"""The gateway by its clients, unmodified: AssemblyAI's for Python and for JavaScript, OpenAI's, and the guide's script."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import assemblyai as aai
import openai
import pytest
from scripted import Script, failing, gated, said, streamed
from serving import NAMES, Server

pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20")  # of AssemblyAI's client

HERE = Path(__file__).parent
GUIDE = HERE.parents[1] / "examples" / "guide_script.py"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Script]]:
    """A server with a worker, on which redaction is on everywhere."""
    home = tmp_path_factory.mktemp("gateway") / "home"
    with gated(home, OFFRECORD_GATEWAY_REDACT="1", OFFRECORD_REDACT_UNASKED="1") as started:
        yield started


@pytest.fixture(autouse=True)
def fresh(pair: tuple[Server, Script]) -> None:
    """Each test has the script to itself."""
    pair[1].reset()


@pytest.fixture
def assembly(pair: tuple[Server, Script]) -> Iterator[aai.LLMGateway]:
    """AssemblyAI's client: the base URLs are all that is changed."""
    aai.settings.base_url = aai.settings.llm_gateway_base_url = pair[0].url
    aai.settings.api_key = "any"
    yield aai.LLMGateway()
    # It leaves closing its connections to the end of the program.
    aai.Client.get_default().http_client.close()
    aai.settings.base_url = aai.settings.llm_gateway_base_url = "http://127.0.0.1:1"
    aai.Client.get_default()


@pytest.fixture
def ai(pair: tuple[Server, Script]) -> Iterator[openai.OpenAI]:
    """OpenAI's client."""
    with openai.OpenAI(base_url=f"{pair[0].url}/v1", api_key="any", max_retries=0) as client:
        yield client


MESSAGE: Any = {"role": "user", "content": "My name is Siobhan Kelly."}
HIDDEN = {"role": "user", "content": "My name is [PERSON_NAME] [PERSON_NAME]."}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}


def test_assemblyai_completes(assembly: aai.LLMGateway, pair: tuple[Server, Script]) -> None:
    """With a transcript, both kinds of counts, and an integer time."""
    job = pair[0].submit(pair[0].upload(NAMES))
    text = pair[0].finished(job)["text"]
    assert text.startswith("Good morning, #####.")
    tagged: Any = {"role": "user", "content": "{{ transcript }}"}
    answer = assembly.chat.completions.create(model="small", messages=[MESSAGE, tagged], transcript_id=job)
    assert answer.choices[0].message.content == "Fine."
    assert (answer.usage.input_tokens, answer.usage.prompt_tokens, answer.usage.total_tokens) == (9, 9, 12)
    assert answer.request_id
    assert answer.http_status_code == 200
    sent = pair[1].sent[0]["messages"]
    assert sent[0] == HIDDEN
    # What the job's own policy left, the gateway may still hide.
    assert sent[1]["content"].startswith("Good morning, #####.")
    assert len(sent[1]["content"].split()) == len(text.split())


def test_assemblyai_streams(assembly: aai.LLMGateway, pair: tuple[Server, Script]) -> None:
    """Its iterator gives the pieces, tool calls among them, and ends early where the model's server breaks off."""
    pieces = [{"index": 0, **CALL}, {"index": 0, "function": {"arguments": "{}"}}]
    pair[1].answer = lambda _: streamed("One", " two.", {"tool_calls": pieces})
    chunks = list(assembly.chat.completions.create(model="small", messages=[MESSAGE], stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "One two."
    assert [call.index for call in chunks[2].choices[0].delta.tool_calls or ()] == [0, 0]
    pair[1].answer = lambda _: streamed("One", done=False)
    chunks = list(assembly.chat.completions.create(model="small", messages=[MESSAGE], stream=True))
    assert [chunk.choices[0].delta.content for chunk in chunks] == ["One"]
    assert [sent["messages"] for sent in pair[1].sent] == [[HIDDEN]] * 2


def test_assemblyai_lists_models(assembly: aai.LLMGateway) -> None:
    """Every field that it requires is there."""
    models = assembly.models.list().data
    assert [model.id for model in models] == ["small", "claude-sonnet-4-5-20250929", "gone"]
    assert models[0].context_length == 4_096


def test_assemblyai_reads_errors(assembly: aai.LLMGateway, pair: tuple[Server, Script]) -> None:
    """Message, status, id and the list of what is wrong."""
    with pytest.raises(aai.types.LLMGatewayError, match="transcript not found") as refused:
        tagged: Any = {"role": "user", "content": "{{ transcript }}"}
        assembly.chat.completions.create(model="small", messages=[tagged], transcript_id="none")
    assert refused.value.status_code == 404
    assert refused.value.request_id
    with pytest.raises(aai.types.LLMGatewayError) as refused:
        assembly.chat.completions.create(model="other", messages=[MESSAGE])
    assert refused.value.errors == ["model other is not supported"]
    pair[1].fault = failing(500, "Siobhan Kelly")
    with pytest.raises(aai.types.LLMGatewayError, match="the model's server answered 500"):
        list(assembly.chat.completions.create(model="small", messages=[MESSAGE], stream=True))


def test_openai_completes(ai: openai.OpenAI, pair: tuple[Server, Script]) -> None:
    """With tool calls, a schema, and the models; unknown parameters of its own do not leave."""
    pair[1].answer = lambda _: said(None, tool_calls=[CALL])
    answer = ai.chat.completions.create(
        model="small",
        messages=[MESSAGE],
        user="Siobhan Kelly",
        max_completion_tokens=7,
        response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}},
    )
    calls = answer.choices[0].message.tool_calls
    assert calls
    assert calls[0].model_dump(exclude_none=True) == CALL
    assert answer.usage
    assert answer.usage.total_tokens == 12
    assert "Siobhan" not in json.dumps(pair[1].sent)
    assert pair[1].sent[0]["max_completion_tokens"] == 7
    assert "max_tokens" not in pair[1].sent[0]
    assert [model.id for model in ai.models.list()] == ["small", "claude-sonnet-4-5-20250929", "gone"]


def test_openai_streams(ai: openai.OpenAI, pair: tuple[Server, Script]) -> None:
    """Pieces as they come, with the counts at the end if they are asked for."""
    last = b'data: {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}\n\ndata: [DONE]\n\n'
    pair[1].answer = lambda _: streamed("One", " two.", done=False) + last
    chunks = list(
        ai.chat.completions.create(
            model="small", messages=[MESSAGE], stream=True, stream_options={"include_usage": True}
        )
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "One two."
    assert chunks[-1].usage
    assert chunks[-1].usage.total_tokens == 3
    assert pair[1].sent[0]["stream_options"] == {"include_usage": True}


def test_openai_reads_errors(ai: openai.OpenAI, pair: tuple[Server, Script]) -> None:
    """Its classes by status, with our words."""
    with pytest.raises(openai.BadRequestError, match="invalid request body") as bad:
        ai.chat.completions.create(model="other", messages=[MESSAGE])
    assert isinstance(bad.value.body, dict)
    assert bad.value.body["metadata"]["errors"] == ["model other is not supported"]
    pair[1].fault = failing(429, "Siobhan Kelly", retry_after="3")
    with pytest.raises(openai.RateLimitError) as refused:
        ai.chat.completions.create(model="small", messages=[MESSAGE])
    assert refused.value.response.headers["retry-after"] == "3"
    assert "Siobhan" not in str(refused.value)


def test_javascript(pair: tuple[Server, Script]) -> None:
    """AssemblyAI's client for Node completes, lists models and reads errors; it refuses to stream by itself."""
    node = shutil.which("node")
    if node is None or not (HERE / "node_modules" / "assemblyai").is_dir():
        pytest.skip("needs Node 20 and `npm install --prefix tests/contract --ignore-scripts`")
    command = [node, str(HERE / "gateway.mjs"), pair[0].url]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert result.stderr == ""
    told = json.loads(result.stdout)
    assert told["error"]["message"] == "invalid request body"
    assert (told["content"], told["tokens"], told["models"]) == ("Fine.", 12, 3)
    assert pair[1].sent[0]["messages"] == [HIDDEN]


def named(body: dict[str, Any]) -> dict[str, Any]:
    """A model that names what looks like a name to it: each capitalised word that does not begin the sentence."""
    sentence = body["messages"][0]["content"].rpartition("Transcript: ")[2]
    return said(json.dumps({"named_entities": re.findall(r"(?<=[a-z,] )[A-Z][a-z]+", sentence)}))


def run_guide(server: Server, directory: Path, recording: Path) -> list[str]:
    """What the guide's script prints. The two URLs, the key and the file's name are all that is changed in it."""
    changes = {
        "http://127.0.0.1:8000/v1/chat/completions": f"{server.url}/v1/chat/completions",
        'BASE_URL = "http://127.0.0.1:8000"': f'BASE_URL = "{server.url}"',
        'API_KEY = "any"': 'API_KEY = "mine"',
        '"call.mp3"': f'"{recording}"',
    }
    source = GUIDE.read_text()
    for old, new in changes.items():
        assert source.count(old) == 1
        source = source.replace(old, new)
    (directory / "guide.py").write_text(source)
    command = [sys.executable, "-W", "error", str(directory / "guide.py")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout.splitlines()


def test_the_guides_script_prints_no_detail(pair: tuple[Server, Script], tmp_path: Path) -> None:
    """One call for each sentence; what reaches the model, and what is printed, has hashes where the names were."""
    server, script = pair
    script.answer = named
    lines = run_guide(server, tmp_path, NAMES)
    assert lines[:2] == ["Good morning, #####", "Good morning, #####"]
    assert lines[-2] == "Full redacted transcript:"
    assert lines[-1].startswith("Good morning, #####. Good morning, #####. ")
    assert len(script.sent) == len(lines) - 3
    assert not re.search("(?i)steve|katie", "".join(lines) + json.dumps(script.sent))


def test_an_answer_that_is_no_json_shows_nothing_either(pair: tuple[Server, Script], tmp_path: Path) -> None:
    """The guide takes it for "no entities" and prints the sentence, which the server has redacted before."""
    server, script = pair
    script.answer = lambda _: said("Sure! Here are the entities you asked for:")
    assert not re.search("(?i)steve|katie", "".join(run_guide(server, tmp_path, NAMES)))


def test_without_redaction_the_guide_does_what_it_does(tmp_path: Path) -> None:
    """As against AssemblyAI's servers: the model is told the names, and finds them or not."""
    with gated(tmp_path / "home") as (server, script):
        script.answer = named
        lines = run_guide(server, tmp_path, NAMES)
        assert lines[0] == "Good morning, #####"
        assert "Steve" in json.dumps(script.sent)
