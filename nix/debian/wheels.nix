# Programs that come ready in a Python package (wheels.txt), made to find libc where this package source has it.
{ base, fetched, glibc }:
let
  inherit (builtins) filter head isList listToAttrs map match readFile split;

  # Lines of `NAME==VERSION --hash=sha256:HASH`.
  lines = filter (line: !(isList line)) (split "\n" (readFile ./wheels.txt));
  parsed = filter (wheel: wheel != null) (map (match "([a-z]+)==([0-9.]+) --hash=sha256:([0-9a-f]+)") lines);
  program = wheel:
    let name = head wheel; version = builtins.elemAt wheel 1; sha256 = builtins.elemAt wheel 2; in {
      inherit name;
      value = base.derivationByBusybox name
        {
          wheel = fetched.wheel { inherit name version sha256; };
          inherit (base) patchelf;
          inherit glibc;
        } ''
        unzip -q "$wheel"
        mkdir -p "$out/bin"
        cp ./*.data/scripts/${name} "$out/bin/"
        chmod +x "$out/bin/${name}"
        "$patchelf/bin/patchelf" --set-interpreter "$glibc/lib/ld-linux-x86-64.so.2" --force-rpath --set-rpath "$glibc/lib" "$out/bin/${name}"
      '' // { inherit version; };
    };
in
listToAttrs (map program parsed)
