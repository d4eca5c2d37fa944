# Starts Redis with its configuration on standard input, where no list of processes shows the password.
#
#   REDIS_PASSWORD_FILE       a file with the password that every client must give
#   LISTEN_HOST, LISTEN_PORT  where it listens; every address and 6379, unless the image is told otherwise
#   REDIS_FOLDER              a folder that it may call its own, and writes nothing to
set -euo pipefail

refuse() {
  echo "shakedown-redis: $1" >&2
  exit 2
}

[ -n "${REDIS_PASSWORD_FILE:-}" ] || refuse "REDIS_PASSWORD_FILE is not set; it names the file with the password"
[ -r "$REDIS_PASSWORD_FILE" ] || refuse "REDIS_PASSWORD_FILE names $REDIS_PASSWORD_FILE, which user $(id -u) cannot read"
password=$(<"$REDIS_PASSWORD_FILE")
[ -n "$password" ] || refuse "REDIS_PASSWORD_FILE names $REDIS_PASSWORD_FILE, which is empty"
# Redis reads a quoted string with backslashes.
password=${password//\\/\\\\}
password=${password//\"/\\\"}

# Uploaded pictures wait in here: nothing is ever written to a disk. When memory is full a write fails and says so,
# rather than something else being thrown away.
exec redis-server - <<<"bind $LISTEN_HOST
port $LISTEN_PORT
protected-mode no
dir $REDIS_FOLDER
save \"\"
appendonly no
maxmemory 192mb
maxmemory-policy noeviction
requirepass \"$password\""
