# SPDX-License-Identifier: Apache-2.0
from flask import Flask, Response, jsonify, request, url_for

app = Flask(__name__)


@app.route("/")
def home():
    return f"home of {request.script_root}"


@app.route("/hello/<name>", methods=["GET", "POST"])
def hello(name):
    return jsonify(name=name, url=url_for("hello", name="x"), form=request.form.to_dict())


@app.route("/stream")
def stream():
    return Response((f"{number}\n" for number in range(3)), mimetype="text/plain")


@app.route("/upload", methods=["PUT"])
def upload():
    total = 0
    while data := request.stream.read(65536):
        total += len(data)
    return {"bytes": total}
