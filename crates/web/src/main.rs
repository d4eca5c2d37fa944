//! The web service: pages for people. The browser talks to it alone, and it talks to the api.

fn main() {
    tracing::info!("not built yet");
}
