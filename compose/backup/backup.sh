# Copies the rows and the objects of a stack into the folder BACKUP, beside what services do meanwhile.
#
#   POSTGRES_HOST, POSTGRES_PORT, POSTGRES_DB, POSTGRES_USER  the database and its owner
#   POSTGRES_PASSWORD_FILE  a file with the owner's password
#   IMAGES                  the folder of the outputs
#   BACKUP                  the folder that gets `rows.dump` and `objects/`; what was there is replaced when all is copied
set -euo pipefail
umask 077
PGPASSWORD=$(<"$POSTGRES_PASSWORD_FILE")
export PGPASSWORD

unfinished=$BACKUP/unfinished
rm -rf "$unfinished"
mkdir -p "$unfinished/objects"
# The rows first: an output that is made meanwhile has an object too many here, and never a row too many.
pg_dump --host "$POSTGRES_HOST" --port "$POSTGRES_PORT" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  --format custom --file "$unfinished/rows.dump"
shopt -s nullglob
for object in "$IMAGES"/*; do
  # What is swept meanwhile is gone, and is not to be kept.
  cp --preserve=mode,timestamps "$object" "$unfinished/objects/" 2>/dev/null || [ ! -e "$object" ]
done
objects=("$unfinished"/objects/*)
rm -rf "$BACKUP/last"
mv "$unfinished" "$BACKUP/last"
echo "backup: $(stat --format %s "$BACKUP/last/rows.dump") bytes of rows, ${#objects[@]} objects"
