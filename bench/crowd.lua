-- One kind of request, as fast as it is answered; how each status was counted, as one line of JSON.
-- REQUEST_HEADERS and REQUEST_BODY are written in front of this file.
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init()
  fixed = wrk.format("POST", "/mcp", REQUEST_HEADERS, REQUEST_BODY)
  answered = 0
  served = 0
end

function request()
  return fixed
end

function response(status)
  answered = answered + 1
  if status == 200 then served = served + 1 end
end

function done(summary)
  io.write(string.format('{"seconds":%.3f,"answered":%d,"served":%d}\n',
    summary.duration / 1e6, threads[1]:get("answered"), threads[1]:get("served")))
end
