# What this repository asks of a package source: the names it takes from `pkgs`, and the arguments it hands to pkgs' larger
# functions. nix/interface.txt is this list as it stands; a test holds the two together, so that another package source can be
# held against the file by reading.
#
# Nothing is kept by hand. A file that `callPackage` calls names what it wants as its arguments; of these, what the package
# source has is its, and the rest is handed over by our own expressions.
{ pkgs
, root # the repository
}:
let
  inherit (builtins) attrNames concatLists concatMap concatStringsSep filter functionArgs isAttrs isFunction isList length listToAttrs map match readDir readFile split;

  # Our expressions; nix/debian is a package source itself, and nix/tests are scripts.
  nixFilesIn = folder: map (name: folder + "/${name}") (filter (name: match ".*\\.nix" name != null) (attrNames (readDir folder)));
  files = concatMap nixFilesIn [ (root + "/nix") (root + "/nix/services") ];

  argumentsOf = file: let value = import file; in if isFunction value then attrNames (functionArgs value) else [ ];
  # `pkgs.NAME` where a file has the whole set.
  namedIn = file: map builtins.head (filter isList (split "pkgs\\.([a-zA-Z0-9_]+)" (readFile file)));
  wanted = concatMap argumentsOf files ++ namedIn (root + "/flake.nix");
  names = attrNames (listToAttrs (map (name: { inherit name; value = null; }) (filter (name: pkgs ? ${name}) wanted)));

  # The Debian package source's functions take a closed set of arguments, so what we hand over is among these.
  argumentsTo = path: function: map (argument: "${path} ${argument}") (filter isMentioned (attrNames (functionArgs function)));
  texts = concatStringsSep "\n" (map readFile files);
  isMentioned = word: length (split "[^a-zA-Z]${word}(\\.[a-zA-Z]+)?( =|;| [a-zA-Z ]*;)" texts) > 1;
  isDerivation = value: isAttrs value && value.type or null == "derivation";
in
{
  lines = concatStringsSep "" (map (line: line + "\n") (concatLists [
    names
    (argumentsTo "dockerTools.streamLayeredImage" pkgs.dockerTools.streamLayeredImage)
    (argumentsTo "rustPlatform.buildRustPackage" pkgs.rustPlatform.buildRustPackage)
  ]));

  # The derivations of what others have made.
  derivations = concatStringsSep "" (map (name: if isDerivation pkgs.${name} then "${builtins.unsafeDiscardStringContext pkgs.${name}.drvPath}\n" else "") names);
}
