# Every tool that the Makefile, the scripts and CI call.
{ mkShell, bashInteractive, cargo, rustc, rustfmt, clippy, gcc, git, gnumake, jq, python3, coreutils, findutils, gnugrep, gnused, gawk }:
mkShell {
  packages = [ bashInteractive cargo rustc rustfmt clippy gcc git gnumake jq python3 coreutils findutils gnugrep gnused gawk ];
}
