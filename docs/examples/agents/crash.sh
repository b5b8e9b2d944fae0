#!/bin/sh
# Makes one call, leaves a child behind, and fails.
echo '{"type":"stint.usage","id":"only","inputTokens":42000,"outputTokens":3100,"model":"stand-in"}'
sleep 300 &
sleep 3
echo "panic: the test suite does not compile" >&2
exit 1
