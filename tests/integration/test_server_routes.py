# SPDX-License-Identifier: Apache-2.0
"""Routes that the daemon answers alone: check, status, settings; and what is no route."""
from __future__ import annotations

import json

import pytest

SUCCESS = {"data": None, "output_type": "success", "serialization": None}


def test_check_tells_the_version(daemon):
    answer = daemon.get("/check")
    assert (answer.status, answer.body) == (200, b'{"rh_version":"0.0.42"}')
    assert answer.headers["content-type"] == "application/json"


def test_status_is_a_pair_with_what_the_client_reads(daemon):
    status, den_code = daemon.get("/status?send_to_den=False&stream_logs=True&save=False").json()
    assert den_code is None
    assert status["cluster_config"]["is_gpu"] in (True, False)
    assert status["cluster_config"]["server_port"] == daemon.port
    assert status["server_pid"] == daemon.pid
    assert status["runhouse_version"] == "0.0.42"
    assert status["is_multinode"] is False
    assert {"free_memory", "used_memory", "total_memory", "used_memory_percent",
            "utilization_percent"} <= set(status["workers"][0]["server_cpu_usage"])


def test_status_lists_processes_keys_and_types(daemon):
    daemon.put_function("concat")
    daemon.post("/object", {"key": "note", "serialized_data": {"a": 1}})
    process = daemon.processes()["default_process"]
    assert process["node_index"] == 0 and process["node_name"] == "worker_0"
    assert process["pid"] != daemon.pid
    assert {"used_memory", "total_memory"} <= set(process["process_cpu_usage"])
    assert {key: entry["resource_type"]
            for key, entry in process["process_resource_mapping"].items()} == {
        "concat": "runhouse.resources.functions.function.Function", "note": "dict"}


def test_status_shows_no_credentials(daemon):
    text = daemon.get("/status").text
    assert "creds" not in text and "token" not in text


@pytest.mark.parametrize("value", ["zz", "2", ""])
def test_status_refuses_what_is_no_boolean(daemon, value):
    answer = daemon.get(f"/status?send_to_den={value}")
    assert answer.status == 422
    (error,) = answer.json()["detail"]
    assert (error["type"], error["loc"]) == ("bool_parsing", ["query", "send_to_den"])


def test_settings_are_stored_and_shown(daemon):
    answer = daemon.post("/settings", {"cluster_name": "a-name", "autostop_mins": 15,
                                       "status_check_interval": 30, "unknown": 1})
    assert answer.json() == SUCCESS
    config = daemon.get("/status").json()[0]["cluster_config"]
    assert (config["name"], config["autostop_mins"], config["status_check_interval"]) == (
        "a-name", 15, 30)


def test_settings_of_zero_are_ignored(daemon):
    daemon.post("/settings", {"autostop_mins": 7})
    assert daemon.post("/settings", {"autostop_mins": 0}).json() == SUCCESS
    assert daemon.get("/status").json()[0]["cluster_config"]["autostop_mins"] == 7


@pytest.mark.parametrize("value", [15.0, "15", 15])
def test_settings_take_whole_numbers_in_any_form(daemon, value):
    assert daemon.post("/settings", {"autostop_mins": value}).json() == SUCCESS
    assert daemon.get("/status").json()[0]["cluster_config"]["autostop_mins"] == 15


@pytest.mark.parametrize("path", ["/check", "/keys", "/processes", "/object?key=none"])
def test_trailing_slash_is_served_directly(daemon, path):
    route, mark, query = path.partition("?")
    plain, slashed = daemon.get(path), daemon.get(route + "/" + mark + query)
    assert slashed.status == 200
    assert slashed.body == plain.body


def test_trailing_slash_is_served_directly_for_posts(daemon):
    assert daemon.post("/settings/", {}).json() == SUCCESS
    assert daemon.post("/object/", {"key": "k", "serialized_data": 1}).json() == SUCCESS
    daemon.put_function("concat")
    assert daemon.get("/concat/call/?a=x&b=y").json()["data"] == '"xy"'


@pytest.mark.parametrize("path", ["/", "/nope", "/a/b/c", "/a/b/c/d", "//", "/a%2Fb/call/x",
                                  "/folder/method/nope"])
def test_unknown_path_is_404_json(daemon, path):
    answer = daemon.get(path)
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/json"
    assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize("method, path, allowed", [
    ("PUT", "/concat/call", "POST"), ("POST", "/keys", "GET"), ("POST", "/check", "GET"),
    ("GET", "/logs", "POST"), ("DELETE", "/object", None), ("PATCH", "/settings", "POST"),
])
def test_wrong_method_is_405_with_what_is_allowed(daemon, method, path, allowed):
    answer = daemon.request(method, path, "{}", {"Content-Type": "application/json"})
    assert answer.status == 405
    assert answer.json()["detail"].startswith("Method Not Allowed")
    if allowed:
        assert allowed in answer.headers["allow"]


@pytest.mark.parametrize("path, allowed", [
    ("/check", "GET, HEAD, OPTIONS"), ("/rename", "POST, OPTIONS"), ("/object", "POST, GET, HEAD, OPTIONS"),
    ("/concat/call", "POST, GET, HEAD, OPTIONS"),
    ("*", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")])
def test_options_tells_what_is_allowed(daemon, path, allowed):
    answer = daemon.request("OPTIONS", path)
    assert (answer.status, answer.body, answer.headers["allow"]) == (204, b"", allowed)
    assert "content-type" not in answer.headers


@pytest.mark.parametrize("path", ["/check", "/keys", "/status", "/processes"])
def test_head_is_get_without_the_body(daemon, path):
    answer = daemon.request("HEAD", path)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-type"] == "application/json"


def test_head_of_an_unknown_path_is_404(daemon):
    assert daemon.request("HEAD", "/nope").status == 404


def test_request_id_comes_back(daemon):
    assert daemon.get("/check", {"X-Request-ID": "my-id-1"}).headers["x-request-id"] == "my-id-1"


def test_request_id_is_made_when_absent(daemon):
    first, second = (daemon.get("/keys").headers["x-request-id"] for _ in range(2))
    assert first and second and first != second


def test_log_is_json_lines_with_the_request_id(daemon):
    daemon.get("/nope", {"X-Request-ID": "find-me-in-the-log"})
    lines = [json.loads(line) for line in daemon.log().splitlines()]
    assert lines, "the daemon logs nothing"
