# Tries what a service's limits forbid, and tells what came of it, a line each. Run by bash in the toolbox as user 0, who is
# kept from it by nothing else.
#
#   $1  how many processes to start at once
#   $2  how many bytes of memory to take, last of all
#
# A program that takes on its owner's identity is at /tried/id. Where several say something at once, the first word tells.
exec 2>&1

# Every folder of the root file system. -xdev stays out of volumes and memory file systems, and names where they are mounted.
root=
while read -r device folder; do
  [ "${root:=$device}" = "$device" ] || continue
  : >"${folder%/}/.tried" && echo "wrote $folder"
done < <(find / -xdev -type d -printf '%D %p\n')

while IFS= read -r line; do
  case $line in Cap* | NoNewPrivs*) echo "status $line" ;; esac
done </proc/self/status

: >/dev/shm/mine
told=$(chown 65534 /dev/shm/mine 2>&1)
echo "chown $? $told"

echo "identity $(/tried/id -u 2>&1)"

# Bash, left to itself, would try to start the one process too many for a minute. So whoever starts them is a group of its own,
# its first complaint is read here, and then the group ends.
exec 3<> <(:) 4<> <(:)
set -m
(
  for ((started = 0; started < $1; started++)); do read -rt 30 -u 3 & done
  echo "all $1"
) >&4 2>&4 &
group=$!
IFS= read -rt 20 -u 4 first
echo "processes ${first:-no answer}"
kill -KILL -- "-$group"
wait 2>/dev/null

echo "memory $2"
exec dd if=/dev/zero of=/dev/null bs="$2" count=1 status=none
