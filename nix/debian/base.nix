# The first rungs: a static shell with its tools, and with it patchelf, so that everything else can be made to run.
{ system, fetched }:
rec {
  busybox = "${fetched.busybox}/bin/busybox";

  # A derivation built by busybox' shell with busybox' tools and nothing else.
  derivationByBusybox = name: environment: script: derivation ({
    inherit name system;
    builder = busybox;
    args = [
      "sh"
      "-euc"
      ''
        mkdir -p "$NIX_BUILD_TOP/busybox"
        ${busybox} --install -s "$NIX_BUILD_TOP/busybox"
        export PATH="$NIX_BUILD_TOP/busybox"
        ${script}
      ''
    ];
  } // environment);

  # patchelf cannot patch itself: a script that starts it through its own dynamic linker.
  patchelf = derivationByBusybox "patchelf" { debs = fetched.closure [ "patchelf" ]; inherit busybox; } ''
    root=$out/root
    mkdir -p "$root" "$out/bin"
    for deb in $debs; do dpkg-deb -x "$deb" "$root"; done
    rm -rf "$root/usr/share"
    libraries=$root/lib/x86_64-linux-gnu
    cat > "$out/bin/patchelf" <<SCRIPT
    #!$busybox sh
    exec $libraries/ld-linux-x86-64.so.2 --library-path $libraries:$root/usr/lib/x86_64-linux-gnu $root/usr/bin/patchelf "\$@"
    SCRIPT
    chmod +x "$out/bin/patchelf"
  '';
}
