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

# What a backup that died in its last moment had put aside.
[ -e "$BACKUP/last" ] || [ ! -e "$BACKUP/former" ] || mv "$BACKUP/former" "$BACKUP/last"
unfinished=$BACKUP/unfinished
rm -rf "$unfinished" "$BACKUP/former"
mkdir -p "$unfinished/objects"
# The rows first: an output that is made meanwhile has an object too many here. One that is deleted meanwhile has a row too
# many, and that is gone when somebody asks for it.
pg_dump --host "$POSTGRES_HOST" --port "$POSTGRES_PORT" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  --format custom --file "$unfinished/rows.dump"
shopt -s nullglob
for object in "$IMAGES"/*; do
  why=$(cp --preserve=mode,timestamps "$object" "$unfinished/objects/" 2>&1) && continue
  # What is swept meanwhile is gone, and is not to be kept.
  [ -e "$object" ] || continue
  echo "backup: an object could not be copied: $why; the last backup is as it was" >&2
  exit 1
done
objects=("$unfinished"/objects/*)
# At no moment is there none.
[ ! -e "$BACKUP/last" ] || mv "$BACKUP/last" "$BACKUP/former"
mv "$unfinished" "$BACKUP/last"
rm -rf "$BACKUP/former"
echo "backup: $(stat --format %s "$BACKUP/last/rows.dump") bytes of rows, ${#objects[@]} objects"
