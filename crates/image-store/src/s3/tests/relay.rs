//! Something between us and a server that lets so many bytes of its answers through, then stalls or breaks off.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What happens to a connection whose answers were long enough.
#[derive(Debug, Clone, Copy)]
pub(super) enum After {
    Stall,
    BreakOff,
}

pub(super) struct Relay {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Relay {
    /// Hands each connection on to `server`, whose answers end after `bytes` of them.
    pub(super) async fn start(server: String, bytes: usize, after: After) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(server.trim_start_matches("http://")).await.unwrap();
                tokio::spawn(hand_on(client, server, bytes, after));
            }
        });
        Self { address, task }
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn hand_on(client: TcpStream, server: TcpStream, mut left: usize, after: After) {
    let (mut questions, mut to_client) = client.into_split();
    let (mut answers, mut to_server) = server.into_split();
    let up = tokio::spawn(async move { tokio::io::copy(&mut questions, &mut to_server).await });
    let mut buffer = vec![0; 16 * 1024];
    while left > 0 {
        let wanted = left.min(buffer.len());
        match answers.read(&mut buffer[..wanted]).await {
            Ok(came @ 1..) => {
                left -= came;
                if to_client.write_all(&buffer[..came]).await.is_err() {
                    break;
                }
            }
            _ => break,
        }
    }
    if let After::Stall = after {
        std::future::pending::<()>().await;
    }
    up.abort();
}
