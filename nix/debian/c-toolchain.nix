# gcc, binutils and libc's headers: what Rust needs to link, and what C in a build script needs to compile. Programs that it
# links find libc in the shared glibc path, in the sandbox (where build scripts run) as in a container image.
{ base, fetched, glibc }:
base.derivationByBusybox "gcc"
{
  debs = fetched.closure [ "gcc" "libc6-dev" ];
  inherit (base) patchelf busybox;
  inherit glibc;
} ''
  PATH=$PATH:$patchelf/bin
  # Debian's tree as it is, used with --sysroot.
  sysroot=$out/sysroot
  mkdir -p "$sysroot" "$out/bin"
  for deb in $debs; do dpkg-deb -x "$deb" "$sysroot"; done
  find "$sysroot" -type l | while read -r link; do
    target=$(readlink "$link")
    case $target in /*) ln -sfn "$sysroot$target" "$link" ;; esac
  done
  libraries=$sysroot/lib/x86_64-linux-gnu
  more_libraries=$sysroot/usr/lib/x86_64-linux-gnu
  rm -rf "$sysroot/usr/share" "$sysroot/etc" "$sysroot/var" "$sysroot/usr/sbin" "$sysroot/sbin" \
    "$more_libraries/gconv" "$more_libraries"/perl* "$sysroot"/usr/bin/perl*

  for file in "$sysroot"/usr/bin/* "$sysroot"/usr/lib/gcc/x86_64-linux-gnu/*/* "$more_libraries"/*.so* "$libraries"/*.so*; do
    if [ ! -f "$file" ] || [ -L "$file" ]; then continue; fi
    case $file in */ld-linux-x86-64.so.2 | */libc.so.6) continue ;; esac
    [ "$(head -c 4 "$file" | od -An -c | tr -d ' ')" = 177ELF ] || continue
    if [ -n "$(patchelf --print-interpreter "$file" 2>/dev/null)" ]; then
      patchelf --set-interpreter "$libraries/ld-linux-x86-64.so.2" "$file"
    fi
    if [ -n "$(patchelf --print-needed "$file" 2>/dev/null)" ]; then
      patchelf --force-rpath --set-rpath "$libraries:$more_libraries" "$file"
    fi
  done

  for tool in ld ar as nm strip ranlib objcopy objdump readelf; do
    ln -s "../sysroot/usr/bin/x86_64-linux-gnu-$tool" "$out/bin/$tool"
  done
  # The linker's options are always given; they mean nothing where nothing is linked.
  for compiler in gcc cpp; do
    set -- "$sysroot"/usr/bin/x86_64-linux-gnu-$compiler-[0-9]*
    cat > "$out/bin/$compiler" <<SCRIPT
  #!$busybox sh
  exec $1 --sysroot=$sysroot -B$sysroot/usr/bin/ "\$@" \
    -Wl,--dynamic-linker=$glibc/lib/ld-linux-x86-64.so.2 -Wl,-rpath,$glibc/lib,--disable-new-dtags
  SCRIPT
    chmod +x "$out/bin/$compiler"
  done
  ln -s gcc "$out/bin/cc"
''
