//! The web service: pages for people. The browser talks to it alone, and it talks to the api.

mod page;

fn main() {
    tracing::info!("not built yet");
}
