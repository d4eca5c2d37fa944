# The container images, each as a docker-archive that is named by its own content, and the folder of all of them with the
# manifest that the harness loads from.
{ callPackage
, runCommand
, writeText
, python3
, postgresql
, redis
, caddy
, garage_2
, bash
, coreutils
, cargo
, root # the repository
, programs # packages.nix
, packageSource # where the packages came from: { name, locks }
, origins ? null # which packages store paths were made of, where their names do not say it (JSON)
}:
let
  inherit (programs) healthcheck;
  ours = callPackage ./services/ours.nix { inherit healthcheck; };

  streams = {
    # Told to `migrate` instead, the api is the migration.
    api = ours { name = "api"; package = programs.api; uid = 10010; port = 8000; arguments = [ "serve" ]; keepsImages = true; };
    worker = ours { name = "worker"; package = programs.worker; uid = 10011; port = 9100; keepsImages = true; };
    web = ours { name = "web"; package = programs.web; uid = 10012; port = 3000; };
    proxy = callPackage ./services/proxy.nix { inherit healthcheck; caddyfile = builtins.path { path = root + "/compose/proxy/Caddyfile"; name = "Caddyfile"; }; };
    postgres = callPackage ./services/postgres.nix { };
    redis = callPackage ./services/redis.nix { };
    image-store = callPackage ./services/image-store.nix { inherit healthcheck; };
    toolbox = callPackage ./services/toolbox.nix { };
  };

  # What the images are made of: the harness holds the repository against it.
  sources = import ./sources.nix { inherit root; inherit (programs) workspace; packages = packageSource.name; };

  archives = builtins.mapAttrs
    (name: stream: runCommand "${name}.tar" { nativeBuildInputs = [ python3 ]; } ''
      ${stream} | python3 ${./manifest/name_by_content.py} > "$out"
    '')
    streams;

  # The files of an image beside the store paths that they lead to: what the process runner starts programs from.
  roots = builtins.mapAttrs
    (name: archive: runCommand "${name}-root" { nativeBuildInputs = [ python3 ]; } ''
      python3 ${./manifest/unpack_root.py} ${archive} "$out"
    '')
    archives;

  # What each image consists of.
  boms = builtins.mapAttrs
    (name: archive: runCommand "${name}.cdx.json" { nativeBuildInputs = [ python3 ]; } ''
      python3 ${./manifest/write_sbom.py} ${name} ${archive} ${crates name} ${if origins == null then "/dev/null" else origins} > "$out"
    '')
    archives;
  # The images of some others' programs have our health check in them.
  crates = name: programs.crates.${if name == "proxy" || name == "image-store" then "healthcheck" else name} or "/dev/null";

  # What the manifest says beyond what is in the archives themselves.
  provenance = writeText "provenance.json" (builtins.toJSON {
    package_source = packageSource // {
      versions = builtins.mapAttrs (_: package: package.version) { inherit postgresql redis caddy bash coreutils; garage = garage_2; rust = cargo; };
    };
    sources = { inherit (sources) roots files workspace_manifest workspace_lock; };
    archives = builtins.mapAttrs (_: toString) archives;
    roots = builtins.mapAttrs (_: toString) roots;
    boms = builtins.mapAttrs (_: toString) boms;
  });
in
archives // {
  inherit sources;
  all = runCommand "images" { nativeBuildInputs = [ python3 ]; } ''
    python3 ${./manifest/write_manifest.py} ${provenance} "$out"
  '';
}
