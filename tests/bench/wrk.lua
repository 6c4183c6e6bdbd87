-- SPDX-License-Identifier: Apache-2.0
-- wrk ... -s wrk.lua URL -- [BODY_FILE CONTENT_TYPE]: POSTs the file, else GETs; ends with one line of
-- JSON. No request() or response() here: they would make wrk slower than what it measures.

function init(args)
    if args[1] then
        local file = assert(io.open(args[1], "rb"))
        wrk.method = "POST"
        wrk.body = file:read("*a")
        wrk.headers["Content-Type"] = args[2]
        file:close()
    end
end

function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        '\nBENCH {"requests": %d, "duration_us": %d, "bytes": %d, "p50_us": %d, "p99_us": %d, ' ..
        '"max_us": %d, "connect_errors": %d, "read_errors": %d, "write_errors": %d, ' ..
        '"status_errors": %d, "timeouts": %d}\n',
        summary.requests, summary.duration, summary.bytes, latency:percentile(50),
        latency:percentile(99), latency.max, errors.connect, errors.read, errors.write,
        errors.status, errors.timeout))
end
