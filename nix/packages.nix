# The services' programs. What they depend on is compiled in a derivation of its own, from stubs in place of our crates; each
# program starts from there, with the real files of the crates it is made of and of no others. So a change to the worker
# does not build the api anew, and a change to the harness builds nothing at all.
{ rustPlatform, runCommand, writeText, root }:
let
  workspace = import ./workspace.nix { inherit runCommand writeText root roots; };
  roots = [ "crates/api" "crates/worker" "crates/web" "crates/service" ];
  inherit ((builtins.fromTOML (builtins.readFile (root + "/Cargo.toml"))).workspace.package) version;

  shared = {
    inherit version;
    cargoLock.lockFileContents = workspace.lockText;
    # Always the same crates in one command: they decide which features their dependencies are compiled with.
    cargoBuildFlags = builtins.concatMap (folder: [ "-p" (baseNameOf folder) ]) roots;
    # Unit tests run in `make test`, where a failure is read more easily than in a build log.
    doCheck = false;
  };

  # Cargo's target/ after all dependencies are compiled, without what it knows of our stubs: cargo would take them for the
  # finished crates, because every file in the store is equally old.
  dependencies = rustPlatform.buildRustPackage (shared // {
    pname = "services-dependencies";
    src = workspace.source "services-dependencies-source" [ ];
    installPhase = ''
      for member in ${toString workspace.memberNames}; do
        find target -depth -path "*/.fingerprint/$member-*" -delete
      done
      mkdir -p "$out"
      tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1 -cf "$out/target.tar" target
    '';
  });

  program = { name, folder }: rustPlatform.buildRustPackage (shared // {
    pname = name;
    src = workspace.source "${name}-source" (workspace.closureOf [ folder ]);
    preBuild = "tar -xf ${dependencies}/target.tar";
    installPhase = ''
      mkdir -p "$out/bin"
      cp "$(find target -maxdepth 3 -type f -path '*/release/${name}')" "$out/bin/"
      if grep -q -a -F '${workspace.stubMarker}' "$out/bin/${name}"; then
        echo "${name} was built from its stub, not from ${folder}" >&2
        exit 1
      fi
    '';
  });
in
{
  api = program { name = "api"; folder = "crates/api"; };
  worker = program { name = "worker"; folder = "crates/worker"; };
  web = program { name = "web"; folder = "crates/web"; };
  healthcheck = program { name = "healthcheck"; folder = "crates/service"; };
  inherit workspace dependencies;
}
