# Starts Redis with its configuration on standard input, where no list of processes shows the password.
#
#   REDIS_PASSWORD_FILE  a file with the password that every client must give
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
exec redis-server - <<<"bind * -::*
port 6379
protected-mode no
dir /tmp
save \"\"
appendonly no
maxmemory 192mb
maxmemory-policy noeviction
requirepass \"$password\""
