# The files by which a container image knows its one user: /etc/passwd, /etc/group, and where names of hosts are looked up.
{ runCommand }:
# name, uid     the user; from 10001 up, because Nix ends every process of its build users, and containers share their uids
# group, gid    its group
# home          where it may keep files
{ name, uid, group ? name, gid ? uid, home ? "/tmp" }:
runCommand "account-${name}" { } ''
  mkdir -p "$out/etc"
  cat > "$out/etc/passwd" <<PASSWD
  root:x:0:0::/:/sbin/nologin
  ${name}:x:${toString uid}:${toString gid}::${home}:/sbin/nologin
  PASSWD
  cat > "$out/etc/group" <<GROUP
  root:x:0:
  ${group}:x:${toString gid}:
  GROUP
  echo 'hosts: files dns' > "$out/etc/nsswitch.conf"
''
