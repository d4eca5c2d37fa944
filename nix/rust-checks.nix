# Clippy, the tests and the documentation of every crate of the workspace. What crates come from elsewhere is compiled once, in a
# derivation that changes with the manifests alone.
{ rustPlatform
, runCommand
, clippy
, redis
, garage_2
, git
, root # the repository
}:
let
  inherit (builtins) attrNames concatLists concatMap concatStringsSep elem filter listToAttrs map match pathExists readDir readFile;

  manifestOf = folder: builtins.fromTOML (readFile (root + "/${folder}/Cargo.toml"));
  manifest = builtins.fromTOML (readFile (root + "/Cargo.toml"));

  # `crates/*` is the one pattern that the workspace uses.
  members = concatMap
    (member:
      let pattern = match "(.*)/\\*" member; in
      if pattern == null then [ member ] else map (name: "${builtins.head pattern}/${name}") (attrNames (readDir (root + "/${builtins.head pattern}"))))
    manifest.workspace.members;

  # The files that cargo takes for a crate's targets, or is told to: it wants them there, whatever is in them.
  targetsOf = folder:
    let
      crate = manifestOf folder;
      exists = path: pathExists (root + "/${folder}/${path}");
      sources = under: if exists under then map (name: "${under}/${name}") (filter (name: match ".*\\.rs" name != null) (attrNames (readDir (root + "/${folder}/${under}")))) else [ ];
      named = concatMap (kind: filter (path: path != null) (map (target: target.path or null) (crate.${kind} or [ ]))) [ "bin" "test" "bench" "example" ];
    in
    filter exists [ "src/lib.rs" "src/main.rs" "build.rs" ] ++ concatLists (map sources [ "src/bin" "examples" "tests" ]) ++ named;

  isManifest = path: elem (baseNameOf path) [ "Cargo.toml" "Cargo.lock" ];
  stubs = runCommand "workspace-stubs"
    {
      manifests = builtins.path {
        name = "manifests";
        path = root;
        filter = path: type: isManifest path || (type == "directory" && holdsMembers path);
      };
    } ''
    cp -r "$manifests" "$out"
    chmod -R u+w "$out"
    ${concatStringsSep "\n" (concatMap (folder: map (path: stub "${folder}/${path}") (targetsOf folder)) members)}
  '';
  stub = path: ''mkdir -p "$out/${dirOf path}"; echo ${if baseNameOf path == "lib.rs" then "" else "'fn main() {}'"} > "$out/${path}"'';
  # Folders on the way to a member.
  ways = listToAttrs (map (name: { inherit name; value = null; }) (concatMap (folder: [ folder (dirOf folder) ]) members));
  holdsMembers = path: ways ? ${builtins.substring (builtins.stringLength (toString root) + 1) (-1) path};

  rust = arguments: rustPlatform.buildRustPackage ({
    inherit (manifest.workspace.package) version;
    cargoLock.lockFile = root + "/Cargo.lock";
    buildType = "debug";
    nativeBuildInputs = [ clippy ];
    doCheck = false;
  } // arguments);

  # Nobody debugs what is built here, and nothing is built a second time in the same place.
  lean = "export CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=false";

  dependencies = rust {
    pname = "workspace-dependencies";
    src = stubs;
    buildPhase = ''
      ${lean}
      cargo test --offline --workspace --no-run
      cargo clippy --offline --workspace --all-targets
    '';
    # Without what cargo knows of our stubs: it would take them for the crates, because every file in the store is equally old.
    installPhase = ''
      for member in ${concatStringsSep " " (map (folder: (manifestOf folder).package.name) members)}; do
        find target -depth -path "*/.fingerprint/$member-*" -delete
      done
      mkdir -p "$out"
      tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1 -cf "$out/target.tar" target
    '';
  };

  check = pname: arguments: rust ({
    inherit pname;
    src = builtins.path { name = "repository"; path = root; };
    preBuild = ''
      ${lean}
      tar -xf ${dependencies}/target.tar
    '';
    installPhase = ''touch "$out"'';
  } // arguments);
in
{
  clippy = check "clippy" { buildPhase = "cargo clippy --offline --workspace --all-targets -- --deny warnings"; };

  # With a real Redis and a real Garage for those tests that are ignored where there are none, and as a user to whom things can be refused.
  # What needs containers is not asked for, and what only measures neither.
  unit-tests = check "unit-tests" {
    nativeBuildInputs = [ clippy git redis garage_2 ];
    buildPhase = ''
      cargo test --offline --no-fail-fast --workspace --exclude e2e
      cargo test --offline --package api --package image-store -- --ignored --skip overhead
    '';
  };

  documentation = check "documentation" { buildPhase = "RUSTDOCFLAGS='--deny warnings' cargo doc --offline --workspace --no-deps"; };
}
