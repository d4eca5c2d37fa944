# Starts Garage, an S3 store, as one node that is a cluster by itself, with its one bucket and the one key to it.
#
#   S3_BUCKET, S3_REGION        the bucket, made on the first start, and what clients call the region
#   S3_ACCESS_KEY_ID            names the key
#   S3_SECRET_ACCESS_KEY_FILE   a file with its secret
#   LISTEN_HOST, LISTEN_PORT    where it speaks S3; every address and 3900, unless the image is told otherwise
#   ADMIN_HOST, ADMIN_PORT      where it says whether it is healthy
#   OBJECTS_FOLDER              where it keeps everything
set -euo pipefail

refuse() {
  echo "shakedown-image-store: $1" >&2
  exit 2
}

for name in S3_BUCKET S3_REGION S3_ACCESS_KEY_ID; do
  # What goes into the configuration must not end its quotes.
  [[ ${!name:-} =~ ^[A-Za-z0-9._-]+$ ]] || refuse "$name is missing, empty, or has more in it than letters, digits and . _ -"
done
[ -n "${S3_SECRET_ACCESS_KEY_FILE:-}" ] || refuse "S3_SECRET_ACCESS_KEY_FILE is not set; it names the file with the key's secret"
[ -r "$S3_SECRET_ACCESS_KEY_FILE" ] || refuse "S3_SECRET_ACCESS_KEY_FILE names $S3_SECRET_ACCESS_KEY_FILE, which user $UID cannot read"
secret=$(<"$S3_SECRET_ACCESS_KEY_FILE")
[ -n "$secret" ] || refuse "S3_SECRET_ACCESS_KEY_FILE names $S3_SECRET_ACCESS_KEY_FILE, which is empty"

# What nodes speak to each other with; there is no other. Another secret and another port for each start, written nowhere.
rpc_secret=$(</proc/sys/kernel/random/uuid)$(</proc/sys/kernel/random/uuid)

# Its log is read by programs too.
export NO_COLOR=1
export GARAGE_RPC_SECRET=${rpc_secret//-/}
export GARAGE_DEFAULT_ACCESS_KEY=$S3_ACCESS_KEY_ID GARAGE_DEFAULT_SECRET_KEY=$secret GARAGE_DEFAULT_BUCKET=$S3_BUCKET

# Objects are encrypted before they come here, so compression would cost time and save nothing. What was acknowledged is
# on the disk.
exec garage --config /dev/stdin server --single-node --default-bucket <<CONFIG
metadata_dir = "$OBJECTS_FOLDER/metadata"
data_dir = "$OBJECTS_FOLDER/data"
db_engine = "lmdb"
metadata_fsync = true
data_fsync = true
compression_level = "none"
replication_factor = 1
block_ram_buffer_max = "64MiB"
rpc_bind_addr = "127.0.0.1:0"
rpc_public_addr = "127.0.0.1:0"

[s3_api]
api_bind_addr = "$LISTEN_HOST:$LISTEN_PORT"
s3_region = "$S3_REGION"

[admin]
api_bind_addr = "$ADMIN_HOST:$ADMIN_PORT"
CONFIG
