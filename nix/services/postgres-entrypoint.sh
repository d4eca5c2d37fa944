# Starts PostgreSQL, after making its cluster if there is none yet.
#
#   POSTGRES_USER           the owner's role; the only one there is at first
#   POSTGRES_PASSWORD_FILE  a file with its password
#   POSTGRES_DB             the database to make; by default named as the role
#   PGDATA                  where the cluster is
#   LISTEN_HOST, LISTEN_PORT  where it listens; every address and 5432, unless the image is told otherwise
#   SOCKET_FOLDER           where it has its socket
#
# Arguments are handed on to `postgres`.
set -euo pipefail

refuse() {
  echo "shakedown-postgres: $1" >&2
  exit 2
}

make_cluster() {
  [ -n "${POSTGRES_USER:-}" ] || refuse "POSTGRES_USER is not set; it names the role that owns the database"
  [ -n "${POSTGRES_PASSWORD_FILE:-}" ] || refuse "POSTGRES_PASSWORD_FILE is not set; it names the file with that role's password"
  [ -r "$POSTGRES_PASSWORD_FILE" ] || refuse "POSTGRES_PASSWORD_FILE names $POSTGRES_PASSWORD_FILE, which user $(id -u) cannot read"
  [ -s "$POSTGRES_PASSWORD_FILE" ] || refuse "POSTGRES_PASSWORD_FILE names $POSTGRES_PASSWORD_FILE, which is empty"
  local database=${POSTGRES_DB:-$POSTGRES_USER}

  # Under another name until it is whole: a start that was cut short leaves nothing that looks like a cluster.
  local unfinished=$PGDATA.unfinished
  rm -rf "$unfinished"
  initdb --pgdata="$unfinished" --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" \
    --encoding=UTF8 --locale=C --auth-local=peer --auth-host=scram-sha-256 --no-instructions

  # Nobody comes in without a password: over TCP by SCRAM alone, and no role is named like the user in here.
  cat >"$unfinished/pg_hba.conf" <<'RULES'
local all all     peer
host  all all all scram-sha-256
RULES

  # A name in double quotes is taken as it is.
  if [ "$database" != postgres ]; then
    echo "CREATE DATABASE \"${database//\"/\"\"}\"" | postgres --single -D "$unfinished" -c log_min_messages=fatal postgres >/dev/null
  fi
  mv "$unfinished" "$PGDATA"
}

[ -s "$PGDATA/PG_VERSION" ] || make_cluster

exec postgres \
  -c listen_addresses="$LISTEN_HOST" \
  -c port="$LISTEN_PORT" \
  -c unix_socket_directories="$SOCKET_FOLDER" \
  -c password_encryption=scram-sha-256 \
  "$@"
