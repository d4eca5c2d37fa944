# nixpkgs' small builders, over the packaged bash and the tools that a standard environment has.
{ system, bash, tools }:
let
  binPath = packages: builtins.concatStringsSep ":" (map (package: "${package}/bin") packages);

  # A derivation whose script bash runs, with `tools` and `nativeBuildInputs` on PATH. Attributes become variables.
  runCommand = name: attributes: script:
    let
      environment = removeAttrs attributes [ "nativeBuildInputs" "passAsFile" "passthru" "meta" ];
      derived = derivation (environment // {
        inherit name system script;
        passAsFile = [ "script" ] ++ (attributes.passAsFile or [ ]);
        PATH = binPath ((attributes.nativeBuildInputs or [ ]) ++ tools);
        SOURCE_DATE_EPOCH = "1";
        builder = "${bash}/bin/bash";
        args = [ "-euo" "pipefail" "-c" ''export HOME=$NIX_BUILD_TOP; . "$scriptPath"'' ];
      });
    in
    derived // (attributes.passthru or { });

  writeTextFile = { name, text, executable ? false, destination ? "" }:
    runCommand name { inherit text; passAsFile = [ "text" ]; } ''
      mkdir -p "$(dirname "$out${destination}")"
      cp "$textPath" "$out${destination}"
      ${if executable then ''chmod +x "$out${destination}"'' else ""}
    '';

  script = text: "#!${bash}/bin/bash\n${text}";
in
{
  inherit runCommand writeTextFile;
  writeText = name: text: writeTextFile { inherit name text; };
  writeShellScript = name: text: writeTextFile { inherit name; text = script text; executable = true; };
  writeShellScriptBin = name: text:
    writeTextFile { inherit name; text = script text; executable = true; destination = "/bin/${name}"; };

  # What `nix develop` looks at: a derivation with a bash builder and its variables. Nothing but a list of variables is built.
  mkShell = { packages ? [ ], shellHook ? "", ... }@attributes:
    derivation (removeAttrs attributes [ "packages" "inputsFrom" "shellHook" ] // {
      name = attributes.name or "nix-shell";
      outputs = [ "out" ];
      inherit system shellHook;
      PATH = binPath (packages ++ tools);
      builder = "${bash}/bin/bash";
      args = [ "-c" "export > $out" ];
    });
}
