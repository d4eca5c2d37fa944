# The package set: everything that nix/*.nix asks of nixpkgs, under nixpkgs' names. Read from the bottom of the machine up:
#
#   fetch.nix         what the bootstrap put into the store, by hash
#   base.nix          the first shell (busybox) and patchelf
#   relocate.nix      a Debian package -> a store path that runs wherever it lies
#   packages.nix      the list of such packages
#   c-toolchain.nix   gcc and binutils, for linking
#   builders.nix      runCommand, writeText, mkShell, ...
#   rust.nix          the toolchain, and buildRustPackage
#   docker-tools.nix  layered container images
#   wheels.nix        programs from Python packages
#   nixpkgs-fmt/, garage/  locks of programs from crates
#   origins.nix       which Debian packages each store path was made of
{ system }:
let
  fetched = import ./fetch.nix { inherit lock rustLock; };
  lock = readLock ./debs.json;
  rustLock = readLock ./rust.json;
  readLock = file:
    if builtins.pathExists file then builtins.fromJSON (builtins.readFile file)
    else throw "nix/debian/${baseNameOf file} is missing; `make bootstrap` writes it";

  base = import ./base.nix { inherit system fetched; };
  relocate = import ./relocate.nix { inherit base fetched; };
  packages = import ./packages.nix { inherit base relocate fetched; };
  cToolchain = import ./c-toolchain.nix { inherit base fetched; inherit (packages) glibc; };
  builders = import ./builders.nix { inherit system; inherit (packages) bash; tools = buildTools; };
  buildTools = with packages; [ bash coreutils findutils diffutils gnused gnugrep gawk gnutar gzip ];
  rust = import ./rust.nix { inherit base fetched cToolchain rustLock; inherit (builders) runCommand; };
  wheels = import ./wheels.nix { inherit base fetched; inherit (packages) glibc; };
  dockerTools = import ./docker-tools.nix { inherit builders; inherit (packages) bash python3 fakeroot; };

  pkgs = packages // builders // wheels // {
    inherit system dockerTools;
    inherit (rust) rustPlatform cargo rustc rustfmt clippy;
    gcc = cToolchain;
    nixpkgs-fmt = rust.rustPlatform.buildRustPackage {
      pname = "nixpkgs-fmt";
      version = "1.3.0";
      src = ./nixpkgs-fmt;
      cargoLock.lockFile = ./nixpkgs-fmt/Cargo.lock;
      buildType = "debug";
      cargoBuildFlags = [ "--package" "nixpkgs-fmt" "--bins" ];
      doCheck = false;
    };
    # By nixpkgs' name for its second major version.
    garage_2 = rust.rustPlatform.buildRustPackage {
      pname = "garage";
      version = "2.5.0";
      src = ./garage;
      cargoLock.lockFile = ./garage/Cargo.lock;
      cargoBuildFlags = [ "--package" "garage" "--bins" ];
      doCheck = false;
      preBuild = ''
        export SODIUM_LIB_DIR=${packages.libsodium}/lib RUSTFLAGS="--remap-path-prefix=$NIX_BUILD_TOP/="
      '';
    };

    # Calls a function, or the one in a file, with the arguments it names.
    callPackage = fileOrFunction: given:
      let
        function = if builtins.isFunction fileOrFunction then fileOrFunction else import fileOrFunction;
        wanted = builtins.functionArgs function;
        missing = builtins.filter (name: !wanted.${name} && !(given ? ${name}) && !(pkgs ? ${name})) (builtins.attrNames wanted);
      in
      if missing == [ ] then function (builtins.intersectAttrs wanted pkgs // given)
      else throw "the Debian package source (nix/debian) has no: ${builtins.concatStringsSep ", " missing}";

    # For bills of materials. nixpkgs has no such name: its store paths are named for the package that they are.
    origins = import ./origins.nix { inherit builders packages lock; inherit (packages) python3; };

    # What an image manifest says of where its packages came from. nixpkgs has no such name.
    packageSource = {
      name = "debian";
      locks = builtins.mapAttrs (_: builtins.hashFile "sha256") { "debs.json" = ./debs.json; "rust.json" = ./rust.json; };
    };
  };
in
pkgs
