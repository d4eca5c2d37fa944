{
  description = "Shakedown: a stack built by Nix, tried for real before it is merged";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs = { self, nixpkgs }:
    let
      # Another package source (nix/debian) may offer fewer systems than nixpkgs.
      onSystems = wanted: outputs: builtins.mapAttrs (_: outputs) (builtins.intersectAttrs wanted nixpkgs.legacyPackages);
      linux = { x86_64-linux = null; aarch64-linux = null; };
      everywhere = linux // { aarch64-darwin = null; };

      programs = pkgs: pkgs.callPackage ./nix/packages.nix { root = ./.; };
      images = pkgs: pkgs.callPackage ./nix/images.nix {
        root = ./.;
        programs = programs pkgs;
        origins = pkgs.origins or null;
        packageSource = pkgs.packageSource or { name = "nixpkgs"; locks = { "flake.lock" = builtins.hashFile "sha256" ./flake.lock; }; };
      };
      interface = pkgs: import ./nix/interface.nix { inherit pkgs; root = ./.; };
    in
    {
      packages = onSystems linux (pkgs:
        let archives = images pkgs; in {
          inherit (programs pkgs) api worker web healthcheck shakedown;
          image-api = archives.api;
          image-worker = archives.worker;
          image-web = archives.web;
          image-proxy = archives.proxy;
          image-postgres = archives.postgres;
          image-redis = archives.redis;
          image-image-store = archives.image-store;
          image-toolbox = archives.toolbox;
          images = archives.all;
          default = archives.all;
        });

      checks = onSystems linux (pkgs: pkgs.callPackage ./nix/checks.nix {
        root = ./.;
        programs = programs pkgs;
        images = images pkgs;
        interface = interface pkgs;
      });

      # For `make reproduce`, and for the test of nix/interface.txt.
      legacyPackages = onSystems linux (pkgs: { interface = interface pkgs; });

      apps = onSystems linux (pkgs:
        let verb = name: { type = "app"; program = "${pkgs.writeShellScript name "exec ${(programs pkgs).shakedown}/bin/shakedown ${name} --images ${(images pkgs).all} \"$@\""}"; }; in {
          gate = verb "gate";
          dev = verb "up";
          default = verb "gate";
        });

      formatter = onSystems everywhere (pkgs: pkgs.callPackage ./nix/formatter.nix { });

      devShells = onSystems everywhere (pkgs: { default = pkgs.callPackage ./nix/dev-shell.nix { }; });
    };
}
