# PostgreSQL, which makes its own cluster on its first start. The entrypoint is a script, so there is a shell in it.
{ dockerTools, callPackage, writeShellScriptBin, bash, coreutils, postgresql, tzdata }:
let
  entrypoint = writeShellScriptBin "shakedown-postgres" (builtins.readFile ./postgres-entrypoint.sh);
in
dockerTools.streamLayeredImage {
  name = "shakedown/postgres";
  contents = [
    (callPackage ./account.nix { } { name = "postgres"; uid = 10001; home = "/var/lib/postgres"; })
    bash
    coreutils
    postgresql
    entrypoint
  ];
  extraCommands = ''
    mkdir -p run/postgresql var/lib/postgres usr/share
    ln -s ${tzdata}/share/zoneinfo usr/share/zoneinfo
  '';
  fakeRootCommands = ''
    chown 10001:10001 run/postgresql var/lib/postgres
    chmod 0700 var/lib/postgres
  '';
  maxLayers = 20;
  config = {
    User = "10001:10001";
    Env = [
      "PATH=/bin"
      "PGDATA=/var/lib/postgres/data"
      "LANG=C"
      "LISTEN_HOST=0.0.0.0"
      "LISTEN_PORT=5432"
      "SOCKET_FOLDER=/run/postgresql"
    ];
    Entrypoint = [ "/bin/shakedown-postgres" ];
    ExposedPorts."5432/tcp" = { };
    Volumes."/var/lib/postgres" = { };
    # On SIGTERM it would wait for its clients to leave.
    StopSignal = "SIGINT";
  };
}
