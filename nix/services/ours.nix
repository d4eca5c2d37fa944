# A container image of one of our own services: its program, `healthcheck`, one user, and no shell.
#
# name         of the container image, of the program in it (bin/NAME) and of its user
# package      what the program is taken from
# uid          its user; the group has the same name and number, unless it shares images
# port         the container port it listens on
# arguments    what the program is told unless the container's creator says otherwise
# keepsImages  whether it works in /var/lib/images
{ dockerTools, callPackage, healthcheck }:
let
  # Where api and worker share images, by this group. The outputs in it are the worker's.
  images = { folder = "var/lib/images"; owner = 10011; group = { name = "images"; gid = 10020; }; };
in
{ name, package, uid, port, arguments ? [ ], keepsImages ? false }:
let
  group = if keepsImages then images.group else { inherit name; gid = uid; };
in
dockerTools.streamLayeredImage {
  name = "shakedown/${name}";
  contents = [ (callPackage ./account.nix { } { inherit name uid; group = group.name; inherit (group) gid; }) ];
  # Copies, not links: the image depends on the programs' bytes, not on how they came about.
  extraCommands = ''
    mkdir -p bin ${if keepsImages then images.folder else ""}
    cp ${package}/bin/${name} ${healthcheck}/bin/healthcheck bin/
  '';
  # A new volume takes owner and mode from here.
  fakeRootCommands =
    if keepsImages then ''
      chown ${toString images.owner}:${toString images.group.gid} ${images.folder}
      chmod 2770 ${images.folder}
    '' else "";
  maxLayers = 20;
  config = {
    User = "${toString uid}:${toString group.gid}";
    Env = [ "PATH=/bin" ];
    Entrypoint = [ "/bin/${name}" ];
    Cmd = arguments;
    ExposedPorts."${toString port}/tcp" = { };
    # No `Volumes`: whoever starts it without one, as the migration is, would leave a nameless volume behind.
  };
}
