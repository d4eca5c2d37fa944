# Not a service: what the harness looks at raw volumes with, and comes in through as another client.
{ dockerTools, callPackage, bash, coreutils, findutils, gnugrep, gnutar, socat }:
dockerTools.streamLayeredImage {
  name = "shakedown/toolbox";
  contents = [
    (callPackage ./account.nix { } { name = "toolbox"; uid = 10099; })
    bash
    coreutils
    findutils
    gnugrep
    gnutar
    socat
  ];
  maxLayers = 20;
  config = {
    User = "10099:10099";
    Env = [ "PATH=/bin" ];
    Cmd = [ "/bin/bash" ];
  };
}
