# `nix fmt`: every file of the repository that has a formatter, by it. With --check nothing is written, and what is not formatted
# is named.
{ writeShellScriptBin, cargo, rustfmt, nixpkgs-fmt, taplo, rumdl, findutils }:
writeShellScriptBin "format" ''
  set -euo pipefail
  export PATH="${cargo}/bin:${rustfmt}/bin:${nixpkgs-fmt}/bin:${taplo}/bin:${rumdl}/bin:${findutils}/bin:$PATH"
  export RUST_LOG=warn # taplo tells of each file otherwise

  check=
  # Nix hands over what it was told, or the folder.
  for argument in "$@"; do if [ "$argument" = --check ]; then check=--check; fi; done
  failed=0

  # named PATTERN: the files, but what is built or fetched.
  named() { find . \( -path './.*' -o -name target -o -name 'result*' -o -name '*.lock' \) -prune -o -type f -name "$1" -print0; }

  cargo fmt --all ''${check:+--check} || failed=1
  named '*.nix' | xargs -0 nixpkgs-fmt ''${check:+--check} || failed=1
  named '*.toml' | xargs -0 taplo format ''${check:+--check} || failed=1
  if [ -n "$check" ]; then rumdl check --no-cache --quiet . || failed=1; else rumdl fmt --no-cache --quiet . || failed=1; fi
  if [ -n "$check" ] && [ "$failed" = 1 ]; then echo "not formatted; \`make fmt\` (or \`nix fmt\`) does it" >&2; fi
  exit "$failed"
''
