# What the bootstrap has put into the store, as derivations: each path depends on its name and hash alone, so it counts as
# built already. Should one be missing, Nix tries the address, fails, and names it.
{ lock, rustLock }:
let
  absent = "file:///not-in-the-store/run-make-bootstrap";

  fixed = { name, sha256, mode ? "flat", url ? absent }: derivation {
    inherit name url;
    urls = [ url ];
    system = "builtin";
    builder = "builtin:fetchurl";
    outputHashMode = mode;
    outputHashAlgo = "sha256";
    outputHash = sha256;
    unpack = false;
    executable = false;
    preferLocalBuild = true;
  };

  debs = builtins.mapAttrs (name: file: fixed { inherit name; inherit (file) sha256; url = "${absent}/${name}"; }) lock.files;
in
{
  busybox = fixed { name = "busybox-seed"; sha256 = lock.busybox; mode = "recursive"; };
  rustToolchain = fixed { name = "rust-seed"; sha256 = rustLock.toolchain; mode = "recursive"; };
  wheel = { name, version, sha256 }: fixed { name = "wheel-${name}-${version}.whl"; inherit sha256; };
  crate = { name, version, checksum, ... }: fixed { name = "crate-${name}-${version}.tar.gz"; sha256 = checksum; };

  # The .deb files that these packages and all they depend on consist of, each once.
  closure = packages:
    let names = builtins.concatMap (package: lock.closures.${package}) packages; in
    builtins.attrValues (builtins.listToAttrs (map (name: { inherit name; value = debs.${name}; }) names));

  # The version of the one package whose name matches this pattern.
  version = pattern:
    let matching = builtins.filter (file: builtins.match pattern file.package != null) (builtins.attrValues lock.files); in
    (builtins.head matching).version;
}
