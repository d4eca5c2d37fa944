//! A real S3 store for tests of what only a server can tell. Tests that need it are ignored unless asked for:
//! `cargo test -p image-store -- --include-ignored`, with `garage` on the `PATH`.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::ImageStore;
use crate::s3::{Endpoint, S3, S3Config};

/// A server of its own per test, with one bucket and one key to it. It ends with this value, and what it kept with it.
pub(crate) struct TestGarage {
    folder: tempfile::TempDir,
    port: u16,
    server: Child,
}

impl TestGarage {
    pub(crate) const REGION: &str = "garage";
    pub(crate) const BUCKET: &str = "images";
    pub(crate) const KEY_ID: &str = "GK31c2f218a2e44f485b94239e";
    pub(crate) const SECRET: &str = "b892c0665f0ada8a4755dae98baa3b133590e11dae3bcc1f9d769d67f16c3835";

    /// Starts a server and waits until it serves.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Another process may take a port in between; then this start fails, loudly.
        let free = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        let [port, rpc_port] = free.map(|free| free.local_addr().unwrap().port());
        std::fs::write(folder.path().join("garage.toml"), settings(folder.path(), port, rpc_port)).unwrap();
        let garage = Self { port, server: serve(folder.path()), folder };
        garage.answers().await;
        garage
    }

    async fn answers(&self) {
        let store = self.store();
        let until = Instant::now() + Duration::from_secs(30);
        let mut last = String::new();
        while Instant::now() < until {
            match store.check().await {
                Ok(()) => return,
                Err(error) => last = error.to_string(),
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("garage did not answer on port {} within 30 s: {last}", self.port);
    }

    /// Ends the server at once; its data stays.
    pub(crate) fn kill(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }

    /// Starts it again where it was.
    pub(crate) async fn restart(&mut self) {
        self.kill();
        self.server = serve(self.folder.path());
        self.answers().await;
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Bucket and key that this server has.
    pub(crate) fn config(&self) -> S3Config {
        self.config_with(Self::REGION, Self::BUCKET, Self::KEY_ID, Self::SECRET)
    }

    /// This server, and whatever else one says.
    pub(crate) fn config_with(&self, region: &str, bucket: &str, key_id: &str, secret: &str) -> S3Config {
        S3Config::new(Endpoint::parse(&self.endpoint()).unwrap(), region, bucket, key_id, secret).unwrap()
    }

    pub(crate) fn store(&self) -> S3 {
        S3::new(&self.config())
    }

    /// Runs a command of Garage's own, and panics where it fails.
    pub(crate) fn command(&self, arguments: &[&str]) {
        let mut command = Command::new("garage");
        let ended =
            command.arg("-c").arg(self.folder.path().join("garage.toml")).args(arguments).output().unwrap();
        assert!(ended.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ended.stderr));
    }
}

impl Drop for TestGarage {
    fn drop(&mut self) {
        self.kill();
    }
}

fn settings(folder: &Path, port: u16, rpc_port: u16) -> String {
    let folder = folder.display();
    format!(
        r#"
metadata_dir = "{folder}/meta"
data_dir = "{folder}/data"
db_engine = "lmdb"
replication_factor = 1
rpc_bind_addr = "127.0.0.1:{rpc_port}"
rpc_public_addr = "127.0.0.1:{rpc_port}"
rpc_secret = "1799bccfd7411eddcf9ebd316bc1f5287ad12a68094e1c6ac6abde7e6feae1ec"

[s3_api]
s3_region = "garage"
api_bind_addr = "127.0.0.1:{port}"
"#
    )
}

fn serve(folder: &Path) -> Child {
    let log = std::fs::File::create(folder.join("garage.log")).unwrap();
    Command::new("garage")
        .arg("-c")
        .arg(folder.join("garage.toml"))
        .args(["server", "--single-node", "--default-bucket"])
        .env("GARAGE_DEFAULT_ACCESS_KEY", TestGarage::KEY_ID)
        .env("GARAGE_DEFAULT_SECRET_KEY", TestGarage::SECRET)
        .env("GARAGE_DEFAULT_BUCKET", TestGarage::BUCKET)
        .env("RUST_LOG", "warn")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("garage is on the PATH")
}
