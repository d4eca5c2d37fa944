# The hash of every file that can change a container image, for the manifest: so the harness can tell, without Nix, which
# file was changed since the images were built.
{ root
, workspace # workspace.nix
, packages # the package source's name; its own expressions count only when they are in use
}:
let
  inherit (builtins) attrNames concatMap hashFile hashString listToAttrs readDir;

  # Names below a crate that never reach a program are left out by the folder, so a new file anywhere under a root counts.
  roots = concatMap (folder: [ "${folder}/Cargo.toml" ] ++ map (name: "${folder}/${name}") (workspace.builtEntries folder)) workspace.members
    ++ [ "compose/proxy/Caddyfile" "nix/workspace.nix" "nix/packages.nix" "nix/images.nix" "nix/sources.nix" "nix/manifest" "nix/services" ]
    ++ (if packages == "debian" then [ "nix/debian" ] else [ ]);

  # Made by the bootstrap, not by people; the manifest has their hashes elsewhere.
  generated = [ "nix/debian/debs.json" "nix/debian/rust.json" ];

  filesUnder = path:
    let kind = (readDir (dirOf (root + "/${path}"))).${baseNameOf path}; in
    if builtins.elem path generated then [ ]
    else if kind == "directory" then concatMap (name: filesUnder "${path}/${name}") (attrNames (readDir (root + "/${path}")))
    else [ path ];
in
{
  inherit roots;
  files = listToAttrs (map (name: { inherit name; value = hashFile "sha256" (root + "/${name}"); }) (concatMap filesUnder roots));
  # The parts of Cargo.toml and Cargo.lock that the services use: the rest may change without making an image stale.
  workspace_manifest = hashString "sha256" workspace.rootManifest;
  workspace_lock = hashString "sha256" workspace.lockText;
}
