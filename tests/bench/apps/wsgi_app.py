# SPDX-License-Identifier: Apache-2.0
"""The endpoints as a bare WSGI application: Granian WSGI and uWSGI."""
import time

import plain


def app(environ, start_response):
    path = environ["PATH_INFO"]
    if environ["REQUEST_METHOD"] == "POST":
        length = int(environ["CONTENT_LENGTH"])
        answer = plain.POSTS[path](environ["wsgi.input"].read(length))
    elif path == "/concat":
        answer = plain.concat_get(environ["QUERY_STRING"])
    else:
        time.sleep(0.005)
        answer = b'"slept"'
    start_response("200 OK", [("Content-Type", "application/json"),
                              ("Content-Length", str(len(answer)))])
    return [answer]
