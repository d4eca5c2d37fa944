# The programs: the services', which go into container images, and the harness's, which tries them. What each of the two depends
# on is compiled in a derivation of its own, from stubs in place of our crates; each program starts from there, with the real
# files of the crates it is made of and of no others. So a change to the worker does not build the api anew, and a change to
# the harness builds nothing of the services at all.
{ rustPlatform, runCommand, writeText, root }:
let
  inherit ((builtins.fromTOML (builtins.readFile (root + "/Cargo.toml"))).workspace.package) version;

  # name      of the part
  # roots     folders of the crates that are built in it
  # profile   cargo's, as it names the folder of what was built
  # files     what crates include from elsewhere
  part = { name, roots, profile, files ? [ ] }:
    let
      workspace = import ./workspace.nix {
        inherit runCommand writeText root roots files;
        profiles = [ (if profile == "debug" then "dev" else profile) ];
      };

      shared = {
        inherit version;
        cargoLock.lockFileContents = workspace.lockText;
        buildType = profile;
        # Always the same crates in one command: they decide which features their dependencies are compiled with.
        cargoBuildFlags = builtins.concatMap (folder: [ "-p" (baseNameOf folder) ]) roots;
        # Unit tests are a check of their own: rust-checks.nix.
        doCheck = false;
        # Programs hold paths of what they are compiled from, in the texts of their panics: without the folder of the build.
        preBuild = remapped;
      };
      remapped = ''
        export RUSTFLAGS="--remap-path-prefix=$NIX_BUILD_TOP/="
      '';

      # Cargo's target/ after all dependencies are compiled, without what it knows of our stubs: cargo would take them for the
      # finished crates, because every file in the store is equally old.
      dependencies = rustPlatform.buildRustPackage (shared // {
        pname = "${name}-dependencies";
        src = workspace.source "${name}-dependencies-source" [ ];
        installPhase = ''
          for member in ${toString workspace.memberNames}; do
            find target -depth -path "*/.fingerprint/$member-*" -delete
          done
          mkdir -p "$out"
          tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1 -cf "$out/target.tar" target
        '';
      });
    in
    {
      inherit workspace dependencies;
      program = name: folder: rustPlatform.buildRustPackage (shared // {
        pname = name;
        src = workspace.source "${name}-source" (workspace.closureOf [ folder ]);
        preBuild = remapped + "tar -xf ${dependencies}/target.tar";
        installPhase = ''
          mkdir -p "$out/bin"
          cp "$(find target -maxdepth 3 -type f -path '*/${profile}/${name}')" "$out/bin/"
          if grep -q -a -F '${workspace.stubMarker}' "$out/bin/${name}"; then
            echo "${name} was built from its stub, not from ${folder}" >&2
            exit 1
          fi
        '';
      });
    };

  services = part { name = "services"; roots = [ "crates/api" "crates/worker" "crates/web" "crates/service" ]; profile = "release"; };
  # The crates that a program and its health check are compiled from, for the bill of materials: lines of "name vVERSION".
  crates = name: rustPlatform.buildRustPackage {
    pname = "${name}-crates";
    inherit version;
    cargoLock.lockFileContents = services.workspace.lockText;
    src = services.workspace.source "services-dependencies-source" [ ];
    doCheck = false;
    buildPhase = "cargo tree --offline --edges normal --prefix none --format '{p}' --package ${name} --package service > crates.txt";
    installPhase = ''cp crates.txt "$out"'';
  };

  # It spends its time waiting: what it is made of compiles in half the time like this.
  harness = part { name = "harness"; roots = [ "crates/shakedown" ]; profile = "debug"; files = [ "tests/e2e/photos/portrait.jpg" ]; };
in
{
  api = services.program "api" "crates/api";
  worker = services.program "worker" "crates/worker";
  web = services.program "web" "crates/web";
  healthcheck = services.program "healthcheck" "crates/service";
  shakedown = harness.program "shakedown" "crates/shakedown";
  crates = { api = crates "api"; worker = crates "worker"; web = crates "web"; healthcheck = crates "service"; };
  inherit (services) workspace dependencies;
}
