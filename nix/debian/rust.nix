# Rust: the machine's own toolchain, made to run in the sandbox, and nixpkgs' rustPlatform as far as this repository uses it.
{ base, fetched, cToolchain, rustLock, runCommand }:
let
  toolchain = base.derivationByBusybox "rust"
    {
      pristine = fetched.rustToolchain;
      inherit (base) patchelf;
      gcc = cToolchain;
    } ''
    PATH=$PATH:$patchelf/bin
    cp -r "$pristine" "$out"
    chmod -R u+w "$out"
    target=$out/lib/rustlib/x86_64-unknown-linux-gnu
    libraries=$gcc/sysroot/lib/x86_64-linux-gnu
    runpath=$out/lib:$libraries:$gcc/sysroot/usr/lib/x86_64-linux-gnu
    # gcc-ld holds rust-lld under the name that gcc looks for: the default linker.
    for program in "$out"/bin/* "$target"/bin/* "$target"/bin/gcc-ld/*; do
      [ -f "$program" ] || continue
      patchelf --set-interpreter "$libraries/ld-linux-x86-64.so.2" --force-rpath --set-rpath "$runpath" "$program"
    done
    for library in "$out"/lib/*.so* "$target"/lib/*.so; do
      # Some are a line of linker script that only looks like a library.
      if [ -L "$library" ] || [ "$(head -c 4 "$library" | od -An -c | tr -d ' ')" != 177ELF ]; then continue; fi
      patchelf --force-rpath --set-rpath "$runpath" "$library"
    done
  '' // { inherit (rustLock) version; };

  # A folder with every crate of a lock, as `cargo vendor` would lay it out.
  vendor = lockText:
    let
      packages = (builtins.fromTOML lockText).package;
      crates = builtins.filter (package: package ? checksum) packages;
      unpack = crate: ''
        tar -xzf ${fetched.crate crate} -C "$out"
        printf '{"files":{},"package":"${crate.checksum}"}' > "$out/${crate.name}-${crate.version}/.cargo-checksum.json"
      '';
    in
    base.derivationByBusybox "cargo-vendor-dir" { unpack = builtins.concatStringsSep "" (map unpack crates); passAsFile = [ "unpack" ]; } ''
      mkdir -p "$out"
      . "$unpackPath"
    '';

  buildRustPackage =
    { pname
    , version
    , src
    , cargoLock
    , cargoBuildFlags ? [ ]
    , buildType ? "release"
    , doCheck ? true
    , nativeBuildInputs ? [ ]
    , preBuild ? ""
    , postInstall ? ""
    , buildPhase ? ''cargo build --offline ${if buildType == "debug" then "" else "--${buildType}"} -j "''${NIX_BUILD_CORES:-1}" ${toString cargoBuildFlags}''
    , installPhase ? ''
        mkdir -p "$out/bin"
        find target/${buildType} -maxdepth 1 -type f -perm -u+x ! -name '*.so' -exec cp {} "$out/bin/" \;
      ''
    }:
    let profile = if buildType == "debug" then "" else "--${buildType}"; in
    runCommand "${pname}-${version}"
      {
        nativeBuildInputs = [ toolchain cToolchain ] ++ nativeBuildInputs;
        inherit src;
        vendor = vendor (cargoLock.lockFileContents or (builtins.readFile cargoLock.lockFile));
        passthru = { inherit pname version; };
      } ''
      export CARGO_HOME=$NIX_BUILD_TOP/cargo-home
      mkdir -p "$CARGO_HOME"
      # Crates are compiled from a path that is the same whichever crates there are: programs hold its end (in the texts of
      # their panics), and a path of the store would pull all of them into the container image.
      ln -s "$vendor" "$NIX_BUILD_TOP/vendor"
      printf '[source.crates-io]\nreplace-with = "vendor"\n[source.vendor]\ndirectory = "%s"\n' "$NIX_BUILD_TOP/vendor" > "$CARGO_HOME/config.toml"

      cp -r "$src" source
      chmod -R u+w source
      cd source
      ${preBuild}
      ${buildPhase}
      ${if doCheck then ''cargo test --offline ${profile} -j "''${NIX_BUILD_CORES:-1}" ${toString cargoBuildFlags}'' else ""}
      ${installPhase}
      ${postInstall}
    '';
in
{
  rustPlatform = { inherit buildRustPackage; };
  cargo = toolchain;
  rustc = toolchain;
  rustfmt = toolchain;
  clippy = toolchain;
}
