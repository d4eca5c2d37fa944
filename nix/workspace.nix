# A part of the Cargo workspace, cut out of the whole so that nothing else can change what is built from it: its crates, a root
# manifest with only the shared versions that these use, and the part of the lock that they need. The services are such a
# part, and so a container image; the harness is another.
# Everything is computed from the real manifests and the real Cargo.lock; there is no list to keep up to date.
#
# Left out on purpose: all other crates and their dependencies; of the part's own their dev-dependencies, tests/, benches/,
# examples/ and snapshots; lints and every profile that is not asked for. None of these reaches a program.
#
# One thing is beyond what can be cut here: when the harness turns on a feature of a crate that the services share, cargo adds
# that feature's dependencies to the crate's entry in the lock. Then the programs are built anew, to the same bytes (cargo
# leaves out what the services do not need), and since images hold the programs' bytes their digests stay.
{ runCommand
, writeText
, root # the repository
, roots # folders of the crates that programs are built from
, profiles ? [ "release" ] # which of the manifest's profiles count
, files ? [ ] # what crates include from elsewhere, relative to the repository
}:
let
  inherit (builtins) attrNames concatMap concatStringsSep elem elemAt filter genericClosure head length listToAttrs map match;

  readToml = file: builtins.fromTOML (builtins.readFile file);
  manifestOf = folder: readToml (root + "/${folder}/Cargo.toml");
  manifest = readToml (root + "/Cargo.toml");
  lock = readToml (root + "/Cargo.lock");

  # --- members -------------------------------------------------------------------------------------------------------

  # What a crate is built from: not what its tests need.
  dependenciesOf = folder:
    let crate = manifestOf folder; in
    if crate ? target then throw "${folder}/Cargo.toml: nix/workspace.nix does not read [target.*] tables yet"
    else attrNames (crate.dependencies or { } // crate.build-dependencies or { });

  sharedDependency = name: manifest.workspace.dependencies.${name} or { };
  folderOf = name: (sharedDependency name).path or null;

  # A crate's folder and those of all crates of this workspace that it is built from.
  closureOf = folders: map (entry: entry.key) (genericClosure {
    startSet = map (key: { inherit key; }) folders;
    operator = entry: map (key: { inherit key; }) (filter (folder: folder != null) (map folderOf (dependenciesOf entry.key)));
  });
  members = builtins.sort builtins.lessThan (closureOf roots);
  memberNames = map (folder: (manifestOf folder).package.name) members;

  # --- manifests -----------------------------------------------------------------------------------------------------

  # TOML's inline form: on one line, and its strings are JSON's.
  inline = value:
    if builtins.isAttrs value then "{ ${concatStringsSep ", " (map (key: "${builtins.toJSON key} = ${inline value.${key}}") (attrNames value))} }"
    else if builtins.isList value then "[${concatStringsSep ", " (map inline value)}]"
    else builtins.toJSON value;
  toToml = attributes: concatStringsSep "" (map (key: "${builtins.toJSON key} = ${inline attributes.${key}}\n") (attrNames attributes));

  used = listToAttrs (map (name: { inherit name; value = null; }) (concatMap dependenciesOf members));
  rootManifest = toToml ({
    workspace = {
      inherit members;
      inherit (manifest.workspace) resolver package;
      dependencies = builtins.intersectAttrs used manifest.workspace.dependencies;
    };
    profile = { release = { }; } // builtins.intersectAttrs (listToAttrs (map (name: { inherit name; value = null; }) profiles)) manifest.profile;
  } // builtins.intersectAttrs { patch = null; } manifest);
  memberManifest = folder: toToml (removeAttrs (manifestOf folder) [ "dev-dependencies" "lints" "test" "bench" "example" ]);

  # --- lock ----------------------------------------------------------------------------------------------------------

  packagesNamed = builtins.groupBy (package: package.name) lock.package;
  # A dependency is written as shortly as is unambiguous: `name`, `name version` or `name version (source)`.
  resolve = reference:
    let
      parts = match "([^ ]+)( ([^ ]+))?( \\((.*)\\))?" reference;
      fits = package:
        (elemAt parts 2 == null || package.version == elemAt parts 2)
        && (elemAt parts 4 == null || package.source or null == elemAt parts 4);
    in
    head (filter fits packagesNamed.${head parts});
  keyOf = package: "${package.name} ${package.version} ${package.source or ""}";

  # The name in the lock is the package's own, whatever the manifest calls it.
  lockName = name: let shared = sharedDependency name; in if builtins.isAttrs shared then shared.package or name else name;
  folderNamed = name: head (filter (folder: (manifestOf folder).package.name == name) members);
  references = package:
    let all = package.dependencies or [ ]; in
    if package ? source then all
    else
      let wanted = map lockName (dependenciesOf (folderNamed package.name)); in
      filter (reference: elem (resolve reference).name wanted) all;

  lockedClosure = genericClosure {
    startSet = map (name: let package = resolve name; in { key = keyOf package; inherit package; }) memberNames;
    operator = entry: map (reference: let package = resolve reference; in { key = keyOf package; inherit package; }) (references entry.package);
  };
  lockedKeys = listToAttrs (map (entry: { name = entry.key; value = null; }) lockedClosure);
  lockedPackages = filter (package: lockedKeys ? ${keyOf package}) lock.package;
  lockedNamed = builtins.groupBy (package: package.name) lockedPackages;

  shortest = package:
    let
      sameName = lockedNamed.${package.name};
      sameVersion = filter (other: other.version == package.version) sameName;
    in
    if length sameName == 1 then package.name
    else if length sameVersion == 1 then "${package.name} ${package.version}"
    else "${package.name} ${package.version} (${package.source})";

  lockEntry = package:
    let
      field = name: if package ? ${name} then "${name} = ${builtins.toJSON package.${name}}\n" else "";
      needed = map (reference: shortest (resolve reference)) (references package);
    in
    "\n[[package]]\n${field "name"}${field "version"}${field "source"}${field "checksum"}"
    + (if needed == [ ] then "" else "dependencies = [\n${concatStringsSep "" (map (name: " \"${name}\",\n") needed)}]\n");
  lockText = "# This file is automatically @generated by Cargo.\n# It is not intended for manual editing.\n"
    + "version = ${toString lock.version}\n${concatStringsSep "" (map lockEntry lockedPackages)}";

  # --- sources -------------------------------------------------------------------------------------------------------

  neverBuilt = [ "Cargo.toml" "README.md" "tests" "benches" "examples" ];
  builtEntries = folder: filter (name: !(elem name neverBuilt)) (attrNames (builtins.readDir (root + "/${folder}")));

  # A crate's files as a store path of their own: it changes when they do, and only then.
  realFiles = folder:
    let top = toString (root + "/${folder}"); in
    builtins.path {
      name = "crate-${baseNameOf folder}";
      path = root + "/${folder}";
      filter = path: _:
        baseNameOf path != "snapshots" && !(dirOf path == top && elem (baseNameOf path) neverBuilt);
    };

  # Its targets, empty: enough for cargo to build all that the crate depends on. See `stubMarker`.
  stubFiles = folder:
    let
      exists = path: builtins.pathExists (root + "/${folder}/${path}");
      programs = if exists "src/bin" then map (name: "src/bin/${name}") (attrNames (builtins.readDir (root + "/${folder}/src/bin"))) else [ ];
      mains = filter exists [ "src/main.rs" "build.rs" ] ++ filter (name: match ".*\\.rs" name != null) programs;
    in
    runCommand "stub-${baseNameOf folder}" { main = ''fn main() { eprintln!("${stubMarker}"); std::process::exit(70); }''; } (''
      mkdir -p "$out/src/bin"
    '' + concatStringsSep "" (map (path: "echo \"$main\" > \"$out/${path}\"\n") mains)
    + (if exists "src/lib.rs" then "touch \"$out/src/lib.rs\"\n" else ""));

  # No program that is shipped may hold this text.
  stubMarker = "this is a stub for building dependencies";
in
{
  inherit closureOf members memberNames builtEntries stubMarker lockText rootManifest;

  # The cut-out workspace with the real files of some crates (folders) and stubs for the others.
  source = name: real: runCommand name
    {
      rootManifest = writeText "Cargo.toml" rootManifest;
      lock = writeText "Cargo.lock" lockText;
    }
    (''
      mkdir -p "$out"
      cp "$rootManifest" "$out/Cargo.toml"
      cp "$lock" "$out/Cargo.lock"
    '' + concatStringsSep "" (map
      (folder: ''
        mkdir -p "$out/${folder}"
        cp -r ${if elem folder real then realFiles folder else stubFiles folder}/. "$out/${folder}/"
        chmod u+w "$out/${folder}"
        cp ${writeText "Cargo.toml" (memberManifest folder)} "$out/${folder}/Cargo.toml"
      '')
      members)
    + concatStringsSep "" (map
      (file: ''
        mkdir -p "$out/${dirOf file}"
        cp ${builtins.path { path = root + "/${file}"; name = baseNameOf file; }} "$out/${file}"
      '')
      files));
}
