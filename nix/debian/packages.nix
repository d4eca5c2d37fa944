# Which Debian package is which of nixpkgs' names.
{ base, relocate, fetched }:
let
  # libc and libgcc: one store path that all others share, so that container images share its layer.
  glibc = relocate {
    pname = "glibc";
    packages = [ "libc6-dev" ];
    owned = [ "libc6" "libgcc-s1" ];
    glibc = null;
    drop = [ "lib/x86_64-linux-gnu/gconv" "lib/gconv" "lib64" "share" "bin" "sbin" ];
    finish = "mv lib/x86_64-linux-gnu/* lib/; rmdir lib/x86_64-linux-gnu";
  };

  bash = relocate {
    pname = "bash";
    inherit glibc;
    drop = [ "bin/bashbug" "bin/clear_console" "share" ];
    finish = "ln -s bash bin/sh";
  };

  package = arguments: relocate ({ inherit glibc; shell = "${bash}/bin/bash"; } // arguments);
  same = pname: package { inherit pname; };
in
{
  inherit glibc bash;
  bashInteractive = bash;
  inherit (base) patchelf;

  coreutils = same "coreutils";
  diffutils = same "diffutils";
  findutils = same "findutils";
  gnugrep = package { pname = "gnugrep"; packages = [ "grep" ]; };
  gnused = package { pname = "gnused"; packages = [ "sed" ]; };
  gnutar = package { pname = "gnutar"; packages = [ "tar" ]; };
  gzip = same "gzip";
  # Debian names `awk` by a link that only an installation makes.
  gawk = package { pname = "gawk"; finish = "ln -sf gawk bin/awk"; };
  gnumake = package { pname = "gnumake"; packages = [ "make" ]; };
  jq = package { pname = "jq"; owned = [ "jq" "libjq1" ]; };
  git = package { pname = "git"; drop = [ "share/git-core/contrib" "share/gitweb" ]; };

  socat = same "socat";

  tzdata = same "tzdata";
  cacert = base.derivationByBusybox "cacert" { debs = fetched.closure [ "ca-certificates" ]; } ''
    for deb in $debs; do case $deb in *-ca-certificates_*) dpkg-deb -x "$deb" root ;; esac; done
    mkdir -p "$out/etc/ssl/certs"
    find root/usr/share/ca-certificates -name '*.crt' | sort | xargs cat > "$out/etc/ssl/certs/ca-bundle.crt"
  '' // { version = fetched.version "ca-certificates"; };

  # Its static library alone: what is linked with it needs nothing of it at run time.
  libsodium = base.derivationByBusybox "libsodium" { debs = fetched.closure [ "libsodium-dev" ]; } ''
    for deb in $debs; do case $deb in *-libsodium-dev_*) dpkg-deb -x "$deb" root ;; esac; done
    mkdir -p "$out/lib"
    cp root/usr/lib/x86_64-linux-gnu/libsodium.a "$out/lib/"
  '' // { version = fetched.version "libsodium-dev"; };

  python3 = package {
    pname = "python3";
    owned = [ "python3" "python3-minimal" "python3.[0-9]*" "libpython3.*-minimal" "libpython3.*-stdlib" ];
    version = "python3";
  };

  postgresql = package {
    pname = "postgresql";
    owned = [ "postgresql-[0-9]*" "postgresql-client-[0-9]*" ];
    version = "postgresql-[0-9]*";
    # Just-in-time compilation would need LLVM, which is larger than everything else together.
    drop = [ "lib/postgresql/*/lib/llvmjit*" "lib/postgresql/*/lib/bitcode" "share/postgresql/*/man" ];
    # The programs find their own files from where they really are, so links to them are enough.
    finish = "mkdir -p bin; for program in lib/postgresql/*/bin/*; do ln -s \"../$program\" bin/; done";
  };

  redis = package {
    pname = "redis";
    packages = [ "redis-server" ];
    owned = [ "redis-server" "redis-tools" ];
  };

  caddy = package { pname = "caddy"; drop = [ "share" ]; };

  # Lets a build pretend to be root, for the owners of files in a layer. In the sandbox it must not try a real chown.
  fakeroot = package {
    pname = "fakeroot";
    owned = [ "fakeroot" "libfakeroot" ];
    finish = ''
      sed -i \
        -e "s|^FAKEROOT_PREFIX=.*|FAKEROOT_PREFIX=$out|" \
        -e "s|^FAKEROOT_BINDIR=.*|FAKEROOT_BINDIR=$out/bin|" \
        -e "s|^PATHS=.*|PATHS=$out/lib/x86_64-linux-gnu/libfakeroot|" \
        -e "s|/usr/|$out/|g" \
        -e "2i export FAKEROOTDONTTRYCHOWN=1" bin/fakeroot-sysv bin/fakeroot-tcp
      ln -sf fakeroot-sysv bin/fakeroot
      ln -s ${base.busybox} bin/getopt # Debian's is in util-linux
    '';
  };
}
