# The steps of relocate.nix, run by busybox' shell.
#
# From the environment: $debs (files), $owned (patterns of package names), $drop, $shell, $glibc, $patchelf, $out.

own=$NIX_BUILD_TOP/own       # files of the packages that we make a store path of
others=$NIX_BUILD_TOP/others # files of what they depend on
private=$out/lib/deb         # libraries copied from both
glibc=${glibc:-$out}
PATH=$PATH:$patchelf/bin

is_owned() {
  local pattern
  for pattern in $owned; do
    # Patterns like postgresql-[0-9]* are meant to be expanded here.
    case $1 in $pattern) return 0 ;; esac
  done
  return 1
}

# The package's name, from /nix/store/HASH-NAME_VERSION_ARCHITECTURE.deb.
package_of() {
  local file=${1##*/}
  file=${file#*-}
  echo "${file%%_*}"
}

# Our packages' files, without documentation and configuration, at $out instead of / and /usr.
take_files() {
  local deb target link
  set -f # patterns in $owned stay patterns
  mkdir -p "$own" "$others" "$out"
  for deb in $debs; do
    if is_owned "$(package_of "$deb")"; then dpkg-deb -x "$deb" "$own"; else dpkg-deb -x "$deb" "$others"; fi
  done
  set +f
  (
    cd "$own"
    rm -rf etc var lib/systemd usr/lib/systemd
    for unneeded in doc man info locale lintian bug bash-completion; do rm -rf "usr/share/$unneeded"; done
  )
  for part in usr/. .; do
    [ ! -d "$own/$part" ] || cp -a "$own/$part" "$out/"
    rm -rf "$out/usr" "$own/usr"
  done
  for path in $drop; do rm -rf "$out"/$path; done

  # Absolute links: into our own files, or away.
  find "$out" -type l | while read -r link; do
    target=$(readlink "$link")
    case $target in
      /usr/*) target=$out/${target#/usr/} ;;
      /*) target=$out$target ;;
      *) continue ;;
    esac
    if [ -e "$target" ]; then ln -sfn "$target" "$link"; else rm "$link"; fi
  done
  find "$out" -type d -exec chmod 755 {} +
}

is_elf() { [ "$(head -c 4 "$1" | od -An -c | tr -d ' ')" = 177ELF ]; }

elf_files() {
  grep -rlE '^.ELF' "$out" | while read -r file; do
    [ -L "$file" ] || ! is_elf "$file" || echo "$file"
  done
}

needed_by() { for file in "$@"; do patchelf --print-needed "$file" 2>/dev/null || true; done | sort -u; }

# Copies the libraries that our programs need, and those that these need in turn, to $private.
gather_libraries() {
  local library source todo
  # Modules that a server loads by itself (its lib/ folder below a versioned one) are not for others to link with.
  find "$own" "$others" "$out" -name '*.so*' | grep -v -e /postgresql/ -e "^$private/" | sort >"$NIX_BUILD_TOP/available"
  : >"$NIX_BUILD_TOP/seen"
  todo=$(elf_files)
  while [ -n "$todo" ]; do
    needed_by $todo >"$NIX_BUILD_TOP/needed"
    todo=
    while read -r library; do
      if grep -qxF "$library" "$NIX_BUILD_TOP/seen"; then continue; fi
      echo "$library" >>"$NIX_BUILD_TOP/seen"
      if [ -e "$glibc/lib/$library" ]; then continue; fi
      source=$(awk -v name="/$library" 'substr($0, length($0) - length(name) + 1) == name { print; exit }' "$NIX_BUILD_TOP/available")
      if [ -z "$source" ]; then
        echo "$library: no package in the closure has it" >&2
        continue
      fi
      mkdir -p "$private"
      cp -L "$source" "$private/$library"
      todo="$todo $private/$library"
    done <"$NIX_BUILD_TOP/needed"
  done
}

# Programs and libraries look for libraries in $private and $glibc, and nowhere else.
point_at_libraries() {
  local file runpath
  [ "$glibc" != "$out" ] || return 0 # libc itself stays as it is
  runpath=$private:$glibc/lib
  [ -d "$private" ] || runpath=$glibc/lib
  for file in $(elf_files); do
    [ -n "$(patchelf --print-needed "$file" 2>/dev/null)" ] || continue # static
    chmod u+w "$file"
    if [ -n "$(patchelf --print-interpreter "$file" 2>/dev/null)" ]; then
      patchelf --set-interpreter "$glibc/lib/ld-linux-x86-64.so.2" "$file"
    fi
    patchelf --force-rpath --set-rpath "$runpath" "$file"
  done
}

point_at_shell() {
  [ -n "$shell" ] || return 0
  grep -rlE '^#! ?/bin/(ba|da)?sh' "$out" | while read -r file; do
    [ ! -L "$file" ] || continue
    chmod u+w "$file"
    sed -i -e "1s|^#! */bin/[bd]*a*sh|#!$shell|" "$file"
  done
}
