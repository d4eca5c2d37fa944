# Redis, in memory alone. Its password must not be an argument, so a script hands it the configuration; hence the shell.
{ dockerTools, callPackage, writeShellScriptBin, bash, coreutils, redis }:
dockerTools.streamLayeredImage {
  name = "shakedown/redis";
  contents = [
    (callPackage ./account.nix { } { name = "redis"; uid = 10002; })
    bash
    coreutils
    redis
    (writeShellScriptBin "shakedown-redis" (builtins.readFile ./redis-entrypoint.sh))
    (writeShellScriptBin "redis-healthcheck" (builtins.readFile ./redis-healthcheck.sh))
  ];
  maxLayers = 20;
  config = {
    User = "10002:10002";
    Env = [ "PATH=/bin" "LISTEN_HOST=0.0.0.0" "LISTEN_PORT=6379" "REDIS_FOLDER=/tmp" ];
    Entrypoint = [ "/bin/shakedown-redis" ];
    ExposedPorts."6379/tcp" = { };
  };
}
