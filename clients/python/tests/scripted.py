"""A gate that plays a script, as ``gate-client/cases/cases.json`` describes it."""

from __future__ import annotations

import json
import os
import pathlib
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cosignet_gate import Gate, Payload, _time
from cosignet_gate._time import Clock
from cosignet_gate.gate import _Client

ROOT = pathlib.Path(__file__).resolve().parents[3]
CASES: dict[str, Any] = json.loads((ROOT / "gate-client/cases/cases.json").read_bytes())
EVIDENCE: dict[str, Any] = json.loads((ROOT / "gate-client/cases/evidence.json").read_bytes())

#: The file's patience is for a quick client; a busy machine gets some more of it.
PATIENCE = 3 * CASES["patienceMillis"] / 1000


def cosignet() -> str:
    """The command that verifies: that of the environment, or what cargo has built."""
    path = os.environ.get("COSIGNET") or str(ROOT / "target/debug/cosignet")
    if not os.access(path, os.X_OK):
        raise AssertionError(f"{path} is not there: cargo build --package verifier-cli")
    return path


class Script:
    """A server on loopback, with what it is asked."""

    def __init__(self, case: dict[str, Any] | None = None) -> None:
        self.case = case or {}
        #: The Idempotency-Key of each call, by its name.
        self.calls: dict[str, list[str]] = {"create": [], "look": [], "claim": [], "result": []}
        self.outcomes: list[str] = []
        #: Set while looks are not to be answered.
        self.silent = threading.Event()
        self._lock = threading.Lock()
        script = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                script.answer(self)

            def do_POST(self) -> None:
                script.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            # Many ask at once.
            request_queue_size = 64

            def handle_error(self, *_: Any) -> None:
                # Somebody who gave up is no error.
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()

    def __enter__(self) -> Script:
        return self

    def __exit__(self, *_: object) -> None:
        self.silent.clear()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("content-length") or 0))
        path = request.path.split("?")[0]
        ends = {"confirmations": "create", "claim": "claim", "result": "result"}
        posted = request.command == "POST"
        call = ends.get(path.rsplit("/", 1)[-1], "look") if posted else "look"
        with self._lock:
            keys = self.calls[call]
            keys.append(request.headers.get("idempotency-key") or "")
            number = len(keys) - 1
            if call == "result":
                self.outcomes.append(json.loads(body)["outcome"])
        while call == "look" and self.silent.is_set():
            threading.Event().wait(0.05)
        answers = self.case.get("answers", {}).get(call) or CASES["answers"][call]
        answer = answers[min(number, len(answers) - 1)]
        if answer == "drop":
            request.close_connection = True
            return
        data = self._body(answer).encode("utf-8")
        request.send_response(answer["status"])
        if answer["status"] == 302:
            request.send_header("location", "/elsewhere")
        request.send_header("content-length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    def _body(self, answer: dict[str, Any]) -> str:
        if "text" in answer:
            return str(answer["text"])
        body = {**CASES["bodies"][answer["body"]], **answer.get("set", {})}
        decision = body.get("decision")
        if isinstance(decision, dict) and "$decision" in decision:
            body["decision"] = EVIDENCE["decisions"][decision["$decision"]]
        return json.dumps(body)


class Folder(tempfile.TemporaryDirectory):  # type: ignore[type-arg]
    """A folder for policies and journals."""

    @property
    def path(self) -> pathlib.Path:
        return pathlib.Path(self.name)

    def policy(self, name: str = "good") -> pathlib.Path:
        file = self.path / f"{name}.json"
        file.write_text(json.dumps(EVIDENCE["policies"][name]))
        return file


def client(
    kind: type[_Client],
    url: str,
    policy: pathlib.Path | None,
    *,
    now: str = CASES["now"],
    **more: Any,
) -> Any:
    """A client whose clock shows the time of the script."""
    more = {"cosignet": cosignet(), "patience": PATIENCE, **more}
    gate = kind(url, "key", policy, **more)
    start = _time.parse(now)
    assert start is not None
    gate._rules.clock = Clock(start)
    return gate


def gate(url: str, policy: pathlib.Path | None, **more: Any) -> Gate:
    made: Gate = client(Gate, url, policy, **more)
    return made


def payload(case: dict[str, Any] | None = None) -> Payload:
    text = (case or {}).get("payloadText")
    return Payload.of(CASES["ask"]["payload"]) if text is None else Payload.parse(text)
