# Makes rows and objects of a stack what they were when the last backup was made. Nobody may use them meanwhile: stop api
# and worker before, and start them after.
#
#   restore.sh last   does it
#   restore.sh        does it once where the file `wanted` is beside the backup, and else nothing: whatever starts all
#                     services must not turn time back
#
# Settings as for backup.sh.
set -euo pipefail
PGPASSWORD=$(<"$POSTGRES_PASSWORD_FILE")
export PGPASSWORD

if [ "${1:-}" != last ] && [ ! -e "$BACKUP/wanted" ]; then
  echo "restore: nobody asked for it; with the argument \`last\` it brings the last backup back"
  exit
fi
rm -f "$BACKUP/wanted"
[ -e "$BACKUP/last" ] || [ ! -e "$BACKUP/former" ] || mv "$BACKUP/former" "$BACKUP/last"

if [ ! -e "$BACKUP/last/rows.dump" ]; then
  echo "restore: there is no backup in $BACKUP" >&2
  exit 1
fi
database=(--host "$POSTGRES_HOST" --port "$POSTGRES_PORT" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB")
# All rows or none.
pg_restore "${database[@]}" --clean --if-exists --single-transaction --exit-on-error "$BACKUP/last/rows.dump"
# Objects of what has expired since then are not brought back. Their rows are, and the sweeper removes them within moments,
# with what is left of an output that expired while nobody swept.
images=$(psql "${database[@]}" --quiet --no-align --tuples-only --command "select id from images where expires_at > now()")
restored=0
for image in $images; do
  object=$BACKUP/last/objects/$image
  [ -e "$object" ] || continue
  # Under another name until it is whole, as the store itself does it.
  cp --preserve=mode,timestamps "$object" "$IMAGES/.$image.restored.partial"
  mv "$IMAGES/.$image.restored.partial" "$IMAGES/$image"
  restored=$((restored + 1))
done
echo "restore: $restored objects; what was put since the backup goes when it is found to have no row"
