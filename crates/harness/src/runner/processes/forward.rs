//! Forwarding: one address here in front of several replicas, or with another client's address in front of one service.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinHandle,
    time::timeout,
};

/// A replica accepts within this, or the next one is asked.
const ACCEPTED_WITHIN: Duration = Duration::from_millis(500);

/// Hands connections on until it is dropped.
#[derive(Debug)]
pub(super) struct Forward(JoinHandle<()>);

impl Drop for Forward {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Hands every connection that comes to `listener` on to one of `targets`, in turn; one that does not accept is passed over.
/// `source` is the address that the connection comes from, where it matters.
pub(super) fn forward(listener: TcpListener, targets: Vec<SocketAddr>, source: Option<Ipv4Addr>) -> Forward {
    let turn = Arc::new(AtomicUsize::new(0));
    let targets: Arc<[SocketAddr]> = targets.into();
    Forward(tokio::spawn(async move {
        loop {
            let Ok((mut client, _)) = listener.accept().await else { continue };
            let _ = client.set_nodelay(true);
            let (turn, targets) = (turn.clone(), targets.clone());
            tokio::spawn(async move {
                let first = turn.fetch_add(1, Ordering::Relaxed);
                for offset in 0..targets.len() {
                    let target = targets[(first + offset) % targets.len()];
                    if let Ok(Ok(mut service)) = timeout(ACCEPTED_WITHIN, connect(target, source)).await {
                        // Whoever hangs up ends both.
                        let _ = tokio::io::copy_bidirectional(&mut client, &mut service).await;
                        return;
                    }
                }
            });
        }
    }))
}

async fn connect(target: SocketAddr, source: Option<Ipv4Addr>) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    // A small rest that waits for an acknowledgement would add 40 ms to some answers, by their length.
    socket.set_nodelay(true)?;
    if let Some(source) = source {
        socket.bind(SocketAddr::from((source, 0)))?;
    }
    socket.connect(target).await
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Something that tells who connected, and its own name.
    async fn replica(name: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut client, from)) = listener.accept().await {
                let _ = client.write_all(format!("{name} {}", from.ip()).as_bytes()).await;
            }
        });
        address
    }

    async fn told(address: SocketAddr) -> String {
        let mut told = String::new();
        TcpStream::connect(address).await.unwrap().read_to_string(&mut told).await.unwrap();
        told
    }

    #[tokio::test]
    async fn replicas_are_asked_in_turn_and_one_that_is_gone_is_passed_over() {
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let targets = vec![replica("one").await, gone, replica("two").await];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let _forward = forward(listener, targets, None);
        let mut all = Vec::new();
        for _ in 0..3 {
            all.push(told(address).await);
        }
        assert_eq!(all, ["one 127.0.0.1", "two 127.0.0.1", "two 127.0.0.1"]);
    }

    #[tokio::test]
    async fn another_client_has_another_address() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let _forward = forward(listener, vec![replica("one").await], Some(Ipv4Addr::new(127, 0, 0, 9)));
        assert_eq!(told(address).await, "one 127.0.0.9");
    }
}
