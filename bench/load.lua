-- One kind of request, every answer checked, figures as one line of JSON.
-- REQUEST_HEADERS, REQUEST_BODY, NUMBER, ANSWER_BYTES and MARK are written in front of this file.
local number = NUMBER
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init()
  answered, wrong = 0, 0
  if number then
    before, after = REQUEST_BODY:match("^(.*)" .. tostring(PLACE_OF_NUMBER) .. "(.*)$")
  else
    fixed = wrk.format("POST", "/mcp", REQUEST_HEADERS, REQUEST_BODY)
  end
end

function request()
  if fixed then return fixed end
  number = number + 1
  return wrk.format("POST", "/mcp", REQUEST_HEADERS, before .. number .. after)
end

function response(status, _, body)
  answered = answered + 1
  if status ~= 200 or #body ~= ANSWER_BYTES or not body:find(MARK, 1, true) then
    wrong = wrong + 1
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"calls":%d,"microseconds":%d,"answered":%d,"wrong":%d,"failed":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration, threads[1]:get("answered"), threads[1]:get("wrong"),
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
