# A Debian package as a store path: its own files, moved from / and /usr to $out, and exactly the shared libraries that its
# programs need, in $out/lib/deb. (Installing all its dependencies instead would make images four times the size.)
{ base, fetched }:
# pname      name of the result, as nixpkgs has it
# packages   the Debian packages to resolve; their closures are where libraries are looked for
# owned      patterns of the Debian packages whose files are taken, by default `packages` themselves
# version    pattern of the Debian package whose version is ours
# glibc      where libc and libgcc are: shared by all, copied by none (null only for glibc itself)
# shell      what `#!/bin/sh` and `#!/bin/bash` become
# drop       paths in the result that nobody needs
# finish     shell lines run in $out before libraries are gathered
{ pname, packages ? [ pname ], owned ? packages, version ? builtins.head owned, glibc, shell ? "", drop ? [ ], finish ? "" }:
base.derivationByBusybox pname
  {
    debs = fetched.closure packages;
    inherit owned drop shell;
    inherit (base) patchelf;
    glibc = if glibc == null then "" else glibc;
  } ''
  . ${./relocate.sh}
  take_files
  cd "$out"
  ${finish}
  gather_libraries
  point_at_libraries
  point_at_shell
'' // {
  inherit pname;
  version = fetched.version version;
}
