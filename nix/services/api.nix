# The api, and with `migrate` the migration. One program, no shell.
{ dockerTools, callPackage, api, healthcheck }:
dockerTools.streamLayeredImage {
  name = "shakedown/api";
  contents = [ (callPackage ./account.nix { } { name = "api"; uid = 10010; group = "images"; gid = 10020; }) ];
  # Copies, not links: the image depends on the programs' bytes, not on how they came about.
  extraCommands = ''
    mkdir -p bin var/lib/images
    cp ${api}/bin/api ${healthcheck}/bin/healthcheck bin/
  '';
  # A new volume takes owner and mode from here; api and worker share it by its group.
  fakeRootCommands = ''
    chown 10011:10020 var/lib/images
    chmod 2770 var/lib/images
  '';
  maxLayers = 20;
  config = {
    User = "10010:10020";
    Env = [ "PATH=/bin" ];
    Entrypoint = [ "/bin/api" ];
    Cmd = [ "serve" ];
    ExposedPorts."8000/tcp" = { };
    # No `Volumes`: the migration starts from this image without one, and would leave a nameless volume behind.
  };
}
