# What `nix flake check` looks at, in the sandbox: no network, no container engine, nothing of this machine.
{ callPackage
, runCommand
, writeText
, root # the repository
, programs # packages.nix
, images # images.nix
, interface # interface.nix
}:
let
  inherit (builtins) any concatStringsSep path substring stringLength;

  # A part of the repository as a store path of its own, which changes when that part does.
  only = name: wanted:
    let
      top = toString root + "/";
      relative = file: substring (stringLength top) (stringLength file) file;
      begins = prefix: text: substring 0 (stringLength prefix) text == prefix;
      isWanted = file: any (want: file == want || begins "${want}/" file || begins "${file}/" want) wanted;
    in
    path { inherit name; path = root; filter = file: _: isWanted (relative file); };

  # What the gate reads: the definition, and the files that the manifest of the images is held against.
  tried = only "tried" (images.sources.roots ++ [ "compose" ".env.example" "flake.nix" ]);

  # A gate with the images' programs as processes.
  gate = name: arguments: runCommand name { nativeBuildInputs = [ programs.shakedown ]; } ''
    cd ${tried}
    mkdir "$out"
    shakedown gate --runner processes --images ${images.all} --report "$out" ${arguments}
  '';
  # The kinds of checks that may tell one store from another.
  ofStores = [ "health" "order" "smoke.job" "ttl" "data" "inputs" "secrets" ];
in
{
  # The whole gate: real Postgres, Redis and Caddy.
  gate = gate "gate" "";

  # Over a real S3 store, as far as the store matters.
  gate-s3 = gate "gate-s3" "--overlay compose/s3.yaml ${concatStringsSep " " (map (kind: "--only ${kind}") ofStores)}";

  # What is asked of a package source is what nix/interface.txt says.
  interface = runCommand "interface" { } ''
    if ! diff -u ${./interface.txt} ${writeText "interface.txt" interface.lines}; then
      echo "nix/interface.txt is not what this repository asks of a package source; write it anew by \`make interface\`" >&2
      exit 1
    fi
    touch "$out"
  '';

  formatting = runCommand "formatting" { nativeBuildInputs = [ (callPackage ./formatter.nix { }) ]; } ''
    cd ${path { name = "repository"; path = root; }}
    format --check
    touch "$out"
  '';
} // callPackage ./rust-checks.nix { inherit root; }
