# Which Debian packages each store path of this package source was made of: a JSON file (see origins.py).
{ builders, packages, python3, lock }:
let
  inherit (builtins) attrValues filter listToAttrs toJSON;
  relocated = filter (package: package ? debs && package ? owned) (attrValues packages);
  described = builders.writeText "packages.json" (toJSON {
    packages = map (package: { path = "${package}"; inherit (package) owned debs; }) relocated;
    versions = listToAttrs (map (file: { name = file.package; value = file.version; }) (attrValues lock.files));
  });
in
builders.runCommand "origins.json" { nativeBuildInputs = [ python3 ]; } ''
  python3 ${./origins.py} ${described} > "$out"
''
