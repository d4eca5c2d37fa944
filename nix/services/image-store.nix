# Garage, the S3 store for outputs. The secret of its key comes in a file and it takes none for that, so a script hands it over;
# hence the shell.
{ dockerTools, callPackage, writeShellScriptBin, bash, garage_2, healthcheck }:
dockerTools.streamLayeredImage {
  name = "shakedown/image-store";
  contents = [
    (callPackage ./account.nix { } { name = "image-store"; uid = 10004; home = "/var/lib/objects"; })
    bash
    (writeShellScriptBin "shakedown-image-store" (builtins.readFile ./image-store-entrypoint.sh))
  ];
  extraCommands = ''
    mkdir -p bin var/lib/objects
    ln -s ${garage_2}/bin/garage bin/garage
    cp ${healthcheck}/bin/healthcheck bin/
  '';
  # A new volume takes owner and mode from here.
  fakeRootCommands = ''
    chown 10004:10004 var/lib/objects
    chmod 0700 var/lib/objects
  '';
  maxLayers = 20;
  config = {
    User = "10004:10004";
    Env = [
      "PATH=/bin"
      "LISTEN_HOST=0.0.0.0"
      "LISTEN_PORT=3900"
      "ADMIN_HOST=0.0.0.0"
      "ADMIN_PORT=3903"
      "OBJECTS_FOLDER=/var/lib/objects"
    ];
    Entrypoint = [ "/bin/shakedown-image-store" ];
    ExposedPorts = { "3900/tcp" = { }; "3903/tcp" = { }; };
    Volumes."/var/lib/objects" = { };
  };
}
