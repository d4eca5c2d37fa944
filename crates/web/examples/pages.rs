//! Writes every page in every state, with all assets, into a folder to look at:
//! `cargo run -p web --example pages -- FOLDER`, then serve the folder at the root of some port.

use std::path::Path;
use std::{env, fs};

use web::page::assets;

#[path = "pages/sample.rs"]
mod sample;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = env::args().nth(1).ok_or("usage: pages FOLDER")?;
    let folder = Path::new(&folder);
    for (path, asset) in assets::all() {
        write(folder, path, asset.content)?;
    }
    for (name, html) in sample::pages() {
        write(folder, &format!("{name}.html"), html.as_bytes())?;
    }
    // The pictures that the pages show, which a server would fetch.
    for (id, picture) in sample::PICTURES {
        let picture = assets::all().find(|(path, _)| path.contains(picture)).ok_or("a sample is missing")?.1;
        write(folder, &format!("gallery/{id}/picture"), picture.content)?;
    }
    Ok(())
}

fn write(folder: &Path, path: &str, content: &[u8]) -> std::io::Result<()> {
    let file = folder.join(path.trim_start_matches('/'));
    fs::create_dir_all(file.parent().unwrap_or(folder))?;
    fs::write(file, content)
}
