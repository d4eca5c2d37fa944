# Container images in layers, the same bytes every time: the arguments of nixpkgs' dockerTools that this repository uses.
{ builders, bash, python3, fakeroot }:
let
  inherit (builders) runCommand writeText writeShellScript;

  # An image, handed to `finish` as its name and the command that writes its archive. It is described to layered_image.py as
  # data: its own files over links to `contents`, its configuration, and the closure of both.
  layered = finish: { name, tag ? "latest", contents ? [ ], config ? { }, extraCommands ? "", fakeRootCommands ? "", maxLayers ? 100 }:
    let
      ownFiles = runCommand "${baseNameOf name}-own-files.tar"
        {
          nativeBuildInputs = [ fakeroot ];
          inherit extraCommands fakeRootCommands;
          passAsFile = [ "extraCommands" "fakeRootCommands" ];
          contents = map toString contents;
        } ''
        mkdir root
        cd root
        for package in $contents; do
          (cd "$package" && find . -type d) | while read -r path; do mkdir -p "$path"; done
          (cd "$package" && find . ! -type d) | while read -r path; do
            [ -e "$path" ] || [ -L "$path" ] || ln -s "$package/''${path#./}" "$path"
          done
        done
        . "$extraCommandsPath"
        fakeroot bash -euc '
          . "$fakeRootCommandsPath"
          tar --sort=name --format=gnu --numeric-owner --mtime=@1 -cf "$out" .
        '
      '';
      parts = writeText "${baseNameOf name}-parts.json" (builtins.toJSON {
        reference = "${name}:${tag}";
        inherit config ownFiles maxLayers;
      });
      closure = runCommand "${baseNameOf name}-closure" { exportReferencesGraph = [ "graph" parts ]; } "cp graph $out";
    in
    finish name "${python3}/bin/python3 ${./layered_image.py} ${parts} ${closure}";
in
{
  # A script in the store that writes the archive to its standard output.
  streamLayeredImage = layered (name: command: writeShellScript "stream-${baseNameOf name}" ''
    exec ${command}
  '');
}
