//! A real Redis for tests of what only Redis can tell: scripts, expiry, several replicas. Tests that need it are
//! ignored unless asked for: `cargo test -p api -- --include-ignored`, with `redis-server` on the `PATH`.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use service::Settings;
use service::redis::{Redis, RedisConfig};

/// A server of its own per test, without persistence; it ends with this value.
pub(crate) struct TestRedis {
    server: Child,
    port: u16,
}

impl TestRedis {
    pub(crate) async fn start() -> Self {
        // Another process may take the port in between; then this start fails, loudly.
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let server = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--requirepass", "test", "--port", &port.to_string()])
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is on the PATH");
        let redis = Self { server, port };
        let connection = redis.connect();
        for _ in 0..200 {
            if connection.probe().await.is_ok() {
                return redis;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("redis-server did not answer on port {port} within 5 s");
    }

    /// A connection of its own, as another replica would have.
    pub(crate) fn connect(&self) -> Redis {
        let url = format!("redis://127.0.0.1:{}/0", self.port);
        let settings = Settings::from_pairs([("REDIS_URL", url.as_str()), ("REDIS_PASSWORD", "test")]);
        RedisConfig::read(&settings).unwrap().connect().unwrap()
    }
}

impl Drop for TestRedis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
