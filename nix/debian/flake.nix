{
  description = "nixpkgs' names, as far as this repository uses them, made from Debian packages and the machine's Rust toolchain";

  outputs = { self }: {
    legacyPackages.x86_64-linux = import ./default.nix { system = "x86_64-linux"; };
  };
}
