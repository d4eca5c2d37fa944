# The worker. One program, no shell.
{ dockerTools, callPackage, worker, healthcheck }:
dockerTools.streamLayeredImage {
  name = "shakedown/worker";
  contents = [ (callPackage ./account.nix { } { name = "worker"; uid = 10011; group = "images"; gid = 10020; }) ];
  # Copies, not links: the image depends on the programs' bytes, not on how they came about.
  extraCommands = ''
    mkdir -p bin var/lib/images
    cp ${worker}/bin/worker ${healthcheck}/bin/healthcheck bin/
  '';
  # A new volume takes owner and mode from here; api and worker share it by its group.
  fakeRootCommands = ''
    chown 10011:10020 var/lib/images
    chmod 2770 var/lib/images
  '';
  maxLayers = 20;
  config = {
    User = "10011:10020";
    Env = [ "PATH=/bin" ];
    Entrypoint = [ "/bin/worker" ];
    ExposedPorts."9100/tcp" = { };
    Volumes."/var/lib/images" = { };
  };
}
