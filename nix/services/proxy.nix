# Caddy, the one door. No shell.
{ dockerTools, callPackage, caddy, healthcheck, caddyfile }:
dockerTools.streamLayeredImage {
  name = "shakedown/proxy";
  contents = [ (callPackage ./account.nix { } { name = "proxy"; uid = 10003; }) ];
  extraCommands = ''
    mkdir -p bin etc/caddy
    ln -s ${caddy}/bin/caddy bin/caddy
    cp ${healthcheck}/bin/healthcheck bin/
    cp ${caddyfile} etc/caddy/Caddyfile
  '';
  maxLayers = 20;
  config = {
    User = "10003:10003";
    Env = [
      "PATH=/bin"
      "HOME=/tmp"
      "XDG_CONFIG_HOME=/tmp/config"
      "XDG_DATA_HOME=/tmp/data"
      "TLS_HOST=0.0.0.0"
      "TLS_PORT=8443"
      "PLAIN_HOST=0.0.0.0"
      "PLAIN_PORT=8080"
    ];
    Entrypoint = [ "/bin/caddy" ];
    Cmd = [ "run" "--config" "/etc/caddy/Caddyfile" "--adapter" "caddyfile" ];
    ExposedPorts = { "8443/tcp" = { }; "8080/tcp" = { }; };
  };
}
