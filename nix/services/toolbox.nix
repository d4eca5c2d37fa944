# Not a service: what the harness looks at raw volumes with.
{ dockerTools, callPackage, bash, coreutils, findutils, gnugrep, gnutar }:
dockerTools.streamLayeredImage {
  name = "shakedown/toolbox";
  contents = [
    (callPackage ./account.nix { } { name = "toolbox"; uid = 10099; })
    bash
    coreutils
    findutils
    gnugrep
    gnutar
  ];
  maxLayers = 20;
  config = {
    User = "10099:10099";
    Env = [ "PATH=/bin" ];
    Cmd = [ "/bin/bash" ];
  };
}
