# Exits 0 when Redis answers a client that knows the password.
set -euo pipefail

REDISCLI_AUTH=$(<"$REDIS_PASSWORD_FILE")
export REDISCLI_AUTH
[ "$(redis-cli -h 127.0.0.1 -p "$LISTEN_PORT" --no-auth-warning ping)" = PONG ]
