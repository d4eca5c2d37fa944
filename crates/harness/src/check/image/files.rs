//! What is true of every file of every image: rights, dates, the machine it is for.

use super::{Check, Ruled, of, of_each, of_each_entry, read};
use crate::observation::{ContainerImages, EntryKind, Program};

/// The one date of images: a second after the beginning, because some take the beginning for none.
const DATE: (&str, u64) = ("1970-01-01T00:00:01Z", 1);

/// ELF's numbers of machines, by the name of the architecture. See elf.h.
const MACHINES: [(&str, u16); 2] = [("amd64", 62), ("arm64", 183)];

pub(super) fn checks() -> Vec<Check> {
    vec![
        of_each_entry(
            "setuid",
            "no program in an image takes on its owner's or group's rights",
            "no such file",
            |entry| {
                let gives = entry.kind == EntryKind::File && entry.mode & 0o6000 != 0;
                gives.then(|| format!("{} has mode {:o}", entry.path, entry.mode))
            },
        ),
        of_each_entry(
            "world_writable",
            "nothing in an image can be written to by everybody",
            "no such path",
            |entry| {
                // A link has no rights of its own.
                let open = !matches!(entry.kind, EntryKind::Link(_)) && entry.mode & 0o002 != 0;
                open.then(|| format!("{} has mode {:o}", entry.path, entry.mode))
            },
        ),
        of_each(
            "created",
            "an image has one date, whenever it is built",
            "1970-01-01T00:00:01Z on everything",
            |_, image| {
                let dates = image.created.iter().filter(|date| *date != DATE.0);
                let wrong = dates.map(|date| format!("its configuration says {date}"));
                let files = image.entries.iter().filter(|entry| entry.modified != DATE.1);
                wrong
                    .chain(files.map(|entry| format!("{} is of second {}", entry.path, entry.modified)))
                    .collect()
            },
        ),
        of(
            "architecture",
            "every image, and every program and library in it, is for this machine",
            "the configuration and all ELF headers agree with what runs here",
            architecture,
        ),
    ]
}

fn architecture(images: &ContainerImages) -> Ruled {
    let machine = images.machine.as_str();
    let mut wrong = Vec::new();
    let Some((_, number)) = MACHINES.iter().find(|(name, _)| *name == machine) else {
        let wrong =
            vec![format!("no image is known to run on `{machine}`; ELF's number of it is not in this check")];
        return Ruled { wrong, looked_at: String::new() };
    };
    let mut count = 0;
    for (name, image) in read(images) {
        if image.architecture != machine {
            wrong.push(format!("{name}: its configuration says {}", image.architecture));
        }
        for entry in &image.entries {
            let Some(Program::Elf { machine, .. }) = &entry.program else { continue };
            count += 1;
            if machine != number {
                wrong.push(format!("{name}: {} is for ELF machine {machine}, this is {number}", entry.path));
            }
        }
    }
    if count == 0 {
        wrong.push("there is no program in any image".into());
    }
    Ruled { wrong, looked_at: format!("{machine}, and {count} ELF files") }
}
